"""Which format the bytes are in: by content first, by the name's ending only where text leaves a choice."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from knowledge.importing.content import Unreadable
from knowledge.importing.ids import is_url

Format = Literal["pdf", "docx", "xlsx", "html", "json", "csv", "markdown", "text"]

_ENDINGS: dict[str, Format] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".txt": "text",
    ".text": "text",
}
# Formats that a person would call a document; reading one says what to save it as.
_FOREIGN_DOCUMENTS = frozenset({".doc", ".xls", ".ppt", ".pptx", ".rtf", ".odt", ".ods", ".odp", ".pages", ".wps"})
NAMES: dict[Format, str] = {
    "pdf": "a PDF",
    "docx": "a Word document",
    "xlsx": "an Excel workbook",
    "html": "a web page",
    "json": "JSON",
    "csv": "a table",
    "markdown": "Markdown",
    "text": "plain text",
}
_USABLE = "give PDF, DOCX, XLSX, HTML, Markdown, CSV, JSON or plain text"

# First bytes of what people upload by mistake.
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "an image (PNG); import its text, or run OCR on it first"),
    (b"\xff\xd8\xff", "an image (JPEG); import its text, or run OCR on it first"),
    (b"GIF8", "an image (GIF); import its text, or run OCR on it first"),
    (b"BM", "an image (BMP); import its text, or run OCR on it first"),
    (b"II*\0", "an image (TIFF); import its text, or run OCR on it first"),
    (b"MM\0*", "an image (TIFF); import its text, or run OCR on it first"),
    (b"RIFF", "an image, a sound or a film; import a text of it"),
    (b"ID3", "a sound (MP3); import a transcript of it"),
    (b"\x1f\x8b", "a gzip archive; unpack it and import the files in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it and import the files in it"),
    (b"Rar!", "a RAR archive; unpack it and import the files in it"),
    (b"{\\rtf", "rich text (RTF); save it as DOCX"),
    (b"\x7fELF", "a program; " + _USABLE),
    (b"MZ\x90", "a program; " + _USABLE),
    (b"SQLite format 3", "a database (SQLite); export its tables as CSV"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_HTML_PART = re.compile(r"\s*<(?:div|p|h[1-6]|ul|ol|table|section|article|main|span)\b[^>]*>", re.I)


def ending(name: str) -> str:
    path = urlsplit(name).path if is_url(name) else name
    return posixpath.splitext(path.replace("\\", "/"))[1].lower()


def expected(name: str) -> Format | None:
    """What the name's ending promises, if it is one that is known."""
    return _ENDINGS.get(ending(name))


def is_document(name: str) -> bool:
    """Whether a file of this name in a folder is meant to be read, even if it then turns out that it cannot be."""
    return expected(name) is not None or ending(name) in _FOREIGN_DOCUMENTS


def of_bytes(name: str, data: bytes) -> Format | None:
    """The binary format of `data`; None if it must be text. Raises Unreadable for what cannot be used."""
    # Programs that make PDFs may write up to a kilobyte before the mark.
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _of_archive(name, data)
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise Unreadable(f"{name}: is encrypted; remove its password and import it again")
        raise Unreadable(f"{name}: is in the old binary Office format; save it as DOCX, XLSX or PDF")
    for mark, what in _FOREIGN:
        if data.startswith(mark) and (len(mark) > 3 or b"\0" in data[:64]):
            raise Unreadable(f"{name}: is {what}")
    if data[4:8] == b"ftyp":
        raise Unreadable(f"{name}: is a film or a sound; import a transcript of it")
    return None


def of_text(name: str, text: str) -> Format:
    """The format of decoded text."""
    promised = expected(name)
    if _HTML.match(text) or (promised in ("html", "pdf", "docx") and _HTML_PART.match(text)):
        return "html"
    if text.lstrip()[:1] in ("{", "[") and _is_json(text, promised):
        return "json"
    if promised in ("json", "csv", "markdown", "html", "text"):
        return promised
    return "text"


def _is_json(text: str, promised: Format | None) -> bool:
    """Front lines decide, so that a broken line later is told as such and not read as prose."""
    if promised == "json":
        return True
    first = text.lstrip().split("\n", 1)[0]
    for candidate in (first, text):
        try:
            decoded = msgspec.json.decode(candidate)
        except (msgspec.DecodeError, RecursionError):
            continue
        return isinstance(decoded, dict) or (
            isinstance(decoded, list) and bool(decoded) and all(isinstance(each, dict) for each in decoded)
        )
    return False


def _of_archive(name: str, data: bytes) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise Unreadable(f"{name}: is damaged or cut off ({error}); get all of it, or save it again") from error
    if any(each.startswith("word/") for each in members):
        return "docx"
    if any(each.startswith("xl/") for each in members):
        return "xlsx"
    if any(each.startswith("ppt/") for each in members):
        raise Unreadable(f"{name}: is a presentation; save it as PDF")
    raise Unreadable(f"{name}: is an archive; unpack it and import the files in it")
