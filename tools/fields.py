"""Takes a document's values apart by type; a value that is wrong is told, and replaced by one that is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from tools.documents import Path, Problems


def meant(name: str, known: Iterable[str]) -> str:
    """A hint for what looks like a typing error, else empty."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f". Did you mean {close[0]!r}?" if close else ""


class Fields:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self.failed = 0

    def add(self, path: Path, message: str, *, key: bool = False) -> None:
        self.failed += 1
        self._problems.add(path, message, key=key)

    def mapping(self, path: Path, given: Any, keys: tuple[str, ...]) -> bool:
        if not isinstance(given, dict):
            self.add(path, f"must be a mapping with {', '.join(keys[:6])}{' ...' if len(keys) > 6 else ''}")
            return False
        for key in given:
            if key not in keys:
                self.add((*path, key), f"unknown key{meant(key, keys) or '. Known are ' + ', '.join(keys)}", key=True)
        return True

    def text(self, path: Path, given: Any, longest: int) -> str:
        if not isinstance(given, str) or not given.strip() or len(given) > longest:
            self.add(path, f"must be text of 1 to {longest} characters")
            return ""
        return given.strip()

    def texts(self, path: Path, given: Any) -> tuple[str, ...]:
        if not isinstance(given, list) or not all(isinstance(each, str) and each.strip() for each in given):
            self.add(path, "must be a list of texts")
            return ()
        return tuple(each.strip() for each in given)

    def number(self, path: Path, given: Any, least: float, most: float) -> float:
        if isinstance(given, bool) or not isinstance(given, int | float) or not least <= given <= most:
            self.add(path, f"must be a number from {least:g} to {most:g}")
            return least
        return given

    def truth(self, path: Path, given: Any) -> bool:
        if not isinstance(given, bool):
            self.add(path, "must be true or false")
            return False
        return given
