"""XLSX: the cells of every visible sheet, as text."""

from __future__ import annotations

import datetime
import io
import warnings

from msgspec import Struct

from knowledge.importing import archives
from knowledge.importing.content import Skipped, Unreadable
from knowledge.importing.delimited import MAX_ROWS
from knowledge.importing.rows import Row

# One far cell makes every row of a sheet as wide as it is far.
MAX_CELLS = 5_000_000


class Sheet(Struct, frozen=True):
    title: str
    rows: tuple[Row, ...]


def read(name: str, data: bytes) -> tuple[list[Sheet], list[Skipped]]:
    """Sheets with rows in them; hidden sheets are skipped. Raises Unreadable."""
    archives.check(name, data)
    # Loading it takes a third of a second, which only those who import a workbook should wait for.
    import openpyxl  # type: ignore[import-untyped]

    sheets: list[Sheet] = []
    skipped: list[Skipped] = []
    with warnings.catch_warnings():
        # It warns of styles and validations it drops, which say nothing about the cells.
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                if sheet.sheet_state != "visible":
                    skipped.append(Skipped(f"{name} sheet {sheet.title}", "is hidden; unhide it to import it"))
                    continue
                # The size that a sheet declares may be wrong, and would cut it off.
                sheet.reset_dimensions()
                rows = _rows(name, sheet.title, sheet.iter_rows(values_only=True))
                if rows:
                    sheets.append(Sheet(sheet.title, tuple(rows)))
        finally:
            book.close()
    return sheets, skipped


def _rows(name: str, title: str, values: object) -> list[Row]:
    rows: list[Row] = []
    cells = 0
    for number, row in enumerate(values, start=1):  # type: ignore[arg-type, var-annotated]  # the library has no types
        cells += len(row)
        if cells > MAX_CELLS or len(rows) >= MAX_ROWS:
            raise Unreadable(f"{name}: sheet {title} has more than {MAX_ROWS} rows or {MAX_CELLS} cells; split it")
        texts = tuple(_text(value) for value in row)
        if any(texts):
            rows.append(Row(f"{name} sheet {title} row {number}", texts))
    return rows


def _text(value: object) -> str:
    """A cell as a person sees it: 5 for 5.0, a date without its midnight."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value).strip()
