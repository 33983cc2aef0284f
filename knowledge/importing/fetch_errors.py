"""Why an address outside was not fetched."""

from __future__ import annotations

from schemas.errors import KefuError


class FetchRefused(KefuError):
    """The address is one Kefu must not fetch: internal, or not plain http or https. Nothing was sent to it."""

    code, status, title = "address_refused", 422, "Address refused"


class FetchFailed(KefuError):
    """The address may be fetched, but what answered there, if anything, was of no use."""

    code, status, title = "fetch_failed", 422, "Fetch failed"
