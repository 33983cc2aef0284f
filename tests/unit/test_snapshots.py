"""What was known, opened again: the same to the last digit, or refused."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit.letters import Letters
from unit.test_live_knowledge import NOBODYS, Change, applied, check, entries_of, histories, search, two
from unit.vectors.vector_model import SMALL

from knowledge import snapshots
from knowledge.entries import Confirmed, Content, Document, Entry, Side
from knowledge.live import LiveKnowledge
from knowledge.scope import Scope
from knowledge.vectors import DamagedSnapshot, VectorSettings
from schemas.errors import KefuError

LETTERS = Letters()


def same(one: LiveKnowledge, other: LiveKnowledge, known: Mapping[str, Content]) -> None:
    """Every result is equal: entries, scores, evidence, confidence."""
    own = [side.question for _, entry in entries_of(known).values() for _, side in entry.sides()]
    texts = [*own, *(text[:-4] for text in own), *NOBODYS]
    for text, own_found, others in zip(texts, search(one, texts, 5), search(other, texts, 5), strict=True):
        assert own_found == others, text
    scope = Scope(collections=frozenset({"shop"}))
    assert search(one, texts, 5, scope) == search(other, texts, 5, scope)
    assert (one.version, len(one), one.languages_learnt) == (other.version, len(other), other.languages_learnt)


@given(histories(4), histories(3), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_goes_on_as_the_one_that_was_saved(
    tmp_path_factory: pytest.TempPathFactory, before: list[Change], after: list[Change], learn: bool, late: bool
) -> None:
    folder = tmp_path_factory.mktemp("snapshot")
    live, known = LiveKnowledge(LETTERS), dict[str, Content]()
    for version, change in enumerate(before, 1):
        applied(live, known, version, change)
        if learn:
            live.train()
    snapshots.save(live, folder)
    opened = snapshots.open(folder, LETTERS)
    try:
        check(opened, known, len(before))
        same(live, opened, known)
        more = live.train()
        assert opened.train() == more and not (learn and more)
        same(live, opened, known)
        again = dict(known)
        for version, change in enumerate(after, len(before) + 1):
            applied(live, known, version, change)
            applied(opened, again, version, change)
            check(opened, again, version)
        if late:
            live.train(), opened.train()
        same(live, opened, known)
    finally:
        live.close()
        opened.close()


def crowd(count: int) -> Document:
    """Four questions an entry: enough to learn from."""
    entries = tuple(
        Entry(
            f"crowd#{at}",
            en=Side(
                f"How do I return thing {at}?",
                f"Wrap it. Number {at}.",
                (f"return {at}", f"give {at} back", f"thing {at} broke"),
            ),
        )
        for at in range(count)
    )
    return Document("crowd", "", "crowd.md", entries, "shop", ("a",))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """With everything in it: both languages, what was learnt, confirmations, entries that are gone."""
    live = LiveKnowledge(LETTERS, settings=SMALL)
    folder = tmp_path / "snapshot"
    chinese = Document("zh", "", "", (Entry("zh#1", zh=Side("怎么退款", "打开。")),))
    live.apply(1, (), {"crowd": crowd(60), "zh": chinese, "box": two("box", "amber")})
    live.apply(2, {"box"}, {"c": Confirmed("crowd#7", "the seventh one is torn")})
    assert live.train()
    snapshots.save(live, folder)
    live.close()
    return folder


def test_sealed_segments_and_what_was_learnt_come_back(saved: Path) -> None:
    opened = snapshots.open(saved, LETTERS, settings=SMALL)
    assert (opened.version, len(opened), opened.languages_learnt) == (2, 61, {"en"})
    (found,) = search(opened, ["the seventh one is TORN"], 3)
    assert found.hits[0].id == "crowd#7" and found.hits[0].exact
    assert not opened.train()
    opened.apply(3, {"c"}, {})
    (found,) = search(opened, ["the seventh one is TORN"], 3)
    assert not found.hits[0].exact
    opened.close()


def test_every_damaged_file_is_noticed(saved: Path) -> None:
    files = [path for path in sorted(saved.rglob("*")) if path.is_file()]
    assert len(files) > 8
    for path in files:
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(flipped) // 2] ^= 4
        for content in (bytes(flipped), whole[:-1], b""):
            path.unlink()
            path.write_bytes(content)
            with pytest.raises(DamagedSnapshot, match="rebuild"):
                snapshots.open(saved, LETTERS)
        path.unlink()
        with pytest.raises(DamagedSnapshot, match="rebuild"):
            snapshots.open(saved, LETTERS)
        path.write_bytes(whole)
    snapshots.open(saved, LETTERS).close()


def test_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(KefuError):
        snapshots.open(tmp_path / "none", LETTERS)


def test_another_encoder_s_snapshot_is_refused(saved: Path) -> None:
    with pytest.raises(DamagedSnapshot, match="'letters', not of 'numbers'"):
        snapshots.open(saved, Letters("numbers"))


@pytest.mark.parametrize("name", ["_FORMAT", "_code"])
def test_another_version_s_snapshot_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Of the format, or of the code that made terms, passages and weights."""
    monkeypatch.setattr(snapshots, name, 99 if name == "_FORMAT" else lambda: "other")
    with pytest.raises(DamagedSnapshot, match="another version of Kefu"):
        snapshots.open(saved, LETTERS)


