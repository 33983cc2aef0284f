"""Snapshots: whole or refused."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from unit.vectors.vector_model import DIM, SMALL, Model, unit

from knowledge.vectors import DamagedSnapshot, VectorIndex
from schemas.errors import KefuError


def _saved(folder: Path) -> Model:
    model, index = Model(), VectorIndex(DIM, settings=SMALL)
    vectors = unit(300, 1)
    index.add(range(300), vectors)
    model.add(list(range(300)), vectors)
    assert index.settle(20)
    index.remove(range(20, 40))
    model.remove(list(range(20, 40)))
    index.save(folder)
    index.close()
    return model


def test_what_was_saved_is_opened(tmp_path: Path) -> None:
    model = _saved(tmp_path)
    index = VectorIndex.open(tmp_path, settings=SMALL)
    model.check(index, unit(10, 2), 10)
    late = unit(50, 3)
    index.add(range(280, 330), late)
    model.add(list(range(280, 330)), late)
    assert index.settle(20)
    model.check(index, unit(10, 2), 10)
    index.close()


def test_a_second_save_writes_what_is_new_and_drops_what_is_old(tmp_path: Path) -> None:
    _saved(tmp_path)
    index = VectorIndex.open(tmp_path, settings=SMALL)
    assert index.settle(20)
    index.save(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    index.add([1_000], unit(1, 4))
    index.save(tmp_path)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    kept = before.keys() & after.keys() - {"manifest.json"}
    assert len(kept) >= index.stats().segments
    assert all(before[name] == after[name] for name in kept)
    assert 1_000 in VectorIndex.open(tmp_path, settings=SMALL).search(unit(1, 4), 1)[1]
    index.close()


def test_every_damaged_file_is_noticed(tmp_path: Path) -> None:
    _saved(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(flipped) // 2] ^= 4
        for content in (bytes(flipped), whole[:-1], b""):
            path.write_bytes(content)
            with pytest.raises(DamagedSnapshot, match="rebuild"):
                VectorIndex.open(tmp_path)
        path.unlink()
        with pytest.raises(DamagedSnapshot, match="rebuild"):
            VectorIndex.open(tmp_path)
        path.write_bytes(whole)
    VectorIndex.open(tmp_path).close()


def test_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(KefuError):
        VectorIndex.open(tmp_path / "none")


def test_a_save_that_dies_leaves_the_last_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _saved(tmp_path)
    index = VectorIndex.open(tmp_path, settings=SMALL)
    index.add(range(500, 600), unit(100, 5))

    def full_disk(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr("knowledge.flat.write_atomically", full_disk)
        index.save(tmp_path)
    index.close()
    opened = VectorIndex.open(tmp_path, settings=SMALL)
    model.check(opened, unit(10, 2), 10)
    opened.close()


def test_save_beside_a_writer(tmp_path: Path) -> None:
    index = VectorIndex(DIM, settings=SMALL)
    vectors = unit(2_000, 6)
    writer = threading.Thread(target=lambda: [index.add([i], vectors[i : i + 1]) for i in range(2_000)])
    writer.start()
    opened = 0
    while writer.is_alive() or not opened:
        index.save(tmp_path)
        copy = VectorIndex.open(tmp_path, settings=SMALL)
        # Ids came in order, so a moment of the index is a prefix of them.
        rows = len(copy)
        found = copy.search(vectors[:1], 2_000)[1][0]
        assert sorted(found[found >= 0].tolist()) == list(range(rows))
        copy.close()
        opened += 1
    writer.join()
    index.close()
