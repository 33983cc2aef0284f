"""The API of a running Kefu, as `kefu kb`, `kefu flows` and `kefu routes` use it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from schemas.errors import HostUnavailable, KefuError

_BY = "kefu kb"
_TIMES = 5  # that what passes (503) is tried again
_CONNECT_S = 10.0
_CALL_S = 30.0

Query = Mapping[str, str | int]


class Refused(KefuError):
    """What Kefu answered instead, in its own words."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail", f"status {status}")), retry_after_s=problem.get("retry_after"))
        self.status, self.code = status, str(problem.get("code", "refused"))
        self.title = str(problem.get("title", "Refused"))


class Client:
    """Calls raise Refused, or HostUnavailable if nothing answers. A large file may take minutes, so nothing is cut."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(
            base_url=f"{url}/v1/knowledge",
            headers={"X-Kefu-User": _BY},
            timeout=httpx.Timeout(None, connect=_CONNECT_S),
            trust_env=False,
        )

    def get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        return self._json("GET", path, query)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._json("POST", path, None, json.dumps(body).encode())

    def delete(self, path: str) -> dict[str, Any]:
        return self._json("DELETE", path)

    def send(self, query: Query, pieces: list[bytes], sent: Iterator[None]) -> dict[str, Any]:
        """Imports a file given in pieces; `sent` is advanced after each."""

        def told() -> Iterator[bytes]:
            for piece in pieces:
                yield piece
                next(sent, None)

        return self._json("POST", "/documents", query, told)

    def lines(self, method: str, path: str, query: Query | None = None, body: object = None) -> Iterator[str]:
        """The lines of an answer that comes bit by bit."""
        try:
            with self._http.stream(method, path, params=query, json=body) as response:
                if response.status_code != 200:
                    response.read()
                    raise _refused(response)
                yield from response.iter_lines()
        except httpx.HTTPError as error:
            raise self._gone(error) from None

    def _json(self, method: str, path: str, query: Query | None = None, content: bytes | Any = None) -> dict[str, Any]:
        for attempt in range(_TIMES):
            try:
                body: bytes | Iterable[bytes] | None = content() if callable(content) else content
                response = self._http.request(method, path, params=query, content=body)
            except httpx.HTTPError as error:
                raise self._gone(error) from None
            if response.status_code == 200:
                found: dict[str, Any] = response.json()
                return found
            refused = _refused(response)
            if refused.status != 503 or attempt == _TIMES - 1:
                break
            time.sleep(refused.retry_after_s or 1)
        raise refused

    def _gone(self, error: httpx.HTTPError) -> HostUnavailable:
        return HostUnavailable(f"{self._url} does not answer ({error}); is `kefu up` running there?")


def call(
    url: str,
    method: str,
    path: str,
    *,
    by: str,
    query: Query | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """One call of the Kefu at `url`, as the user `by`. Raises Refused, or HostUnavailable if nothing answers."""
    try:
        with httpx.Client(base_url=url, timeout=_CALL_S, trust_env=False) as http:
            sent = {"X-Kefu-User": by, **(headers or {})}
            response = http.request(method, path, params=query or None, content=body, headers=sent)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise HostUnavailable(f"{url} does not answer ({error}); is `kefu up` running there?") from None
    if response.status_code != 200:
        raise _refused(response)
    return response


def in_path(id: str) -> str:
    """An id as one part of a path."""
    return quote(id, safe="")


def _refused(response: httpx.Response) -> Refused:
    try:
        problem = response.json()
    except ValueError:
        problem = {"detail": f"status {response.status_code}: {response.text[:200]}"}
    return Refused(response.status_code, problem if isinstance(problem, dict) else {})
