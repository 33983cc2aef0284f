"""One error root. An error knows its stable code, its HTTP status and what the caller should do."""

from __future__ import annotations


class KefuError(Exception):
    """Root of every error Kefu raises on purpose; the message says what was wrong, where, and what to do."""

    code = "internal_error"
    status = 500
    title = "Internal error"

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s


class InvalidRequest(KefuError):
    """The request cannot be understood; retrying it unchanged will fail again."""

    code, status, title = "invalid_request", 400, "Invalid request"


class UnknownSession(KefuError):
    """No session of this id exists in the tenant."""

    code, status, title = "unknown_session", 404, "Unknown session"


class NotFound(KefuError):
    """No such path."""

    code, status, title = "not_found", 404, "Not found"


class MethodNotAllowed(KefuError):
    """The path exists, the method does not."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class BodyTooLarge(KefuError):
    """The body is over the limit; it was refused before it was read to the end."""

    code, status, title = "body_too_large", 413, "Body too large"


class UnsupportedMedia(KefuError):
    """The body is not JSON."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class KeyReused(KefuError):
    """The idempotency key was used before with another request."""

    code, status, title = "idempotency_key_reused", 422, "Idempotency key reused"


class HeadersTooLarge(KefuError):
    """A header is over its limit."""

    code, status, title = "headers_too_large", 431, "Request header fields too large"


class Unavailable(KefuError):
    """Base of what passes: retry after `retry_after_s` with the same idempotency key."""

    code, status, title = "unavailable", 503, "Unavailable"


class MailboxFull(Unavailable):
    """The session has too many commands waiting."""

    code, title = "mailbox_full", "Mailbox full"


class HostOverloaded(Unavailable):
    """The host has too many turns in progress."""

    code, title = "host_overloaded", "Host overloaded"


class HostUnavailable(Unavailable):
    """No session host answered in time; the turn may or may not have run."""

    code, title = "host_unavailable", "Session host unavailable"


class DeadlineExceeded(Unavailable):
    """The turn was not finished in time; it may still be recorded."""

    code, title = "deadline_exceeded", "Deadline exceeded"


class StoreUnavailable(Unavailable):
    """The event log cannot be reached; nothing was acknowledged."""

    code, title = "store_unavailable", "Event log unavailable"


class AnswererUnavailable(Unavailable):
    """Retrieval did not answer in time."""

    code, title = "answerer_unavailable", "Answerer unavailable"


class WrongExpectedVersion(KefuError):
    """The stream is not at the version the writer expected: somebody else wrote. Reload and decide again."""

    code, status, title = "wrong_expected_version", 409, "Wrong expected version"


class AppendOutcomeUnknown(Unavailable):
    """The connection was lost around the commit: re-read the stream before retrying."""

    code, title = "append_outcome_unknown", "Append outcome unknown"


class CorruptEvent(KefuError):
    """A stored event cannot be read."""

    code, title = "corrupt_event", "Corrupt event"


class ConfigurationError(KefuError):
    """A setting is wrong; the process refuses to start."""

    code, title = "configuration_error", "Configuration error"


class InvalidDefinition(KefuError):
    """Routes, a flow, tools or guardrails that cannot work as written; nothing was changed."""

    code, status, title = "invalid_definition", 422, "Invalid definition"
