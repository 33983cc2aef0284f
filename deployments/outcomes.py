"""Results and errors of deployments as bytes: an error of ours keeps its code and its words on the way."""

from __future__ import annotations

import logging
from collections.abc import Awaitable

import msgspec

from schemas.api import Outcome, encode_json, problem
from schemas.errors import KefuError

_log = logging.getLogger("kefu.knowledge")
_encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Outcome).decode


async def outcome(result: Awaitable[object]) -> bytes:
    """A MessagePack Outcome with the result as JSON, or with the problem."""
    try:
        return _encode(Outcome(200, encode_json(await result)))
    except Exception as error:
        return _encode(failed(error))


def failed(error: Exception) -> Outcome:
    """The Outcome of an error; one that nobody meant is logged."""
    if not isinstance(error, KefuError):
        _log.exception("a request to the knowledge failed by a defect", exc_info=error)
        error = KefuError("the request failed by a defect; it is in the log of the deployment")
    return Outcome(error.status, encode_json(problem(error)), error.retry_after_s)
