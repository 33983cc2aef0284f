"""A view on disk: one file for each table, written once, and a manifest that names them."""

from __future__ import annotations

import os
import uuid
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge.flat import DamagedSnapshot, read_manifest, write_manifest
from knowledge.vectors import bitmap
from knowledge.vectors.quantised import Codec, Encoded
from knowledge.vectors.tables import Gaps, Part, Recent, Segment, View

_FORMAT = 2
_MANIFEST = "manifest.json"
_ENDING = ".vectors"

Arrays = dict[str, npt.NDArray[Any]]
Entry = dict[str, Any]  # of the manifest: a file's name, its checksum, and the name, type and shape of its arrays


class Learnt(Struct, frozen=True):
    """What upkeep learnt from the rows: the codec (None before the first sealing), and how many rows there were then,
    and when the gap was measured last."""

    codec: Codec | None = None
    trained_on: int = 0
    measured_on: int = 0


def save(view: View, learnt: Learnt, dim: int, folder: Path) -> None:
    """Tables first, then the manifest in one rename: whoever opens the folder sees the old snapshot or the new."""
    folder.mkdir(parents=True, exist_ok=True)
    had = {entry["file"]: entry for entry in _entries(folder)}
    codecs = {segment.codec.name: segment.codec for segment, _ in view.segments}
    if (codec := learnt.codec) is not None:
        codecs[codec.name] = codec
    tables: list[Entry] = [
        {
            "kind": "segment",
            "codec": segment.codec.name,
            "table": _written(folder, segment.name, _of_segment(segment), had),
            "state": _written(folder, uuid.uuid4().hex, {"alive": part.alive}, had),
        }
        for segment, part in view.segments
    ]
    for table, part in view.recents:
        flags = part.alive_flags()
        arrays: Arrays = {"ids": table.ids[: part.rows][flags], "vectors": table.vectors[: part.rows][flags]}
        if part.live:
            tables.append({"kind": "recent", "table": _written(folder, uuid.uuid4().hex, arrays, had)})
    body = {
        "format": _FORMAT,
        "dim": dim,
        "trained_on": learnt.trained_on,
        "measured_on": learnt.measured_on,
        "gaps": view.gaps,
        "codec": codec and codec.name,
        "codecs": {name: _written(folder, name, codec.arrays(), had) for name, codec in codecs.items()},
        "tables": tables,
    }
    write_manifest(folder / _MANIFEST, body)
    kept = {entry["file"] for entry in _files(body)}
    for path in folder.glob(f"*{_ENDING}*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def load(folder: Path) -> tuple[int, list[Part], Gaps, Learnt]:
    """Dim, parts, the gaps of the view, and what upkeep had learnt."""
    body = _manifest(folder)
    codecs = {name: Codec(**_read(folder, entry), name=name) for name, entry in body["codecs"].items()}
    parts = []
    for entry in body["tables"]:
        arrays = _read(folder, entry["table"])
        ids = arrays.pop("ids")
        if entry["kind"] == "segment":
            segment = Segment(ids, Encoded(**arrays), codecs[entry["codec"]], entry["table"]["file"].split(".")[0])
            alive = _read(folder, entry["state"])["alive"]
            dead = len(ids) - bitmap.count(alive)
            parts.append(Part(segment, len(ids), alive, dead))
        else:
            recent = Recent(len(ids), body["dim"])
            recent.write(0, ids, arrays["vectors"])
            parts.append(Part(recent, len(ids), bitmap.full(len(ids)), 0))
    learnt = Learnt(codecs.get(body["codec"]), body["trained_on"], body["measured_on"])
    return body["dim"], parts, tuple(body["gaps"]), learnt


def _of_segment(segment: Segment) -> Arrays:
    encoded = segment.encoded
    return {
        "ids": segment.ids,
        "lists": encoded.lists,
        "codes": encoded.codes,
        "rows": encoded.rows,
        "fine": encoded.fine,
    }


def _written(folder: Path, name: str, arrays: Arrays, had: dict[str, Entry]) -> Entry:
    """The manifest's entry for these arrays; their file is written unless the folder has it whole."""
    file = f"{name}{_ENDING}"
    size = sum(each.nbytes for each in arrays.values())
    path = folder / file
    if file in had and path.exists() and path.stat().st_size == size:
        return had[file]
    checksum = 0
    aside = path.with_suffix(f"{_ENDING}.{os.getpid()}")
    with aside.open("wb") as out:
        for each in arrays.values():
            content = np.ascontiguousarray(each).view(np.uint8).reshape(-1).data
            checksum = zlib.crc32(content, checksum)
            out.write(content)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(path)
    shapes = [[key, str(each.dtype), list(each.shape)] for key, each in arrays.items()]
    return {"file": file, "crc32": checksum, "arrays": shapes}


def _read(folder: Path, entry: Entry) -> Arrays:
    path = folder / entry["file"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedSnapshot(f"{path} cannot be read: {error}; rebuild the index") from error
    if zlib.crc32(content) != entry["crc32"]:
        raise DamagedSnapshot(f"{path} is not what was written ({len(content)} bytes); rebuild the index")
    arrays: Arrays = {}
    at = 0
    for key, kind, shape in entry["arrays"]:
        count = int(np.prod(shape))
        arrays[key] = np.frombuffer(content, dtype=kind, count=count, offset=at).reshape(shape)
        at += arrays[key].nbytes
    return arrays


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    body = read_manifest(path)
    if body["format"] != _FORMAT:
        raise DamagedSnapshot(f"{path} is of another version; rebuild the index")
    return body


def _files(body: dict[str, Any]) -> list[Entry]:
    tables = [table[key] for table in body["tables"] for key in ("table", "state") if key in table]
    return [*body["codecs"].values(), *tables]


def _entries(folder: Path) -> list[Entry]:
    """Of the snapshot that is there; none where there is no whole one."""
    try:
        return _files(_manifest(folder))
    except DamagedSnapshot:
        return []
