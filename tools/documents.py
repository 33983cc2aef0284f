"""YAML to plain data with the place of every value: errors name the line and column that a person has to change.

YAML 1.2's core schema, less what makes a document mean more than it shows: no aliases, no tags, no key twice.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from schemas.errors import InvalidDefinition

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, from 1."""

MAX_BYTES = 256 * 1024
_DEEPEST = 48
_MOST_SHOWN = 50
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
# How JSON may write what is outside of Unicode's first plane, which YAML does not know.
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class Problems:
    """Collects what is wrong with one document; `raise_any` tells it all at once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._places: dict[Path, Place] = {}
        self._keys: dict[Path, Place] = {}
        self._found: list[tuple[Place, str]] = []

    def place(self, path: Path, place: Place) -> None:
        self._places[path] = place

    def place_key(self, path: Path, place: Place) -> None:
        self._keys[path] = place

    def add(self, path: Path, message: str, *, key: bool = False) -> None:
        """`message` is about the value at `path`, or its key; where there is none, the nearest around it is named."""
        known = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in self._places), ())
        place = self._places.get(known, (1, 1))
        named = f"{dotted(path)}: " if path else ""
        self.at(self._keys.get(path, place) if key else place, named + message)

    def at(self, place: Place, message: str) -> None:
        self._found.append((place, message))

    def raise_any(self) -> None:
        """InvalidDefinition with one line for each problem: source:line:column: path: what is wrong."""
        if not self._found:
            return
        lines = [f"{self._source}:{line}:{column}: {message}" for (line, column), message in sorted(self._found)]
        if len(lines) > _MOST_SHOWN:
            lines[_MOST_SHOWN:] = [f"{self._source}: and {len(lines) - _MOST_SHOWN} more"]
        raise InvalidDefinition("\n".join(lines))


def dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def load(text: str, problems: Problems) -> Any:
    """The document's data. What cannot be read at all is raised at once, as InvalidDefinition."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        problems.at((1, 1), f"the document has {size} bytes; {MAX_BYTES} are allowed")
        problems.raise_any()
    building = _Building(problems)
    try:
        if text.lstrip().startswith("{"):
            text = _PAIR.sub(_paired, text)
        for event in yaml.parse(text, Loader=_LOADER):
            building.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.at(_place(mark) if mark else (1, 1), f"this is not YAML: {error.problem or error.context}")
    except (yaml.YAMLError, UnicodeError) as error:
        problems.at((1, 1), f"this is not YAML: {str(error).splitlines()[0]}")
    except _Stopped:
        pass
    problems.raise_any()
    return building.root


class _Stopped(Exception):
    """Reading on would make no sense; why is among the problems."""


class _Building:
    """Data from events, without recursion. Each open collection: its value, its path, and the key that waits."""

    def __init__(self, problems: Problems) -> None:
        self.root: Any = None
        self._problems = problems
        self._open: list[tuple[Any, Path]] = []
        self._keys: list[str | None] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        place = _place(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(place, "a second document begins; write one alone")
        elif isinstance(event, yaml.AliasEvent):
            self._stop(place, f"alias *{event.anchor}: write the value out; aliases are not read")
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, place)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._keys.pop()

    def _node(self, event: Any, place: Place) -> None:
        if event.anchor is not None:
            self._stop(place, f"anchor &{event.anchor}: anchors and aliases are not read")
        if event.tag is not None:
            self._stop(place, f"tag {event.tag}: tags are not read")
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
            return
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._put(value, place)
        if len(self._open) >= _DEEPEST:
            self._stop(place, f"nested more than {_DEEPEST} deep")
        self._open.append((value, path))
        self._keys.append(None)

    def _scalar(self, event: Any, place: Place) -> None:
        if self._open and isinstance(self._open[-1][0], dict) and self._keys[-1] is None:
            holder, path = self._open[-1]
            key = event.value
            if not event.style and key == "<<":
                self._stop(place, "merge key <<: write the values out; merges are not read")
            if key in holder:
                self._problems.at(place, f"{dotted((*path, key))}: the key is there twice")
            self._keys[-1] = key
            self._problems.place_key((*path, key), place)
            return
        if event.style:
            self._put(event.value, place)
            return
        try:
            self._put(_plain(event.value), place)
        except ValueError as error:
            self._stop(place, str(error))

    def _put(self, value: Any, place: Place) -> Path:
        if not self._open:
            self.root = value
            self._problems.place((), place)
            return ()
        holder, path = self._open[-1]
        if isinstance(holder, list):
            path = (*path, len(holder))
            holder.append(value)
        else:
            key = self._keys[-1]
            if key is None:
                self._stop(place, "a key must be plain text")
            assert key is not None
            holder[key] = value
            self._keys[-1] = None
            path = (*path, key)
        self._problems.place(path, place)
        return path

    def _stop(self, place: Place, message: str) -> None:
        self._problems.at(place, message)
        raise _Stopped


def _paired(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return match[1] + chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"{text[:40]} is too large a number")
        return number
    return text


def _place(mark: Any) -> Place:
    return mark.line + 1, mark.column + 1
