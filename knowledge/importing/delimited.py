"""CSV and TSV: which delimiter, and rows with the lines they begin on."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator

from knowledge.importing.columns import recognise
from knowledge.importing.content import Unreadable
from knowledge.importing.rows import Row

MAX_ROWS = 200_000
_DELIMITERS = ",;\t|"


def read(name: str, text: str) -> list[Row]:
    """The rows of a table, with the first line of each as its place. Raises Unreadable."""
    text, delimiter = _delimiter(text)
    try:
        return list(_rows(name, text, delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise Unreadable(
                f"{name}: a quote is opened and never closed; the file is cut off, or lacks a quote"
            ) from error
    try:
        return list(_rows(name, text, delimiter, strict=False))
    except csv.Error as error:
        raise Unreadable(f"{name}: is no table that can be read ({error}); export it again as CSV") from error


def looks_like_a_table(text: str) -> bool:
    """Whether the first line names the columns of a table of questions."""
    head = text.lstrip().split("\n", 1)[0]
    return any(recognise(next(csv.reader([head], delimiter=each), [])) for each in _DELIMITERS)


def _rows(name: str, text: str, delimiter: str, *, strict: bool) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    line = 1
    for number, cells in enumerate(reader):
        if number >= MAX_ROWS:
            raise Unreadable(f"{name}: has more than {MAX_ROWS} rows; split it")
        yield Row(f"{name}:{line}", tuple(cell.strip() for cell in cells))
        line = reader.line_num + 1


def _delimiter(text: str) -> tuple[str, str]:
    """The text without Excel's 'sep=' line, and the delimiter that makes the most regular table of it."""
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        return rest, first.strip()[-1]
    return text, max(_DELIMITERS, key=lambda each: _regularity(text, each))


def _regularity(text: str, delimiter: str) -> tuple[bool, float, int]:
    try:
        reader = csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=delimiter)
        rows = [row for row in itertools.islice(reader, 200) if any(row)]
    except csv.Error:
        return False, 0.0, 0
    widths = Counter(len(row) for row in rows)
    width, often = max(widths.items(), key=lambda pair: (pair[0] > 1, pair[1]), default=(0, 0))
    named = any(recognise(row) for row in rows[:10])
    return named, often / len(rows) if width > 1 else 0.0, width
