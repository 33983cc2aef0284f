"""Reads a response's body within a limit that holds before and after decompression."""

from __future__ import annotations

import httpx

from fetching.errors import FetchFailed
from fetching.inflate import Gunzip, Oversized


async def read_body(url: httpx.URL, response: httpx.Response, limit: int) -> bytes:
    """The body, decompressed here: httpx would unfold a whole piece of a bomb before it could be measured.

    FetchFailed past `limit` bytes, and for a compression that was not asked for, is broken or cut off.
    """
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise _too_large(url, limit)
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise FetchFailed(f"{url} came compressed as {encoding[:40]!r}, which was not asked for.")
    unfolding = Gunzip(limit) if encoding.endswith("gzip") else None
    pieces = []
    received = 0
    async for piece in response.aiter_raw():
        received += len(piece)
        if received > limit:
            raise _too_large(url, limit)
        try:
            pieces.append(unfolding.feed(piece) if unfolding else piece)
        except Oversized:
            raise _too_large(url, limit) from None
        except ValueError as error:
            raise FetchFailed(f"{url} sent {error}. Tell whoever runs that site.") from None
    if unfolding and received and not unfolding.complete:
        raise FetchFailed(f"{url} sent a body that ends too early. Try again later.")
    return b"".join(pieces)


def _too_large(url: httpx.URL, limit: int) -> FetchFailed:
    return FetchFailed(f"{url} is larger than {limit} bytes. Split the document, or raise the size limit of fetches.")
