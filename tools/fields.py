"""Takes a document's values apart by type; a value that is wrong is told, and replaced by one that is not."""

from __future__ import annotations

from typing import Any

from documents.hints import known_are
from documents.nodes import Entries, Items, Node, Place
from documents.problems import Problems

Path = tuple[str | int, ...]


class Fields:
    """`root`: the document that the values are of, and their paths begin at."""

    def __init__(self, root: Node, problems: Problems) -> None:
        self._root = root
        self._problems = problems
        self.failed = 0

    def add(self, path: Path, message: str, *, key: bool = False) -> None:
        """`message` is about the value at `path`, or its key; where there is none, the nearest around it is named."""
        self.failed += 1
        named = f"{_dotted(path)}: " if path else ""
        self._problems.add(_place(self._root, path, key), named + message)

    def mapping(self, path: Path, given: Any, keys: tuple[str, ...]) -> bool:
        if not isinstance(given, dict):
            self.add(path, f"must be a mapping with {', '.join(keys[:6])}{' ...' if len(keys) > 6 else ''}")
            return False
        for key in given:
            if key not in keys:
                self.add((*path, key), f"unknown key{known_are(key, keys)}", key=True)
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


def _place(node: Node, path: Path, key: bool) -> Place:
    for depth, part in enumerate(path, 1):
        if isinstance(node, Entries) and isinstance(part, str) and part in node.values:
            if key and depth == len(path):
                return node.keys[part].at
            node = node.values[part]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            break
    return node.at


def _dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
