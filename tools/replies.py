"""What an HTTP reply says of a call: did it happen, did it not, or can nobody know? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fetching.errors import FetchFailed
from fetching.guard import Fetched
from tools.attempts import Attempt, returned, unsent, unusable
from tools.declarations import Tool
from tools.results import decoded, excerpt, without

# The endpoint turned the request away before looking at what it asks for (RFC 9110, 6585, 8470).
_NOT_LOOKED_AT = frozenset({401, 403, 405, 407, 408, 413, 414, 415, 421, 425, 429, 431})
_LATER = frozenset({408, 421, 425, 429})
# Not implemented, and not this version of HTTP: the only errors of a server that cannot come after the effect.
_NEVER = frozenset({501, 505})
# The method and body are to be sent again elsewhere: nothing was done here. 302 and 303 may follow the effect.
_MOVED = frozenset({301, 307, 308})
_LONGEST_PATIENCE_S = 60.0


def judged(tool: Tool, fetched: Fetched, secrets: Sequence[str]) -> Attempt:
    """A whole reply. `secrets` went with the request; an endpoint that echoes them must not get them recorded."""
    status = fetched.status
    if 200 <= status < 300:
        return _result(tool, fetched, secrets)
    said = excerpt(fetched.body, secrets)
    return _by_status(status, f"status {status}" + (f": {said}" if said else ""), _patience(fetched.headers))


def broken_off(failure: FetchFailed) -> Attempt:
    """No whole reply. The failure's own words stay out: they name addresses, and are meant for whoever runs Kefu."""
    if not failure.sent:
        why = "did not take the connection in time" if failure.reason == "timeout" else "cannot be reached"
        return unsent("unreachable", f"the endpoint {why}; nothing was sent", again=True)
    if failure.answered >= 300:
        return _by_status(failure.answered, f"status {failure.answered}", 0.0)
    if failure.reason == "timeout":
        error, detail = "timeout", "the endpoint did not answer in time"
    elif failure.reason == "lost":
        error, detail = "connection_lost", "the connection broke before the answer was whole"
    else:
        detail = "the answer is larger than the declaration allows, or compressed in a way that cannot be read"
        return unusable(detail, failure.answered)
    return Attempt("unsure", error=error, detail=detail, status=failure.answered, again=True)


def _by_status(status: int, detail: str, after_s: float) -> Attempt:
    error = f"http_{status}"
    if status in _NOT_LOOKED_AT:
        return Attempt("unsent", None, error, detail, status, status in _LATER, after_s)
    if 400 <= status < 500 or status in _NEVER or status in _MOVED:
        return Attempt("refused", None, error, detail, status)
    return Attempt("unsure", None, error, detail, status, status >= 500, after_s)


def _result(tool: Tool, fetched: Fetched, secrets: Sequence[str]) -> Attempt:
    if not fetched.body.strip():
        return returned(tool, None, fetched.status)
    if fetched.content_type != "application/json" and not fetched.content_type.endswith("+json"):
        given = without(fetched.content_type[:100], secrets) or "none"
        return unusable(f"the answer's content type is {given}; it must be application/json", fetched.status)
    try:
        value = decoded(fetched.body)
    except ValueError as error:
        return unusable(f"the answer {without(str(error), secrets)}", fetched.status)
    return returned(tool, without(value, secrets), fetched.status)


def _patience(headers: Mapping[str, tuple[str, ...]]) -> float:
    """Retry-After in seconds; 0 if there is none, or a date, which needs two clocks to agree."""
    given = headers.get("retry-after", ("",))[0].strip()
    return min(float(given), _LONGEST_PATIENCE_S) if given.isascii() and given.isdecimal() and len(given) < 6 else 0.0
