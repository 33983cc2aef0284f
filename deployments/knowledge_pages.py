"""`/v1/knowledge`: small routes that hand over to the librarian, and to the gateway for searches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from deployments import knowledge_requests as ask
from deployments import outcomes
from knowledge.asking import encode
from schemas.api import Outcome
from schemas.errors import InvalidRequest, KefuError, Unavailable

_NDJSON = "application/x-ndjson"
_MAX_LISTED = 1_000

Handler = Callable[[Request], Awaitable[Response]]


class KnowledgePages:
    """The knowledge of one tenant over HTTP. `librarian`, `gateway`: handles of the deployments."""

    def __init__(self, tenant: str, librarian: Any, gateway: Any) -> None:
        self._tenant = tenant
        # Documents and lists are larger than what Serve's gRPC takes.
        self._librarian = librarian.options(_by_reference=True)
        self._lines = librarian.options(_by_reference=True, stream=True)
        self._gateway = gateway.options(_by_reference=True)

    def routes(self) -> list[Route]:
        found: list[tuple[str, str, Handler]] = [
            ("POST", "/documents", self._take),
            ("GET", "/documents", self._documents),
            ("GET", "/documents/{id:path}", self._document),
            ("DELETE", "/documents/{id:path}", self._remove),
            ("GET", "/entries/{id:path}", self._entry),
            ("GET", "/search", self._search_one),
            ("POST", "/search", self._search_many),
            ("GET", "/history", self._history),
            ("POST", "/rollback", self._roll_back),
            ("POST", "/confirmations", self._confirm),
            ("POST", "/crawl", self._crawl),
            ("GET", "/export", self._export),
        ]
        paths = dict.fromkeys(path for _, path, _ in found)
        return [Route(f"/v1/knowledge{path}", _by_method({m: h for m, p, h in found if p == path}),
                      methods=[m for m, p, _ in found if p == path]) for path in paths]  # fmt: skip

    # --- Changing --------------------------------------------------------------------------------------

    async def _take(self, request: Request) -> Response:
        query = request.query_params
        name = query.get("name", "").strip()
        if not name or len(name) > 500 or not name.isprintable():
            raise InvalidRequest("give the file's name, such as ?name=faq.csv: its document is known by it")
        given = {
            "tenant": self._tenant,
            "name": name,
            "collection": query.get("collection", "") or "default",
            "tags": ask.tags(query.get("tags", "")),
            "by": ask.by(request.headers),
            "dry_run": query.get("dry_run", "") in ("1", "true", "yes"),
        }
        data = await ask.body(request, ask.MAX_DOCUMENT)
        return await _response(self._librarian.take.remote(msgspec.msgpack.encode(given), data))

    async def _remove(self, request: Request) -> Response:
        document, by = request.path_params["id"], ask.by(request.headers)
        return await _response(self._librarian.remove.remote(self._tenant, document, by))

    async def _roll_back(self, request: Request) -> Response:
        body, by = await ask.json_body(request, ask.RollbackBody), ask.by(request.headers)
        return await _response(self._librarian.roll_back.remote(self._tenant, body.to_version, by))

    async def _confirm(self, request: Request) -> Response:
        body, by = await ask.json_body(request, ask.ConfirmationBody), ask.by(request.headers)
        question = ask.question(body.question)
        return await _response(self._librarian.confirm.remote(self._tenant, body.entry_id, question, by))

    async def _crawl(self, request: Request) -> Response:
        body = await ask.json_body(request, ask.CrawlBody)
        site = {
            "tenant": self._tenant,
            "url": body.url,
            "pages": ask.between(body.pages, 100, 1, 5_000, "pages"),
            "depth": ask.between(body.depth, 5, 0, 50, "depth"),
            "collection": body.collection or "default",
            "tags": body.tags,
            "by": ask.by(request.headers),
        }
        return _stream(self._lines.crawl.remote(msgspec.msgpack.encode(site)))

    # --- Reading ---------------------------------------------------------------------------------------

    async def _documents(self, request: Request) -> Response:
        moment, after = ask.moment_of(request), request.query_params.get("after", "")
        limit = ask.between(ask.number(request, "limit"), _MAX_LISTED, 1, _MAX_LISTED, "limit")
        return await _response(
            self._librarian.documents.remote(self._tenant, moment.version, moment.at_ms, after, limit)
        )

    async def _document(self, request: Request) -> Response:
        moment = ask.moment_of(request)
        return await _response(
            self._librarian.document.remote(self._tenant, moment.version, moment.at_ms, request.path_params["id"])
        )

    async def _entry(self, request: Request) -> Response:
        revision = ask.number(request, "revision")
        return await _response(self._librarian.entry.remote(self._tenant, request.path_params["id"], revision))

    async def _history(self, request: Request) -> Response:
        limit = ask.between(ask.number(request, "limit"), 50, 1, _MAX_LISTED, "limit")
        return await _response(self._librarian.history.remote(self._tenant, limit, ask.number(request, "before")))

    async def _export(self, request: Request) -> Response:
        if request.query_params.get("format", "jsonl") != "jsonl":
            raise InvalidRequest("the only `format` is jsonl: an entry a line, fit to be imported again")
        version = await self._version(ask.moment_of(request))
        headers = {"content-disposition": f'attachment; filename="knowledge-{version}.jsonl"'}
        return _stream(self._lines.export.remote(self._tenant, version), headers)

    async def _search_one(self, request: Request) -> Response:
        return await self._search(ask.search_of(request))

    async def _search_many(self, request: Request) -> Response:
        return await self._search(await ask.json_body(request, ask.SearchBody, ask.MAX_QUESTIONS_BODY))

    async def _search(self, body: ask.SearchBody) -> Response:
        moment = ask.moment(body.version, body.at)
        now = moment.version is None and moment.at_ms is None
        search = ask.search(self._tenant, body, None if now else await self._version(moment))
        return await _response(self._gateway.show.remote(encode(search)))

    async def _version(self, moment: ask.Moment) -> int:
        """Raises what the librarian raised."""
        outcome = await _outcome(self._librarian.version.remote(self._tenant, moment.version, moment.at_ms))
        if outcome.status != 200:
            raise _Refused(outcome)
        return msgspec.json.decode(outcome.body, type=int)


class _Refused(KefuError):
    """An error that came over from another deployment, as it was there."""

    def __init__(self, outcome: Outcome) -> None:
        told = msgspec.json.decode(outcome.body)
        super().__init__(told["detail"], retry_after_s=outcome.retry_after_s)
        self.code, self.status, self.title = told["code"], outcome.status, told["title"]


async def _outcome(reply: Awaitable[bytes]) -> Outcome:
    try:
        return outcomes.decode(await reply)
    except Exception as error:  # whatever Serve raises when the replica went away
        raise Unavailable(
            f"the knowledge cannot be reached now ({type(error).__name__}); try again shortly", retry_after_s=2
        ) from error


async def _response(reply: Awaitable[bytes]) -> Response:
    outcome = await _outcome(reply)
    kind = "application/json" if outcome.status < 400 else "application/problem+json"
    headers = {} if outcome.retry_after_s is None else {"retry-after": str(outcome.retry_after_s)}
    return Response(outcome.body, outcome.status, headers, media_type=kind)


def _stream(lines: Any, headers: dict[str, str] | None = None) -> Response:
    """`lines`: what a streaming handle returned. It ends with the client."""

    async def passed_on() -> AsyncIterator[bytes]:
        try:
            async for line in lines:
                yield line
        finally:
            lines.cancel()

    return StreamingResponse(passed_on(), media_type=_NDJSON, headers=headers)


def _by_method(handlers: dict[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return handle
