"""What is wrong with a document: all of it, each with its place, told at once."""

from __future__ import annotations

from schemas.errors import InvalidDefinition

MOST = 50


class Problems:
    """Collects. `source`: what the document is called in messages. `most`: that are told; the others are counted."""

    def __init__(self, source: str, most: int = MOST) -> None:
        self._source = source
        self._most = most
        self._found: set[tuple[tuple[int, int], str]] = set()

    def add(self, at: tuple[int, int], message: str) -> None:
        """`at`: line and column, from 1."""
        self._found.add((at, message))

    def __len__(self) -> int:
        return len(self._found)

    def raise_any(self) -> None:
        """Raises InvalidDefinition if there are any."""
        if self._found:
            raise self._error()

    def stop(self, at: tuple[int, int], message: str) -> InvalidDefinition:
        """The error to raise where reading on would make no sense; what was found before is in it as well."""
        self.add(at, message)
        return self._error()

    def _error(self) -> InvalidDefinition:
        """Its message has a line `source:line:column: what` for each problem, in the order of the document."""
        told = sorted(self._found)[: self._most]
        lines = [f"{self._source}:{line}:{column}: {message}" for (line, column), message in told]
        if len(self._found) > self._most:
            lines.append(f"{self._source}: and {len(self._found) - self._most} more")
        return InvalidDefinition("\n".join(lines))
