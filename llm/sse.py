"""Cuts a byte stream into the events of a server-sent event stream."""

from __future__ import annotations

from llm.provider import ProviderFailed


class Events:
    """Feed it bytes as they come; it gives the data of each event that is whole. `limit`: bytes of one event.

    By the HTML standard's event streams, except that lines end with LF or CRLF only, and that event names, ids and
    comments (which some providers send to keep the line open) are left out: chat completions use none of them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest: list[bytes] = []  # of a line that has not ended
        self._rest_size = 0
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Raises ProviderFailed `too_large`."""
        self._rest_size += len(chunk)
        if b"\n" not in chunk:
            if self._rest_size > self._limit:
                raise _too_large(self._limit)
            self._rest.append(chunk)
            return []
        if self._rest:
            chunk = b"".join([*self._rest, chunk])
        *lines, rest = chunk.split(b"\n")
        self._rest, self._rest_size = [rest] if rest else [], len(rest)
        found: list[bytes] = []
        for line in lines:
            if line.endswith(b"\r"):
                line = line[:-1]
            if not line:
                if self._data:
                    found.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                    self._data, self._size = [], 0
            elif line.startswith(b"data:"):
                self._size += len(line)
                if self._size > self._limit:
                    raise _too_large(self._limit)
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        return found

    def finish(self) -> list[bytes]:
        """At the end of the stream: what was not closed by an empty line, as not all servers send the last one."""
        return self.feed(b"\n\n")


def _too_large(limit: int) -> ProviderFailed:
    return ProviderFailed("too_large", f"an event of more than {limit} bytes")
