"""What is wrong with a definition: all of it, each with its line, told at once."""

from __future__ import annotations

from flows.definition import At
from schemas.errors import InvalidDefinition

MOST = 20


class Problems:
    """Collects; `source` is the file's name."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: set[tuple[At, str]] = set()

    def add(self, at: At, message: str) -> None:
        self._found.add((at, message))

    def __len__(self) -> int:
        return len(self._found)

    def raise_if_any(self) -> None:
        """Raises InvalidDefinition with a line `file:line:column: message` for each, at most MOST of them."""
        if not self._found:
            return
        ordered = sorted(self._found)
        lines = [f"{self._source}:{at.line}:{at.column}: {message}" for at, message in ordered[:MOST]]
        if len(ordered) > MOST:
            lines.append(f"and {len(ordered) - MOST} more")
        raise InvalidDefinition("\n".join(lines))
