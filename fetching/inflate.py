"""Undoes gzip within a limit: a small body that unfolds to gigabytes is cut, not unfolded."""

from __future__ import annotations

import zlib

_GZIP = 31  # zlib's window bits for "a gzip header and trailer are there"
_FIRST_BYTE = 0x1F
_PIECE = 64 * 1024
# Each member costs a copy of the rest, so a body of a million empty ones would cost hours.
_MEMBERS = 1_000


class Oversized(ValueError):
    """There is more than the limit."""


class Gunzip:
    """Takes gzip piece by piece and gives what it unfolds to, up to `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._members = 1
        self._member = zlib.decompressobj(_GZIP)

    @property
    def complete(self) -> bool:
        """Whether the last member ended; false for a body that was cut off."""
        return self._member.eof

    def feed(self, piece: bytes) -> bytes:
        """The next unfolded bytes. Oversized past the limit; ValueError if it is not gzip."""
        unfolded = []
        while piece:
            if self._member.eof:
                if piece[0] != _FIRST_BYTE:  # padding after the end, which gzip allows
                    break
                self._next_member()
            try:
                # One more than may be, so that "exactly the limit" and "more" can be told apart.
                data = self._member.decompress(piece, self._left + 1)
            except zlib.error as error:
                raise ValueError(f"broken gzip: {error}") from None
            self._left -= len(data)
            if self._left < 0:
                raise Oversized
            unfolded.append(data)
            piece = self._member.unused_data
        return b"".join(unfolded)

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MEMBERS:
            raise ValueError(f"broken gzip: more than {_MEMBERS} members")
        self._member = zlib.decompressobj(_GZIP)


def gunzip(body: bytes, limit: int) -> bytes:
    """All of a gzip file. Oversized past `limit` bytes; ValueError if it is broken or cut off."""
    unfolding = Gunzip(limit)
    whole = b"".join(unfolding.feed(body[at : at + _PIECE]) for at in range(0, len(body), _PIECE))
    if not unfolding.complete:
        raise ValueError("broken gzip: it ends too early")
    return whole
