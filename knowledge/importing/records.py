"""JSON and JSON Lines: entries as Kefu writes them, or simple objects with a question and an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from knowledge.entries import Entry
from knowledge.importing.columns import recognise
from knowledge.importing.content import Listed, Placed, Skipped, Unreadable
from knowledge.importing.ids import EntryIds
from knowledge.importing.rows import Row
from knowledge.importing.tables import read_rows

_SHAPES = (
    'give objects like {"question": "...", "answer": "..."} '
    'or {"id": "...", "en": {"question": "...", "answer": "..."}}'
)
Objects = list[tuple[str, object]]


def read(name: str, text: str, ids: EntryIds, title: str) -> Listed:
    """Every object that can be used; the others are skipped with their places. Raises Unreadable if none can."""
    objects = _objects(name, text)
    entries: list[Placed] = []
    skipped: list[Skipped] = []
    simple: list[tuple[str, Mapping[str, object]]] = []
    for where, found in objects:
        if not isinstance(found, dict):
            skipped.append(Skipped(where, f"is not an object; {_SHAPES}"))
        elif isinstance(found.get("en"), dict) or isinstance(found.get("zh"), dict):
            match _entry(found, where, ids):
                case Placed() as placed:
                    entries.append(placed)
                case Skipped() as reason:
                    skipped.append(reason)
        else:
            simple.append((where, found))
    listed = _simple(simple, ids, title)
    found_all = (*entries, *listed.entries)
    skipped += listed.skipped
    if not found_all:
        raise Unreadable(
            f"{skipped[0].where}: {skipped[0].reason}" if skipped else f"{name}: has no entries; {_SHAPES}"
        )
    return Listed(found_all, listed.tags, tuple(skipped), listed.notes)


def _objects(name: str, text: str) -> Objects:
    """What the file lists: lines, the items of a list, or the items of the only list in an object."""
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if len(lines) < 2 or not lines[0][1].lstrip().startswith("{") or not lines[0][1].rstrip().endswith("}"):
            reason = "is nested too deeply" if isinstance(error, RecursionError) else f"is not valid JSON ({error})"
            raise Unreadable(f"{name}: {reason}; the file is cut off or was edited by hand: export it again") from error
        return [(f"{name}:{number}", _line(f"{name}:{number}", line)) for number, line in lines]
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        whole = lists[0] if len(lists) == 1 else [whole]
    if not isinstance(whole, list):
        raise Unreadable(f"{name}: holds a single value; {_SHAPES}")
    return [(f"{name} item {number}", each) for number, each in enumerate(whole, start=1)]


def _line(where: str, line: str) -> object:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        # Half a file of lines would be half a knowledge base: better none.
        raise Unreadable(f"{where}: is not valid JSON ({error}); mend that line") from error


def _entry(found: Mapping[str, object], where: str, ids: EntryIds) -> Placed | Skipped:
    try:
        entry = msgspec.convert({"id": "", **found}, type=Entry)
    except msgspec.ValidationError as error:
        return Skipped(where, f"{error}; fix that field")
    sides = [side for _, side in entry.sides()]
    if any(not side.question.strip() or not side.answer.strip() for side in sides):
        return Skipped(where, "has an empty question or answer; write it")
    entry = msgspec.structs.replace(entry, id=ids.own(entry.id) or ids.derived(sides[0].question), revision=1)
    if entry.id in (found.get("id"), ids.own(str(found.get("id", "")))) and not ids.claim(entry.id):
        return Skipped(where, f"its id {entry.id!r} is taken by an entry before it; choose another")
    return Placed(where, entry)


def _simple(objects: list[tuple[str, Mapping[str, object]]], ids: EntryIds, title: str) -> Listed:
    """Objects as rows of a table whose header is all their keys."""
    keys = list(dict.fromkeys(key for _, found in objects for key in found))
    if not objects:
        return Listed(())
    if recognise(keys) is None:
        return Listed((), (), tuple(Skipped(where, f"has no question and answer; {_SHAPES}") for where, _ in objects))
    rows = [Row(where, tuple(_cell(found.get(key)) for key in keys)) for where, found in objects]
    return read_rows([Row("", tuple(keys)), *rows], ids, [title])


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(_strings(value))
    return "" if value is None or isinstance(value, dict) else str(value).strip()


def _strings(values: list[object]) -> Iterator[str]:
    return (str(each).strip() for each in values if isinstance(each, str | int | float))
