"""Loading entries: what is read, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.entries import EntriesInvalid, Entry, Side, load

GOOD = '{"id": "a", "topic": "t", "en": {"question": "Q?", "answer": "A.", "paraphrases": ["P?"]}}'


def write(folder: Path, text: str) -> Path:
    path = folder / "entries.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def test_entries_are_read_in_order_and_blank_lines_skipped(tmp_path: Path) -> None:
    found = load(write(tmp_path, GOOD + "\n\n" + GOOD.replace('"a"', '"b"') + "\n"))
    assert [entry.id for entry in found] == ["a", "b"]
    assert found[0] == Entry("a", "t", en=Side("Q?", "A.", ("P?",)))


def test_a_side_falls_back_to_the_language_there_is() -> None:
    only_chinese = Entry("a", "t", zh=Side("问", "答"))
    assert only_chinese.side("en") == ("zh", Side("问", "答"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{oops", "not valid JSON"),
        ('{"id": "b", "topic": "t"}', "has no language; add an 'en' or a 'zh'"),
        ('{"id": "b", "topic": "t", "en": {"question": "Q?"}}', "answer"),
        ('{"id": "b", "topic": "t", "en": {"question": " ", "answer": "A."}}', "empty en question"),
        ('{"id": "", "topic": "t", "en": {"question": "Q?", "answer": "A."}}', "id is empty"),
        (GOOD, "taken by line 1"),
    ],
)
def test_a_mistake_names_file_line_and_remedy(tmp_path: Path, line: str, told: str) -> None:
    path = write(tmp_path, f"{GOOD}\n{line}\n")
    with pytest.raises(EntriesInvalid) as caught:
        load(path)
    assert f"{path}:2: " in str(caught.value)
    assert told in str(caught.value)


def test_a_missing_and_an_empty_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(EntriesInvalid, match="cannot be read"):
        load(tmp_path / "absent.jsonl")
    with pytest.raises(EntriesInvalid, match="holds no entries"):
        load(write(tmp_path, "\n"))


def test_bytes_that_are_not_utf8_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "entries.jsonl"
    path.write_bytes(GOOD.encode() + b"\n" + GOOD.replace('"a"', '"b"').replace("A.", "\xff").encode("latin-1"))
    with pytest.raises(EntriesInvalid, match=":2: "):
        load(path)
