"""From HTTP to what the librarian and the gateway are asked, or a clear error. Parses nothing but JSON and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request

from knowledge.asking import Search
from knowledge.scope import Scope
from knowledge.text import LANGUAGES, Language
from schemas.answers import Question
from schemas.api import MAX_BODY, MAX_ID, MAX_TEXT
from schemas.errors import BodyTooLarge, InvalidRequest

MAX_DOCUMENT = 50 * 1024 * 1024  # bytes, as knowledge/importing/content.py has it
MAX_QUESTIONS = 256
MAX_HITS = 50
MAX_QUESTIONS_BODY = 4 * 1024 * 1024

Body = TypeVar("Body")


class SearchBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/knowledge/search`."""

    questions: list[str]
    k: int = 5
    version: int | None = None
    at: str | None = None
    collections: list[str] = []
    languages: list[Language] = []
    tags: list[str] = []


class RollbackBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/knowledge/rollback`."""

    to_version: int


class ConfirmationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/knowledge/confirmations`."""

    entry_id: str
    question: str


class CrawlBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/knowledge/crawl`."""

    url: str
    pages: int = 100
    depth: int = 5
    collection: str = "default"
    tags: list[str] = []


class Moment(Struct, frozen=True):
    """A version, or a time in milliseconds since 1970; neither means now."""

    version: int | None
    at_ms: int | None


def moment(version: int | None, at: str | None) -> Moment:
    """Raises InvalidRequest unless at most one is given, and that can be read."""
    if version is not None and at is not None:
        raise InvalidRequest("give `version` or `at`, not both")
    if version is not None and version < 0:
        raise InvalidRequest(f"`version` is {version}; give a number from 0")
    return Moment(version, None if at is None else milliseconds(at))


def moment_of(request: Request) -> Moment:
    return moment(number(request, "version"), request.query_params.get("at"))


def milliseconds(at: str) -> int:
    """Of a time in ISO 8601; one that names no zone is meant in UTC. Raises InvalidRequest."""
    for candidate in (at, at.replace(" ", "+")):  # an unescaped + in a query arrives as a space
        try:
            found = datetime.fromisoformat(candidate)
        except ValueError:
            continue
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    raise InvalidRequest(f"`at` is {at[:40]!r}; give a time such as 2026-05-03T15:00:00Z")


def number(request: Request, name: str) -> int | None:
    """A query parameter that is a number from 0; None if it is not given. Raises InvalidRequest."""
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise InvalidRequest(f"query parameter `{name}` must be a number from 0, not {value[:20]!r}")
    return int(value)


def between(value: int | None, default: int, least: int, most: int, name: str) -> int:
    """Raises InvalidRequest unless `least` <= value <= `most`."""
    value = default if value is None else value
    if not least <= value <= most:
        raise InvalidRequest(f"`{name}` is {value}; give a number from {least} to {most}")
    return value


def search(tenant: str, body: SearchBody, version: int | None) -> Search:
    """Raises InvalidRequest for too many questions, or an empty or a long one."""
    if not 1 <= len(body.questions) <= MAX_QUESTIONS:
        raise InvalidRequest(f"{len(body.questions)} questions; give 1 to {MAX_QUESTIONS}")
    return Search(
        tuple(Question(tenant, question(text)) for text in body.questions),
        between(body.k, 5, 1, MAX_HITS, "k"),
        Scope(frozenset(body.collections), frozenset(body.languages), frozenset(body.tags)),
        version,
    )


def question(text: str) -> str:
    """Without surrounding space, as the chat takes it. Raises InvalidRequest if it is empty or too long."""
    text = text.strip()
    if not 1 <= len(text) <= MAX_TEXT:
        raise InvalidRequest(f"a question has {len(text)} characters; give 1 to {MAX_TEXT}, not only space")
    return text


def search_of(request: Request) -> SearchBody:
    """The same, of a query. Raises InvalidRequest."""
    query = request.query_params
    languages: list[Language] = []
    for given in query.getlist("language"):
        language = next((each for each in LANGUAGES if each == given), None)
        if language is None:
            raise InvalidRequest(f"`language` is {given[:20]!r}; give one of {', '.join(LANGUAGES)}")
        languages.append(language)
    k = number(request, "k")
    return SearchBody(
        [query.get("q", "")], 5 if k is None else k, number(request, "version"), query.get("at"),
        query.getlist("collection"), languages, query.getlist("tag"),
    )  # fmt: skip


async def json_body(request: Request, kind: type[Body], limit: int = MAX_BODY) -> Body:
    """Raises InvalidRequest saying what is wrong and where."""
    try:
        return msgspec.json.decode(await body(request, limit), type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not as expected: {error}") from error


async def body(request: Request, limit: int) -> bytes:
    """Raises BodyTooLarge before it has read more than `limit` bytes."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    read = bytearray()
    async for piece in request.stream():
        read += piece
        if len(read) > limit:
            raise _too_large(limit)
    return bytes(read)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has over {limit:,} bytes; split it")


def by(headers: Mapping[str, str]) -> str:
    """Who does it, for the history. Raises InvalidRequest."""
    user = headers.get("x-kefu-user", "api")
    if not 1 <= len(user) <= MAX_ID or not user.isprintable():
        raise InvalidRequest(f"`X-Kefu-User` must be 1 to {MAX_ID} printable characters")
    return user


def tags(given: str) -> tuple[str, ...]:
    """Of a list with commas between."""
    return tuple(dict.fromkeys(tag.strip() for tag in given.split(",") if tag.strip()))
