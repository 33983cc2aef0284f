"""`/v1/models/routes`, `/v1/flows`, `/v1/tools`, `/v1/guardrails`: definitions read, checked and put by operators."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deployments import definition_requests as ask
from deployments.compilers import Compilers
from deployments.definition_checks import DefinitionChecks
from deployments.knowledge_requests import between, by, number
from deployments.timestamps import timestamp
from events.definitions import Definition, DefinitionStore, Kind, check, conflict
from schemas.api import encode_json
from schemas.errors import NotFound

IN_FORCE_WITHIN_S = 1  # of every process, once it is recorded
_MAX_LISTED = 1_000
_PLACES: dict[Kind, str] = {
    "routes": "/v1/models/routes", "flow": "/v1/flows/{id}", "tools": "/v1/tools", "guardrails": "/v1/guardrails"
}  # fmt: skip

Handler = Callable[[Request], Awaitable[Response]]


class DefinitionPages:
    """The definitions of one tenant over HTTP. Errors are raised, as KefuError, for the application to show.

    `clock`: milliseconds since 1970.
    """

    def __init__(self, tenant: str, store: DefinitionStore, compilers: Compilers, clock: Callable[[], int]) -> None:
        self._tenant = tenant
        self._store = store
        self._compilers = compilers
        self._checks = DefinitionChecks(store, compilers)
        self._clock = clock

    def routes(self) -> list[Route]:
        found = [Route("/v1/flows", self._flows, methods=["GET"]), Route("/v1/flows/{id}/diagram", self._diagram)]
        for kind, place in _PLACES.items():
            found += [
                Route(place, self._of(kind, self._show), methods=["GET"]),
                Route(place, self._of(kind, self._put), methods=["PUT"]),
                Route(f"{place}/history", self._of(kind, self._history), methods=["GET"]),
            ]
        return [*found, Route(_PLACES["flow"], self._remove, methods=["DELETE"])]

    # --- Changing --------------------------------------------------------------------------------------

    async def _put(self, request: Request, kind: Kind, name: str) -> Response:
        author, expected, dry_run = by(request.headers), ask.expected(request), ask.flag(request, "dry_run")
        check(self._tenant, kind, name, author)
        body = await ask.definition(request)
        warnings = await self._checks.check(self._tenant, kind, name, body)
        return await self._change(kind, name, body, author, expected, dry_run, warnings)

    async def _remove(self, request: Request) -> Response:
        name = request.path_params["id"]
        author, expected, dry_run = by(request.headers), ask.expected(request), ask.flag(request, "dry_run")
        if await self._store.get(self._tenant, "flow", name) is None:
            raise NotFound(f"there has never been a flow {name[:60]!r}; GET /v1/flows lists them")
        warnings = await self._checks.check_removal(self._tenant, name)
        return await self._change("flow", name, b"", author, expected, dry_run, warnings)

    async def _change(
        self, kind: Kind, name: str, body: bytes, author: str, expected: int | None, dry_run: bool, warnings: list[str]
    ) -> Response:
        before = await self._store.get(self._tenant, kind, name)
        version = 0 if before is None else before.version
        if not dry_run:
            after = await self._store.put(self._tenant, kind, name, body, author, self._clock(), expected=expected)
            changed, version = after.version != version, after.version
        else:
            changed = before is None or before.body != body
            if changed and expected not in (None, version):
                raise conflict(self._tenant, kind, name, expected, version)
        told: dict[str, Any] = {"kind": kind, "name": name, "version": version, "changed": changed}
        told |= {"dry_run": True} if dry_run else {"in_force_within_s": IN_FORCE_WITHIN_S}
        return _json(told | {"warnings": warnings}, {"etag": f'"{version}"'})

    # --- Reading ---------------------------------------------------------------------------------------

    async def _show(self, request: Request, kind: Kind, name: str) -> Response:
        return ask.shown(request, await self._found(request, kind, name))

    async def _found(self, request: Request, kind: Kind, name: str) -> Definition:
        """The version asked for, or the newest. Raises NotFound."""
        version = number(request, "version")
        found = await self._store.get(self._tenant, kind, name, version)
        what = f"flow {name[:60]!r}" if name else kind
        if found is None:
            missing = "nothing has been put yet" if version is None else f"there is no version {version}"
            raise NotFound(f"{what}: {missing}; {request.url.path}/history lists the versions")
        if found.removed:
            when = timestamp(found.recorded_at_ms)
            raise NotFound(
                f"{what}: was removed in version {found.version}, by {found.by} at {when}; "
                f"?version={found.version - 1} is what it was"
            )
        return found

    async def _history(self, request: Request, kind: Kind, name: str) -> Response:
        limit = between(number(request, "limit"), 50, 1, _MAX_LISTED, "limit")
        lines = await self._store.history(self._tenant, kind, name, limit, number(request, "before"))
        return _json({
            "kind": kind,
            "name": name,
            "versions": [ask.line(each) for each in lines],
            "next_before": lines[-1].version if len(lines) == limit and lines[-1].version > 1 else None,
        })  # fmt: skip

    async def _flows(self, _: Request) -> Response:
        found = [each for each in await self._store.newest(self._tenant, "flow") if not each.removed]
        listed = [
            {"id": each.name, "version": each.version, "by": each.by, "recorded_at": timestamp(each.recorded_at_ms)}
            for each in found
        ]
        return _json({"flows": listed})

    async def _diagram(self, request: Request) -> Response:
        found = await self._found(request, "flow", request.path_params["id"])
        flow = await asyncio.to_thread(self._compilers.compile, "flow", found.body)
        return Response(self._compilers.draw(flow), headers={"etag": f'"{found.version}"'}, media_type="text/plain")

    def _of(self, kind: Kind, handle: Callable[[Request, Kind, str], Awaitable[Response]]) -> Handler:
        async def handler(request: Request) -> Response:
            return await handle(request, kind, request.path_params.get("id", ""))

        return handler


def _json(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(encode_json(body), headers=headers, media_type="application/json")
