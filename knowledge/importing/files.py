"""Files and folders on disk: which ones are read, and their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from knowledge.importing import formats
from knowledge.importing.content import MAX_BYTES, Unreadable


def find(paths: Sequence[Path]) -> Iterator[Path]:
    """The files at `paths` and in folders below them, each once, those of a folder in order of their names.

    Hidden files, and links that lead out of the folder, are left out; a file that is named itself is taken as
    it is. Of a folder, only documents by their ending: no pictures, no programs. Raises Unreadable for a path
    where nothing is.
    """
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise Unreadable(f"{path}: no such file or folder; check the path")
        for found in _within(path) if path.is_dir() else [path]:
            real = found.resolve()
            if real not in seen:
                seen.add(real)
                yield found


def load(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The file's bytes. Its size is looked at first. Raises Unreadable."""
    try:
        if not path.is_file():
            raise Unreadable(f"{path}: is not a regular file; give a document")
        size = path.stat().st_size
        if size > limit:
            raise Unreadable(f"{path}: has {size:,} bytes, more than {limit:,}; split it")
        with path.open("rb") as file:
            # It may grow between the two looks.
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    if len(data) > limit:
        raise Unreadable(f"{path}: has more than {limit:,} bytes; split it")
    return data


def _within(root: Path) -> Iterator[Path]:
    real_root = root.resolve()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith(".") or not formats.is_document(name):
                continue
            if path.is_file() and path.resolve().is_relative_to(real_root):
                yield path
