"""`kefu kb` on a running Kefu: what is printed, what is done, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from bench.running import Running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents that no other test has."""
    name = uuid.uuid4().hex[:8]
    (tmp_path / "deep").mkdir()
    (tmp_path / f"{name}.csv").write_text(f"question,answer\nWhat is a {name}?,A kind of lamp.\nNo answer?,\n")
    (tmp_path / "deep" / f"{name}.md").write_text(f"# Care of a {name}\n\nDust the {name} every week.\n")
    return tmp_path


def kb(kefu: Running, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", "kb", *words, "--url", kefu.url], env={**os.environ, "COLUMNS": "200"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def done(kefu: Running, *words: str) -> str:
    ran = kb(kefu, *words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def version(said: str) -> int:
    return int(said.strip().rstrip(".").split()[-1])


def test_from_import_to_removal_and_back(kefu: Running, folder: Path) -> None:
    table, page = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.??*")) if path.is_file())
    table, page = sorted((table, page), key=lambda name: name.endswith(".md"))
    name = Path(table).stem

    planned = done(kefu, "import", str(folder), "--dry-run")
    assert "added" in planned
    assert table not in done(kefu, "list")
    imported = done(kefu, "import", str(folder), "--tag", "lamps", "--collection", "shop")
    assert imported.count("added") >= 2
    assert f"{table}:3" in imported
    listed = done(kefu, "list")
    assert table in listed
    assert page in listed
    assert "unchanged" in done(kefu, "import", str(folder), "--tag", "lamps", "--collection", "shop")

    found = done(kefu, "search", f"what is a {name}", "-k", "1")
    assert "A kind of lamp." in found
    lines = [json.loads(line) for line in done(kefu, "export").splitlines()]
    (entry,) = [line["id"] for line in lines if line["document"] == table]
    confirmed = version(done(kefu, "confirm", entry, f"whats {name} then"))
    gone = version(done(kefu, "remove", table))
    assert gone == confirmed + 1
    assert table not in done(kefu, "list")
    assert table in done(kefu, "list", "--version", str(confirmed))
    assert "A kind of lamp." in done(kefu, "search", f"what is a {name}", "--version", str(confirmed))
    assert version(done(kefu, "rollback", str(confirmed))) == gone + 1
    told = done(kefu, "history", "--limit", "3")
    assert [what in told for what in ("KnowledgeRolledBack", "DocumentRemoved", "AnswerConfirmed")] == [True] * 3
    copy = folder / "copy.jsonl"
    done(kefu, "export", "--output", str(copy))
    assert table in copy.read_text()
    for document in (table, page):
        done(kefu, "remove", document)


def test_a_file_that_fails_is_told_and_does_not_stop_the_others(kefu: Running, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    ran = kb(kefu, "import", str(folder))
    assert ran.returncode == 1
    assert "broken.pdf" in ran.stdout
    assert ran.stdout.count("added") >= 2
    for path in folder.rglob("*.*"):
        if path.suffix in (".csv", ".md"):
            done(kefu, "remove", path.relative_to(folder).as_posix())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("import", "/nowhere"), "/nowhere"),
        (("remove", "nowhere"), "nowhere"),
        (("rollback", "99999"), "99999"),
        (("search", "x", "--at", "yesterday"), "yesterday"),
        (("list", "--version", "99999"), "the newest is"),
        (("confirm", "nowhere", "x"), "nowhere"),
        (("import", "http://169.254.169.254/"), "169.254.169.254"),
    ],
)
def test_mistakes_are_told(kefu: Running, words: tuple[str, ...], says: str) -> None:
    ran = kb(kefu, *words)
    assert ran.returncode == 1
    assert says in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_nobody_there() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "kb", "list", "--url", "http://127.0.0.1:1"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "kefu up" in ran.stderr
