"""PDF: the text of its pages, set again as headings, paragraphs and lists. PDFium reads it."""

from __future__ import annotations

import threading
from typing import Any

from knowledge.importing.content import MAX_CHARACTERS, Prose, Skipped, Unreadable
from knowledge.importing.layout import Line, set_blocks

MAX_PAGES = 5_000
# Characters of one page; a dense one has ten thousand.
MAX_PAGE_CHARACTERS = 200_000
# The end mark stands in the last kilobyte, but servers append to files.
_TAIL = 4096

# PDFium may be called by one thread at a time only.
_lock = threading.Lock()


def read(name: str, data: bytes) -> Prose:
    """Raises Unreadable if the file is encrypted, damaged, cut off, too long or has no text at all."""
    if b"%%EOF" not in data[-_TAIL:]:
        raise Unreadable(f"{name}: is cut off before its end; get all of it and import it again")
    # Loading it takes a while, which only those who import a PDF should wait for.
    import pypdfium2  # type: ignore[import-untyped]

    with _lock:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if "password" in str(error).lower():
                raise Unreadable(f"{name}: is encrypted; remove its password and import it again") from error
            raise Unreadable(f"{name}: is damaged ({error}); open it in a viewer and print it to PDF again") from error
        try:
            return _prose(name, document)
        finally:
            document.close()


def _prose(name: str, document: Any) -> Prose:
    count = len(document)
    if count > MAX_PAGES:
        raise Unreadable(f"{name}: has {count} pages, more than {MAX_PAGES}; split it")
    pages: list[list[Line]] = []
    skipped: list[Skipped] = []
    total = 0
    for number in range(1, count + 1):
        lines, pictures = _page(name, document, number)
        size = sum(len(line.text) for line in lines)
        total += size
        if size > MAX_PAGE_CHARACTERS or total > MAX_CHARACTERS:
            raise Unreadable(f"{name} page {number}: holds more text than a page can show; print the file to PDF again")
        if _unmapped(lines):
            skipped.append(
                Skipped(f"{name} page {number}", "its font does not say which letters it shows; run OCR on it")
            )
            lines = []
        elif not size and pictures:
            skipped.append(Skipped(f"{name} page {number}", "is a picture without text (a scan); run OCR on it"))
        pages.append(lines)
    if not any(pages):
        raise Unreadable(f"{name}: has no text, only pictures of it (a scan); run OCR on it and import the result")
    return Prose("", tuple(set_blocks(pages)), tuple(skipped))


def _page(name: str, document: Any, number: int) -> tuple[list[Line], bool]:
    """The page's lines in reading order, and whether it has pictures (told only where it has no text)."""
    import pypdfium2

    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise Unreadable(f"{name} page {number}: is damaged ({error}); print the file to PDF again") from error
    text = page.get_textpage()
    try:
        lines = _lines(text, f"page {number}")
        pictures = not lines and any(True for _ in page.get_objects(max_depth=2))
    finally:
        text.close()
        page.close()
    return lines, pictures


def _lines(text: Any, where: str) -> list[Line]:
    import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

    lines: list[Line] = []
    at = 0
    content = text.get_text_range() if text.count_chars() else ""
    for raw in content.split("\r\n"):
        # Positions count UTF-16 units.
        length = len(raw) + sum(1 for char in raw if char > "\uffff")
        # PDFium marks a hyphen at a line's end with one of these two.
        clean = " ".join(raw.replace("\ufffe", "-").replace("\x02", "-").replace("\0", "").split())
        if clean:
            lead = len(raw) - len(raw.lstrip())
            left, bottom, _, top = _box(pdfium, text, at + lead)
            right = _box(pdfium, text, at + len(raw.rstrip()) - 1)[2]
            lines.append(Line(clean, left=left, right=right, top=top, height=top - bottom, where=where))
        at += length + 2
    return lines


def _box(pdfium: Any, text: Any, position: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a character in points; zeros if PDFium does not know."""
    index = pdfium.FPDFText_GetCharIndexFromTextIndex(text.raw, position)
    if index < 0:
        return 0.0, 0.0, 0.0, 0.0
    left, bottom, right, top = text.get_charbox(index, loose=True)
    return float(left), float(bottom), float(right), float(top)


def _unmapped(lines: list[Line]) -> bool:
    """Whether most of the page is private or replacement characters: a font without a table of its letters."""
    text = "".join(line.text for line in lines)
    strange = sum(1 for char in text if "\ue000" <= char <= "\uf8ff" or char == "\ufffd" or char < " ")
    return strange > 0.3 * len(text) if text else False
