"""Everything off the hot path: reading sessions, health, metrics, and the chat page."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deployments.completions import Completions
from deployments.host_router import HostRouter
from deployments.reading import Reader
from deployments.requests import checked_id
from schemas.api import problem
from schemas.errors import HostUnavailable, InvalidRequest, KefuError, MethodNotAllowed, NotFound
from schemas.metrics import Metrics

CONSOLE = Path(__file__).parent.parent / "console"
_MAX_EVENTS = 1_000
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def pages(
    reader: Reader, metrics: Metrics, router: HostRouter, completions: Completions, more: list[Route]
) -> Starlette:
    """The Starlette application behind the hot path; `more`: routes that it has beside its own."""

    async def page(_: Request) -> Response:
        return FileResponse(CONSOLE / "chat.html", headers=_PAGE_HEADERS)

    async def session(request: Request) -> Response:
        return JSONResponse(await reader.session(checked_id(request.path_params["id"], "session_id")))

    async def events(request: Request) -> Response:
        external_id = checked_id(request.path_params["id"], "session_id")
        after, limit = _number(request, "after", 0), _number(request, "limit", 200)
        found = await reader.events(external_id, after, max(1, min(limit, _MAX_EVENTS)))
        following = found[-1].seq if found else after
        listed = ",".join(event.json for event in found)
        return Response(
            f'{{"session_id":"{external_id}","events":[{listed}],"next_after":{following}}}',
            media_type="application/json",
        )

    async def models(_: Request) -> Response:
        return JSONResponse(await completions.models())

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        await reader.ping()
        if not router.hosts:
            raise HostUnavailable("no session host is running yet", retry_after_s=2)
        return JSONResponse({"status": "ready", "hosts": router.hosts})

    async def exposition(_: Request) -> Response:
        body = await asyncio.to_thread(metrics.exposition)
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[
            Route("/", page),
            Route("/favicon.ico", lambda _: Response(status_code=204)),  # browsers ask for it; the page has its own
            Mount("/assets", _Assets(directory=CONSOLE)),
            Route("/v1/sessions/{id}", session),
            Route("/v1/sessions/{id}/events", events),
            Route("/v1/models", models),
            *more,
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", exposition),
        ],
        exception_handlers={KefuError: _kefu_error, HTTPException: _http_error},
    )


class _Assets(StaticFiles):
    """The page's own files, with its headers."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(_PAGE_HEADERS)
        return response


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise InvalidRequest(f"query parameter `{name}` must be a number from 0, not {value[:20]!r}")
    return int(value)


def _kefu_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, KefuError)
    headers = {} if error.retry_after_s is None else {"retry-after": str(error.retry_after_s)}
    return JSONResponse(problem(error), error.status, headers, media_type="application/problem+json")


def _http_error(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses, as a problem too."""
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    if error.status_code == 405:
        return _kefu_error(request, MethodNotAllowed(f"{where} is not supported here"))
    if error.status_code == 404:
        return _kefu_error(request, NotFound(f"{where} does not exist"))
    return _kefu_error(request, InvalidRequest(f"{where}: {error.detail}"))
