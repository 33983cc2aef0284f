"""Flat files of arrays with checksums, and the manifest that names them: what snapshots are made of."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge.files import write_atomically
from schemas.errors import KefuError

Arrays = dict[str, npt.NDArray[Any]]
Entry = dict[str, Any]  # of the manifest: a file's checksum, and the name, type and shape of its arrays

# Arrays begin at multiples of it: numpy copies what is not aligned before each product, and sums it up otherwise.
_ALIGNED = 64

_encode = msgspec.msgpack.Encoder().encode


class DamagedSnapshot(KefuError):
    """A snapshot is missing, incomplete or altered; rebuild what it holds from its source."""

    code, title = "damaged_snapshot", "Damaged snapshot"


def packed(value: Any) -> npt.NDArray[np.uint8]:
    """A value in MessagePack, as an array."""
    return np.frombuffer(_encode(value), dtype=np.uint8)


def write(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> Entry:
    """Writes a new file, through to the disk; its entry for the manifest."""
    checksum = 0
    with path.open("xb") as out:
        for each in arrays.values():
            content = np.ascontiguousarray(each).reshape(-1).view(np.uint8).data
            for piece in (content, bytes(-len(content) % _ALIGNED)):
                checksum = zlib.crc32(piece, checksum)
                out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return {"crc32": checksum, "arrays": [[key, str(each.dtype), list(each.shape)] for key, each in arrays.items()]}


def read(path: Path, entry: Entry) -> Arrays:
    """The arrays, read-only. Raises DamagedSnapshot where the file is not what was written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedSnapshot(f"{path} cannot be read: {error}; rebuild it from the log") from error
    if zlib.crc32(content) != entry["crc32"]:
        raise DamagedSnapshot(f"{path} is not what was written ({len(content)} bytes); rebuild it from the log")
    arrays: Arrays = {}
    at = 0
    for key, kind, shape in entry["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays[key] = np.frombuffer(content, dtype=kind, count=count, offset=at).reshape(shape)
        at += arrays[key].nbytes + -arrays[key].nbytes % _ALIGNED
    return arrays


def write_manifest(path: Path, body: dict[str, Any]) -> None:
    """In one rename: whoever opens it sees the old one or the new."""
    text = json.dumps(body)
    write_atomically(path, f"{zlib.crc32(text.encode()):08x} {text}".encode())
    sync_folder(path.parent)


def read_manifest(path: Path) -> dict[str, Any]:
    """Raises DamagedSnapshot."""
    try:
        checksum, text = path.read_text(encoding="utf-8").split(" ", 1)
        whole = int(checksum, 16) == zlib.crc32(text.encode())
        body: dict[str, Any] = json.loads(text) if whole else {}
    except (OSError, ValueError) as error:
        raise DamagedSnapshot(f"{path} cannot be read: {error}; rebuild it from the log") from error
    if not whole:
        raise DamagedSnapshot(f"{path} is not what was written; rebuild it from the log")
    return body


def sync_folder(folder: Path) -> None:
    """The names in it survive a crash of the machine, not only what the files hold."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
