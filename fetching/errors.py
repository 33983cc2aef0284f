"""Why an address outside was not fetched."""

from __future__ import annotations

from typing import Literal

from schemas.errors import KefuError


class FetchRefused(KefuError):
    """The address is one Kefu must not fetch: internal, or not plain http or https. Nothing was sent to it."""

    code, status, title = "address_refused", 422, "Address refused"


Reason = Literal["timeout", "lost", "unusable"]


class FetchFailed(KefuError):
    """The address may be fetched, but what answered there, if anything, was of no use.

    `reason`: too late, a connection that was not made or broke, or an answer that cannot be used. `sent`: whether any
    of the request may have arrived; if not, it certainly had no effect. `answered`: the HTTP status that came before
    things went wrong, 0 if none did.
    """

    code, status, title = "fetch_failed", 422, "Fetch failed"

    def __init__(
        self,
        detail: str,
        *,
        reason: Reason = "unusable",
        sent: bool = True,
        answered: int = 0,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.reason: Reason = reason
        self.sent = sent
        self.answered = answered
