"""Definitions over HTTP: what is put is checked first, recorded whole, and shown as it was written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from kit.definitions import Outages, compilers
from kit.server import until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deployments.definition_pages import DefinitionPages
from deployments.definitions import Definitions
from schemas.api import problem
from schemas.errors import KefuError

T = "shop"
YAML = {"content-type": "application/yaml"}
PLACES = ["/v1/models/routes", "/v1/flows/refund", "/v1/tools", "/v1/guardrails"]
FIRST = ["routes to refund", "flow refund", "tools a", "guardrails strict"]
SECOND = ["routes to invoice", "flow refund calls a", "tools a, b", "guardrails lax"]


class Api:
    """A client whose answers are read at once."""

    def __init__(self, store: Outages, client: httpx.AsyncClient) -> None:
        self.store = store
        self._client = client

    async def __call__(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._client.request(method, path, content=body, headers=(YAML if body else {}) | named)

    async def put(self, path: str, body: bytes | str, **headers: str) -> dict[str, Any]:
        response = await self("PUT", path, body, **headers)
        assert response.status_code == 200, response.text
        assert response.headers["etag"] == f'"{response.json()["version"]}"'
        told: dict[str, Any] = response.json()
        return told

    async def refused(self, status: int, method: str, path: str, body: bytes | str = b"", **headers: str) -> str:
        """The detail of a problem."""
        response = await self(method, path, body, **headers)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        detail: str = response.json()["detail"]
        return detail


def shown(_: Request, error: Exception) -> Response:
    assert isinstance(error, KefuError)
    return JSONResponse(problem(error), error.status, media_type="application/problem+json")


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    store = Outages()
    pages = DefinitionPages(T, store, compilers(), lambda: 1_700_000_000_123)
    app = Starlette(routes=pages.routes(), exception_handlers={KefuError: shown})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kefu") as client:
        yield Api(store, client)


@pytest.mark.parametrize(("path", "first", "second"), [*zip(PLACES, FIRST, SECOND, strict=True)])
async def test_put_show_history(api: Api, path: str, first: str, second: str) -> None:
    if "calls" in second:
        await api.put("/v1/tools", "tools a")
    assert "nothing has been put" in await api.refused(404, "GET", path)
    told = await api.put(path, f"{first}\r\n# 您好\n", x_kefu_user="wang")
    assert told["version"] == 1 and told["changed"] is True and told["in_force_within_s"] == 1
    again = await api.put(path, f"{first}\r\n# 您好\n")
    assert (again["version"], again["changed"]) == (1, False)
    assert (await api.put(path, second, if_match='"1"'))["version"] == 2

    newest, old = await api("GET", path), await api("GET", f"{path}?version=1")
    assert (newest.text, newest.headers["etag"]) == (second, '"2"')
    assert (old.content, old.headers["etag"]) == (f"{first}\r\n# 您好\n".encode(), '"1"')
    assert old.headers["content-type"] == "application/yaml; charset=utf-8"
    as_json = (await api("GET", f"{path}?version=1", accept="application/json")).json()
    assert as_json["body"] == f"{first}\r\n# 您好\n"
    assert (as_json["version"], as_json["by"], as_json["recorded_at"]) == (1, "wang", "2023-11-14T22:13:20.123Z")

    history = (await api("GET", f"{path}/history")).json()
    assert [(each["version"], each["by"], each["removed"]) for each in history["versions"]] == [
        (2, "api", False), (1, "wang", False),
    ]  # fmt: skip
    assert history["next_before"] is None
    page = (await api("GET", f"{path}/history?limit=1")).json()
    assert ([each["version"] for each in page["versions"]], page["next_before"]) == ([2], 2)
    assert "no version 3" in await api.refused(404, "GET", f"{path}?version=3")


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        ("routes\nbad !\nfine\nworse !\n", {}, 422, "test:2:1: bad !\ntest:4:1: worse !"),
        (b"a: 1\nb: \xff\n", {}, 422, "line 2: byte 0xff is not UTF-8"),
        (" \n\t\n", {}, 422, "nothing is written there"),
        ("recurse", {}, 422, "nested too deeply"),
        ("x" * (256 * 1024 + 1), {}, 413, "262,144"),
        ("routes", {"content_type": "application/x-www-form-urlencoded"}, 415, "x-www-form-urlencoded"),
        ("routes", {"content_type": "text/yaml; charset=gbk"}, 415, "UTF-8"),
        ('{"a": 1,\n}', {"content_type": "application/json"}, 400, "line 2"),
        ('{"a": 1, "a": 2}', {"content_type": "application/json"}, 400, "'a' is there twice"),
        ('{"a": NaN}', {"content_type": "application/json"}, 400, "NaN"),
        ('"\\ud83d"', {"content_type": "application/json"}, 400, "UTF-8"),
        (b'"\xff"', {"content_type": "application/json"}, 400, "UTF-8"),
        ("[" * 100_000, {"content_type": "application/json"}, 400, "nested too deeply"),
        ("routes", {"if_match": "three"}, 400, "If-Match"),
        ("routes", {"if_match": '"1", "2"'}, 400, "If-Match"),
        ("routes", {"x_kefu_user": "a" * 200}, 400, "X-Kefu-User"),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_changes_nothing(
    api: Api, path: str, body: bytes | str, headers: dict[str, str], status: int, says: str
) -> None:
    assert says in await api.refused(status, "PUT", path, body, **headers)
    assert await api.store.all_newest() == []


async def test_json_is_kept_in_lines_and_as_text(api: Api) -> None:
    await api.put("/v1/guardrails", '{"g":\t"\\u60a8\\ud83d\\ude00/\\/"}', content_type="application/json")
    assert (await api("GET", "/v1/guardrails")).text == '{\n  "g": "您😀//"\n}\n'


async def test_another_expected_version_is_a_conflict(api: Api) -> None:
    assert "newest version is 0, not the expected 1" in await api.refused(
        409, "PUT", "/v1/tools", "tools a", if_match='"1"'
    )
    await api.put("/v1/tools", "tools a", if_match='"0"')
    for path in ("/v1/tools", "/v1/tools?dry_run=true"):
        assert "newest version is 1, not the expected 0" in await api.refused(409, "PUT", path, "tools b", if_match="0")
    assert (await api.put("/v1/tools", "tools a", if_match='"0"'))["changed"] is False  # it is so already


async def test_of_concurrent_writers_one_wins(api: Api) -> None:
    answers = await asyncio.gather(*(api("PUT", "/v1/tools", f"tools {n}", if_match='"0"') for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9


async def test_dry_run(api: Api) -> None:
    told = await api.put("/v1/tools?dry_run=true", "tools a")
    assert (told["version"], told["changed"], told["dry_run"]) == (0, True, True)
    assert "test:1:1" in await api.refused(422, "PUT", "/v1/tools?dry_run=true", "tools !")
    assert await api.store.all_newest() == []
    await api.put("/v1/tools", "tools a")
    assert (await api.put("/v1/tools?dry_run=1", "tools a"))["changed"] is False
    assert "`dry_run`" in await api.refused(400, "PUT", "/v1/tools?dry_run=maybe", "tools a")


async def test_flows_are_listed_drawn_and_removed(api: Api) -> None:
    assert (await api("GET", "/v1/flows")).json() == {"flows": []}
    for name in ("refund", "退款"):
        await api.put(f"/v1/flows/{name}", f"flow {name}")
    assert [each["id"] for each in (await api("GET", "/v1/flows")).json()["flows"]] == ["refund", "退款"]
    diagram = await api("GET", "/v1/flows/refund/diagram")
    assert diagram.text == "stateDiagram-v2\nrefund"
    assert diagram.headers["content-type"] == "text/plain; charset=utf-8"

    assert "'nobody'" in await api.refused(404, "DELETE", "/v1/flows/nobody")
    await api.refused(409, "DELETE", "/v1/flows/refund", if_match='"7"')
    removed = (await api("DELETE", "/v1/flows/refund", if_match='"1"', x_kefu_user="wang")).json()
    assert (removed["version"], removed["changed"]) == (2, True)
    assert (await api("DELETE", "/v1/flows/refund")).json()["changed"] is False
    assert [each["id"] for each in (await api("GET", "/v1/flows")).json()["flows"]] == ["退款"]
    for path in ("/v1/flows/refund", "/v1/flows/refund/diagram"):
        assert "removed in version 2, by wang" in await api.refused(404, "GET", path)
    assert (await api("GET", "/v1/flows/refund?version=1")).text == "flow refund"
    assert [each["removed"] for each in (await api("GET", "/v1/flows/refund/history")).json()["versions"]] == [
        True,
        False,
    ]
    assert (await api.put("/v1/flows/refund", "flow refund"))["version"] == 3


async def test_a_flow_is_known_by_one_id(api: Api) -> None:
    detail = await api.refused(422, "PUT", "/v1/flows/invoice", "flow refund")
    assert "'refund'" in detail and "'invoice'" in detail
    await api.refused(400, "PUT", f"/v1/flows/{'a' * 129}", "flow a")
    await api.refused(400, "GET", "/v1/flows/a%00b")


async def test_a_flow_calls_declared_tools_only(api: Api) -> None:
    detail = await api.refused(422, "PUT", "/v1/flows/refund", "flow refund calls pay, look_up")
    assert "'look_up', 'pay'" in detail and "PUT /v1/tools" in detail
    await api.put("/v1/tools", "tools pay")
    assert "'look_up'" in await api.refused(
        422, "PUT", "/v1/flows/refund?dry_run=true", "flow refund calls pay, look_up"
    )
    await api.put("/v1/tools", "tools pay, look_up")
    assert (await api.put("/v1/flows/refund", "flow refund calls pay, look_up"))["warnings"] == []
    told = await api.put("/v1/tools", "tools pay")
    assert told["warnings"] == ["flow 'refund' calls what is no longer declared: 'look_up'"]


async def test_rules_that_name_unknown_flows_are_warned_of(api: Api) -> None:
    await api.put("/v1/flows/refund", "flow refund")
    told = await api.put("/v1/models/routes", "routes to refund, ref*, order*, *")
    assert told["warnings"] == ["a rule names the flow 'order*', which there is not: it will not apply"]
    removed = (await api("DELETE", "/v1/flows/refund?dry_run=true")).json()
    assert [warning.split("'")[1] for warning in removed["warnings"]] == ["ref*", "refund"]
    assert (await api("GET", "/v1/flows/refund")).status_code == 200


async def test_what_is_stored_and_can_no_longer_be_read_stands_in_nobodys_way(api: Api) -> None:
    for kind, name in (("tools", ""), ("routes", ""), ("flow", "old")):
        await api.store.put(T, kind, name, b"!", "an older kefu", 1)  # type: ignore[arg-type]
    told = await api.put("/v1/flows/refund", "flow refund calls pay")
    assert told["warnings"] == ["the declared tools cannot be read, so whether 'pay' are among them was not checked"]
    assert (await api("DELETE", "/v1/flows/refund")).status_code == 200
    assert (await api.put("/v1/tools", "tools pay"))["warnings"] == []
    assert (await api("GET", "/v1/flows/old")).text == "!"


async def test_an_outage_is_said_so(api: Api) -> None:
    api.store.away = True
    for method, path, body in [
        ("PUT", "/v1/tools", "tools a"),
        ("GET", "/v1/tools", ""),
        ("DELETE", "/v1/flows/a", ""),
    ]:
        await api.refused(503, method, path, body)


async def test_in_force_within_a_second_of_the_answer(api: Api) -> None:
    definitions = Definitions(api.store, compilers())
    await definitions.loaded()
    version = (await api.put("/v1/models/routes", "routes to a"))["version"]
    await until(lambda: definitions.of(T).routes_version == version, "the new routes", timeout_s=1.0)
    await definitions.close()
