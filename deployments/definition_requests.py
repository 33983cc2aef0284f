"""From HTTP to a definition as it will be stored, and back: media types, versions in headers, who does it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from deployments import knowledge_requests as ask
from deployments.timestamps import timestamp
from events.definitions import MAX_BODY, Definition, DefinitionLine
from schemas.api import encode_json
from schemas.errors import InvalidRequest, UnsupportedMedia

_YAML = ("application/yaml", "text/yaml", "text/plain", "application/x-yaml", "text/x-yaml")
_JSON = "application/json"


async def definition(request: Request) -> bytes:
    """The body, as YAML. Raises UnsupportedMedia, BodyTooLarge, InvalidRequest."""
    media, _, parameters = request.headers.get("content-type", _YAML[0]).lower().partition(";")
    charset = parameters.partition("charset=")[2].strip(' "') or "utf-8"
    if media.strip() not in (*_YAML, _JSON) or charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(
            f"`Content-Type` is {request.headers['content-type'][:60]!r}; send YAML (application/yaml) or JSON "
            "(application/json), in UTF-8"
        )
    body = await ask.body(request, MAX_BODY)
    return _as_yaml(body) if media.strip() == _JSON and body.strip() else body


def _as_yaml(body: bytes) -> bytes:
    """JSON, laid out in lines (errors name them) and free of what YAML would read in another way: tabs, escapes."""
    try:
        value = json.loads(body, parse_constant=_no_number, object_pairs_hook=_once)
        return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n".encode()
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply to be read; nothing that works needs that") from None
    except UnicodeError as error:
        raise InvalidRequest(f"the body is not JSON in UTF-8: {error}") from error
    except ValueError as error:  # json's own says line and column
        raise InvalidRequest(f"the body is not JSON: {error}") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key[:60]!r} is there twice in one object")
        found[key] = value
    return found


def expected(request: Request) -> int | None:
    """The version in `If-Match`; None if it is not given. Raises InvalidRequest."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    number = given.strip().removeprefix('"').removesuffix('"')
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise InvalidRequest(f'`If-Match` is {given[:40]!r}; give one version, such as "3", or "0" if there is none')
    return int(number)


def flag(request: Request, name: str) -> bool:
    """A query parameter that is true or false. Raises InvalidRequest."""
    given = request.query_params.get(name, "false").lower()
    if given in ("1", "true", "yes"):
        return True
    if given in ("0", "false", "no"):
        return False
    raise InvalidRequest(f"query parameter `{name}` must be true or false, not {given[:20]!r}")


def shown(request: Request, found: Definition) -> Response:
    """As it was written; with `Accept: application/json`, what is known of it beside. The ETag is the version."""
    headers = {"etag": f'"{found.version}"', "vary": "accept", "cache-control": "no-cache"}
    accept = request.headers.get("accept", "")
    if _JSON not in accept or "yaml" in accept:
        return Response(found.body, headers=headers, media_type="application/yaml; charset=utf-8")
    body = {
        "kind": found.kind,
        "name": found.name,
        "version": found.version,
        "by": found.by,
        "recorded_at": timestamp(found.recorded_at_ms),
        "body": found.body.decode("utf-8", "replace"),
    }
    return Response(encode_json(body), headers=headers, media_type=_JSON)


def line(past: DefinitionLine) -> dict[str, Any]:
    """A version in a history."""
    return {
        "version": past.version,
        "by": past.by,
        "recorded_at": timestamp(past.recorded_at_ms),
        "bytes": past.size,
        "removed": past.size == 0,
    }
