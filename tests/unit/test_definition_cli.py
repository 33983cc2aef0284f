"""`kefu routes` against the pages, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from kit.definitions import compilers
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typer.testing import CliRunner, Result

import cli_routes
from deployments.definition_pages import DefinitionPages
from events.memory_definitions import MemoryDefinitions
from schemas.api import problem
from schemas.errors import HostUnavailable, InvalidRequest, KefuError

Run = Callable[..., Result]


def shown(_: Request, error: Exception) -> Response:
    assert isinstance(error, KefuError)
    return JSONResponse(problem(error), error.status, media_type="application/problem+json")


@pytest.fixture
def url() -> Iterator[str]:
    pages = DefinitionPages("shop", MemoryDefinitions(), compilers(), lambda: 1_700_000_000_000)
    app = Starlette(routes=pages.routes(), exception_handlers={KefuError: shown})
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none", lifespan="off"))
    started = threading.Event()

    async def started_up(*_: object, **__: object) -> None:
        await uvicorn.Server.startup(server)
        started.set()

    server.startup = started_up  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    assert started.wait(10)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def run(url: str) -> Run:
    def invoke(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(cli_routes.app, [*arguments, "--url", url], input=stdin)

    return invoke


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text("routes to 退款 # 您好\n", encoding="utf-8")
    return path


def test_check_set_show_history(run: Run, routes: Path) -> None:
    checked = run("check", str(routes))
    assert "can be used; they differ from version 0" in checked.output
    assert "Warning: a rule names the flow '退款'" in checked.output.replace("\n", " ")
    assert isinstance(run("show").exception, KefuError)
    assert "Version 1 is in force everywhere within 1 s" in run("set", str(routes)).output
    assert "version 1 says the same" in run("set", str(routes)).output
    assert run("show").output == "routes to 退款 # 您好\n"
    assert "Version 2" in run("set", "-", "--if-version", "1", stdin="routes").output
    assert (run("show").output, run("show", "--version", "1").output) == ("routes\n", "routes to 退款 # 您好\n")
    lines = run("history").output.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["2", "2023-11-14", "22:13:20", "kefu"], ["1", "2023-11-14", "22:13:20", "kefu"],
    ]  # fmt: skip
    assert len(run("history", "--limit", "1", "--before", "2").output.splitlines()) == 2


def test_what_is_refused_is_said_in_kefus_words(run: Run, routes: Path, tmp_path: Path) -> None:
    routes.write_text("fine\nbad !\n")
    for command in ("check", "set"):
        error = run(command, str(routes)).exception
        assert isinstance(error, KefuError) and (error.code, error.status) == ("invalid_definition", 422)
        assert "test:2:1: bad !" in error.detail
    routes.write_text("routes")
    error = run("set", str(routes), "--if-version", "3").exception
    assert isinstance(error, KefuError) and error.code == "wrong_expected_version"
    assert isinstance(run("set", str(tmp_path / "none.yaml")).exception, InvalidRequest)


def test_nobody_there(routes: Path) -> None:
    result = CliRunner().invoke(cli_routes.app, ["set", str(routes), "--url", "http://127.0.0.1:9"])
    assert isinstance(result.exception, HostUnavailable)
