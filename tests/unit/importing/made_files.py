"""Files for the tests, made by hand or with the libraries that read them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence

Line = tuple[str, int]
_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def docx(build: object) -> bytes:
    """The bytes of a Word file that `build` filled."""
    import docx as library

    document = library.Document()
    build(document)  # type: ignore[operator]
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def xlsx(sheets: dict[str, Sequence[Sequence[object]]], hidden: Sequence[str] = ()) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        if title in hidden:
            sheet.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def pdf(pages: Sequence[Sequence[Line]], *, password: str | None = None, picture: bool = False) -> bytes:
    """A PDF with (text, size) lines, Latin in Helvetica and all else in a Chinese font. `password` of its user."""
    objects: dict[int, bytes] = {1: b"<< /Type /Catalog /Pages 2 0 R >>"}
    objects[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    objects[4] = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>"
    )
    objects[5] = (
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> /FontDescriptor 6 0 R >>"
    )
    objects[6] = (
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [0 -200 1000 900]"
        b" /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 800 /StemV 80 >>"
    )
    streams: dict[int, bytes] = {}
    if picture:
        streams[7] = b"\x00" * 100
        objects[7] = b"/Type /XObject /Subtype /Image /Width 10 /Height 10 /ColorSpace /DeviceGray /BitsPerComponent 8"
    kids: list[str] = []
    for number, lines in enumerate(pages):
        page, content = 10 + 2 * number, 11 + 2 * number
        kids.append(f"{page} 0 R")
        objects[page] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font"
            b" << /F1 3 0 R /F2 4 0 R >> %b >> >>" % (content, b"/XObject << /Im 7 0 R >>" if picture else b"")
        )
        objects[content] = b""
        streams[content] = _content(lines) + (b" q 200 0 0 200 50 50 cm /Im Do Q" if picture else b"")
    objects[2] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    return _assembled(objects, streams, password)


def _content(lines: Sequence[Line]) -> bytes:
    out: list[str] = []
    at = 790.0
    for text, size in lines:
        if text.isascii():
            escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            out.append(f"BT /F1 {size} Tf 60 {at} Td ({escaped}) Tj ET")
        else:
            out.append(f"BT /F2 {size} Tf 60 {at} Td <{text.encode('utf-16-be').hex()}> Tj ET")
        at -= size * 1.3
    return "\n".join(out).encode("ascii")


def _assembled(objects: dict[int, bytes], streams: dict[int, bytes], password: str | None) -> bytes:
    key, trailer = b"", b""
    if password is not None:
        key, encryption = _encryption(password)
        objects[9] = encryption
        trailer = b" /Encrypt 9 0 R /ID [<00> <00>]"
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places: dict[int, int] = {}
    for number, body in sorted(objects.items()):
        places[number] = out.tell()
        if number in streams:
            stream = streams[number]
            if key:
                own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[: len(key) + 5]
                stream = _rc4(own, stream)
            body = b"<< %b /Length %d >>\nstream\n%b\nendstream" % (body, len(stream), stream)
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start, size = out.tell(), max(objects) + 1
    out.write(b"xref\n0 1\n0000000000 65535 f \n")
    for number, place in places.items():
        out.write(b"%d 1\n%010d 00000 n \n" % (number, place))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R%b >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start))
    return out.getvalue()


def _encryption(password: str) -> tuple[bytes, bytes]:
    """Key and dictionary of the oldest encryption, 40 bits of RC4."""
    user = (password.encode() + _PADDING)[:32]
    owner = _rc4(hashlib.md5((b"owner" + _PADDING)[:32]).digest()[:5], user)
    key = hashlib.md5(user + owner + (-4).to_bytes(4, "little", signed=True) + b"\0").digest()[:5]
    check = _rc4(key, _PADDING)
    return key, b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >>" % (
        owner.hex().encode(),
        check.hex().encode(),
    )


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
