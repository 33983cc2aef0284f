"""Rows of a table: what every table reader hands over, and where its header is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from knowledge.importing.columns import Columns, recognise
from knowledge.importing.questions import is_question

# Workbooks put a title and remarks above the header.
_HEADER_WITHIN = 10
_NUMBER = re.compile(r"[\s\d.,:%¥$€/\-]+")


class Row(Struct, frozen=True):
    """`where`: such as "faq.csv:17"; `cells` are stripped."""

    where: str
    cells: tuple[str, ...]

    def cell(self, column: int | None) -> str:
        return self.cells[column] if column is not None and column < len(self.cells) else ""


class Header(Struct, frozen=True):
    """Where the rows with contents begin and what their columns mean.

    `columns` None: no questions in it. `guessed`: no row names the columns; the first two were taken.
    """

    first: int
    columns: Columns | None
    guessed: bool = False


def find_header(rows: Sequence[Row]) -> Header:
    for number, row in enumerate(rows[:_HEADER_WITHIN]):
        if columns := recognise(row.cells):
            return Header(number + 1, columns)
    if _asks_and_answers(rows):
        return Header(0, Columns(question=0, answer=1), guessed=True)
    return Header(1 if len(rows) > 1 else 0, None)


def _asks_and_answers(rows: Sequence[Row]) -> bool:
    """Two or three columns of text whose first mostly asks, or whose second explains at length."""
    sample = rows[:200]
    width = max(len(row.cells) for row in sample)
    if width not in (2, 3):
        return False
    asked = [row.cell(0) for row in sample if row.cell(0)]
    told = [row.cell(1) for row in sample if row.cell(1)]
    if not asked or not told or sum(bool(_NUMBER.fullmatch(each)) for each in asked + told) > len(asked + told) * 0.2:
        return False
    asking = sum(is_question(each) for each in asked)
    return asking >= 0.3 * len(asked) or sum(map(len, told)) / len(told) >= 20
