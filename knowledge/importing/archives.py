"""A DOCX or XLSX is a zip of XML: looked through before a library opens it."""

from __future__ import annotations

import io
import zipfile
import zlib

from knowledge.importing.content import Unreadable

_MEGABYTE = 1024 * 1024
MAX_UNPACKED = 300 * _MEGABYTE
MAX_RATIO = 100
# Small files may compress as well as they like.
RATIO_FROM = 100 * _MEGABYTE
MAX_MEMBERS = 10_000

_BOMB = "unpacks to far more than it holds (a zip bomb); save it again without large empty areas or pictures"


def check(name: str, data: bytes) -> None:
    """Raises Unreadable for an archive that is encrypted, damaged, too large unpacked, or declares XML entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if any(each.flag_bits & 1 for each in members):
                raise Unreadable(f"{name}: is encrypted; remove its password and import it again")
            if len(members) > MAX_MEMBERS:
                raise Unreadable(f"{name}: has {len(members)} parts, more than {MAX_MEMBERS}; save it again")
            _bounded(name, sum(each.file_size for each in members), len(data))
            _unpack(name, archive, members, len(data))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise Unreadable(f"{name}: is damaged or cut off ({error}); get all of it, or save it again") from error


def _unpack(name: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], packed: int) -> None:
    """Reads every member once, in pieces: declared sizes may lie, and checksums show damage."""
    unpacked = 0
    for member in members:
        xml = member.filename.lower().endswith((".xml", ".rels"))
        tail = b""
        with archive.open(member) as file:
            while piece := file.read(_MEGABYTE):
                unpacked += len(piece)
                _bounded(name, unpacked, packed)
                # Office never writes a document type; one can only be there to declare entities.
                window = (tail + piece).replace(b"\0", b"") if xml else b""
                if b"<!DOCTYPE" in window or b"<!ENTITY" in window:
                    raise Unreadable(f"{name}: declares XML entities in {member.filename}, which no Office file does")
                tail = piece[-32:]


def _bounded(name: str, unpacked: int, packed: int) -> None:
    if unpacked > MAX_UNPACKED or (unpacked > RATIO_FROM and unpacked > MAX_RATIO * packed):
        raise Unreadable(f"{name}: {_BOMB}")
