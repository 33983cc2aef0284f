"""What a tenant knows, on disk: a replica opens it in seconds instead of reading and embedding all of the log.

A snapshot is a folder of flat files that are written once; the manifest beside it names the one that counts.
Segments of the vector indexes are the same files from one snapshot to the next. There is no other truth than
the log: a snapshot that is damaged, or was made by other code or another encoder, is refused and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from knowledge import flat
from knowledge.embedder import Encoder
from knowledge.flat import Arrays
from knowledge.live import LiveKnowledge, Moment
from knowledge.snapshot_parts import (
    entries_from,
    entries_of,
    examples_from,
    examples_of,
    learnt_from,
    learnt_of,
    words_from,
    words_of,
)
from knowledge.tables import Held
from knowledge.vectors import DamagedSnapshot, VectorIndex, VectorSettings

_FORMAT = 1
_MANIFEST = "manifest.json"
_ENGLISH, _MULTILINGUAL = "english", "multilingual"


def save(live: LiveKnowledge, folder: Path) -> None:
    """Writes what is known now; searches and changes go on meanwhile.

    The folder holds the last whole snapshot at any moment. One save at a time for each folder.
    """
    moment, english, multilingual = live.moment()
    folder.mkdir(parents=True, exist_ok=True)
    before = _last(folder)
    name = uuid.uuid4().hex
    new = folder / name
    try:
        for index, frozen in ((_ENGLISH, english), (_MULTILINGUAL, multilingual)):
            if frozen is not None:
                _link(None if before is None else folder / before / index, new / index)
                frozen.save(new / index)
                flat.sync_folder(new / index)
        files = {file: flat.write(new / file, arrays) for file, arrays in _arrays(moment).items()}
        flat.sync_folder(new)
        body = {
            "format": _FORMAT,
            "code": _code(),
            "encoder": live.encoder.name,
            "parts": live.encoder.parts,
            "version": moment.version,
            "limit": moment.limit,
            "unlearnt": moment.held.unlearnt,
            "snapshot": name,
            "files": files,
        }
        flat.write_manifest(folder / _MANIFEST, body)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    for old in folder.iterdir():
        if old.is_dir() and old.name != name:
            shutil.rmtree(old, ignore_errors=True)


def open(folder: Path, encoder: Encoder, *, settings: VectorSettings = VectorSettings()) -> LiveKnowledge:  # noqa: B008
    """What was saved, as it was. Raises DamagedSnapshot where there is none that can be trusted: rebuild from the log.

    `encoder`: of the same name as that of what was saved; used for what is added from now on.
    """
    while True:
        body = _manifest(folder, encoder)
        try:
            return _opened(folder / body["snapshot"], body, encoder, settings)
        except DamagedSnapshot:
            # Perhaps a newer one was saved meanwhile, which took the place of this one.
            if _last(folder) == body["snapshot"]:
                raise


def _arrays(moment: Moment) -> dict[str, Arrays]:
    """By file name."""
    held = moment.held
    arrays = {
        "entries": entries_of(moment),
        "words": words_of(held.words),
        "examples": examples_of(held.examples),
    }
    return arrays | {f"learnt.{language}": learnt_of(learnt) for language, learnt in held.learnt.items()}


def _opened(folder: Path, body: dict[str, Any], encoder: Encoder, settings: VectorSettings) -> LiveKnowledge:
    with contextlib.ExitStack() as opened:
        english, multilingual = (
            _index(opened, folder / name, dim, settings) if dim else None
            for name, dim in zip((_ENGLISH, _MULTILINGUAL), encoder.parts, strict=True)
        )
        assert english is not None
        files = {name: flat.read(folder / name, entry) for name, entry in body["files"].items()}
        try:
            entries = entries_from(files.pop("entries"))
            held = Held(
                rows=entries.rows,
                labels=entries.labels,
                words=words_from(files.pop("words")),
                examples=examples_from(files.pop("examples"), entries.rows),
                unlearnt=body["unlearnt"],
                learnt={name.removeprefix("learnt."): learnt_from(arrays) for name, arrays in files.items()},
            )
        except (KeyError, ValueError, msgspec.MsgspecError) as error:
            raise DamagedSnapshot(f"{folder} cannot be understood: {error!r}; rebuild it from the log") from error
        moment = Moment(body["version"], body["limit"], entries.background, entries.confirmations, held)
        live = LiveKnowledge.of(moment, encoder, english, multilingual)
        opened.pop_all()
        return live


def _index(opened: contextlib.ExitStack, folder: Path, dim: int, settings: VectorSettings) -> VectorIndex:
    index = VectorIndex.open(folder, settings=settings)
    opened.callback(index.close)
    if index.dim != dim:
        raise DamagedSnapshot(f"{folder} holds vectors of {index.dim} dimensions, not {dim}; rebuild it from the log")
    return index


def _manifest(folder: Path, encoder: Encoder) -> dict[str, Any]:
    body = flat.read_manifest(folder / _MANIFEST)
    if (body["format"], body.get("code")) != (_FORMAT, _code()):
        raise DamagedSnapshot(f"{folder} was saved by another version of Kefu; rebuild it from the log")
    if (body["encoder"], tuple(body["parts"])) != (encoder.name, tuple(encoder.parts)):
        raise DamagedSnapshot(
            f"{folder} holds vectors of {body['encoder']!r}, not of {encoder.name!r}; rebuild it from the log"
        )
    return body


def _last(folder: Path) -> str | None:
    """The name of the last whole snapshot."""
    try:
        name: str = flat.read_manifest(folder / _MANIFEST)["snapshot"]
    except DamagedSnapshot:
        return None
    return name


def _link(before: Path | None, new: Path) -> None:
    """The files of the index as it was saved last: what has not changed is not written again."""
    new.mkdir(parents=True)
    for path in before.iterdir() if before is not None and before.is_dir() else ():
        # Without hard links everything is written again.
        with contextlib.suppress(OSError):
            (new / path.name).hardlink_to(path)


@cache
def _code() -> str:
    """Names all that what is held was made by: terms, passages and numbers of another Kefu do not fit."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *here.glob("*.json")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