@pytest.mark.parametrize("dies_at", ["write", "sync_folder", "write_manifest"])
def test_a_save_that_dies_between_files_leaves_the_last_snapshot(
    saved: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    live = snapshots.open(saved, LETTERS)
    live.apply(3, {"crowd"}, {"box": two("box", "violet")})

    def full_disk(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(f"knowledge.flat.{dies_at}", full_disk)
        snapshots.save(live, saved)
    opened = snapshots.open(saved, LETTERS)
    assert (opened.version, len(opened)) == (2, 61)
    opened.close()
    snapshots.save(live, saved)
    opened = snapshots.open(saved, LETTERS)
    same(live, opened, {"box": two("box", "violet")})
    assert len([path for path in saved.iterdir() if path.is_dir()]) == 1
    live.close()
    opened.close()


def test_what_a_process_that_was_killed_left_behind_is_cleared_away(saved: Path) -> None:
    """Killed in the middle: a folder without a manifest that names it."""
    (whole,) = (path for path in saved.iterdir() if path.is_dir())
    shutil.copytree(whole, saved / "half")
    (saved / "half" / "entries").write_bytes(b"half")
    live = snapshots.open(saved, LETTERS)
    snapshots.save(live, saved)
    assert not (saved / "half").exists() and not whole.exists()
    live.close()


def test_segments_are_written_once(saved: Path) -> None:
    def segments() -> dict[str, int]:
        return {path.name: path.stat().st_ino for path in saved.rglob("*.vectors") if path.stat().st_size > 2_000}

    live = snapshots.open(saved, LETTERS, settings=SMALL)
    snapshots.save(live, saved)
    before = segments()
    live.apply(3, (), {"box": two("box", "violet")})
    snapshots.save(live, saved)
    assert len(before) > 0 and len(before.items() & segments().items()) >= len(before) - 1
    live.close()


def test_a_snapshot_in_the_middle_of_learning_knows_that_there_is_more_to_learn(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = snapshots.open(saved, LETTERS)
    live.apply(3, (), {"crowd": crowd(20)})

    def midway(*_: object) -> dict[str, object]:
        snapshots.save(live, tmp_path / "midway")
        return {}

    with monkeypatch.context() as patch:
        patch.setattr("knowledge.tuning.learn", midway)
        assert live.train()
    opened = snapshots.open(tmp_path / "midway", LETTERS)
    assert opened.languages_learnt == {"en"} and opened.train()
    live.close()
    opened.close()


@pytest.mark.parametrize("settings_", [VectorSettings(), SMALL], ids=["exact", "quantised"])
def test_save_beside_a_writer(tmp_path: Path, settings_: VectorSettings) -> None:
    """Every snapshot is of one version, whole."""
    live, stop = LiveKnowledge(LETTERS, settings=settings_), threading.Event()
    live.apply(1, (), {"crowd": crowd(40)})

    def write() -> None:
        version = 1
        while not stop.is_set():
            version += 1
            live.apply(version, (), {"box": two("box", "amber" if version % 2 else "violet")})

    writer = threading.Thread(target=write)
    writer.start()
    versions = set()
    try:
        for _ in range(8):
            snapshots.save(live, tmp_path)
            opened = snapshots.open(tmp_path, LETTERS, settings=settings_)
            marks = ("violet", "amber") if opened.version % 2 else ("amber", "violet")
            texts = [f"{words} the {mark} box?" for mark in marks for words in ("How do I open", "Who pays for")]
            exact = [[hit.id for hit in found.hits if hit.exact] for found in search(opened, texts)]
            assert exact == [[], [], *([["box#1"], ["box#2"]] if opened.version > 1 else [[], []])]
            versions.add(opened.version)
            opened.close()
    finally:
        stop.set()
        writer.join()
        live.close()
    assert len(versions) > 3


def test_a_snapshot_that_is_replaced_while_it_is_opened_is_opened_anew(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = snapshots.open(saved, LETTERS)
    live.apply(3, (), {"box": two("box", "violet")})
    read, seen = snapshots._opened, list[Path]()

    def overtaken(folder: Path, *more: object) -> LiveKnowledge:
        if not seen:
            snapshots.save(live, saved)
        seen.append(folder)
        return read(folder, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshots, "_opened", overtaken)
    opened = snapshots.open(saved, LETTERS)
    assert opened.version == 3 and len(seen) == 2 and not seen[0].exists()
    live.close()
    opened.close()
