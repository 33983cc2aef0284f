"""Sentences to fill a large index with: real ones found on this machine, then perturbed ones where they run out."""

from __future__ import annotations

import csv
import gettext
import gzip
import io
import json
import random
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

FIXTURES = Path(__file__).resolve().parent.parent.parent / "shared" / "fixtures"
_SHARE = Path("/usr/share")
_LANGUAGES = ("zh_CN", "zh_TW", "de", "fr", "es")
_LARGEST_FILE = 4_000_000  # bytes; beyond lies data, not prose
# A sentence is cut to what makes some 32 tokens, which is what a question and a title have.
_WORDS = (4, 24)
_CJK_LETTERS = (8, 40)

_CJK = re.compile(r"[\u3400-\u9fff]")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])|(?<=[。！？；])|\n\s*\n|\n\s*[-*•#>]+\s|\s\|\s")
_MARKUP = re.compile(r"<[^>]{0,400}>|&\w+;|``?|\\f[BIRP]|\\[&(]\w*|\*\*|%[\w(]")
_ROFF = re.compile(r"^[.'][A-Z\\]\w*\s?", re.MULTILINE)
_PROSE = re.compile(r"[\w'\",;:()/-]+[.!?)]?")
_DOCSTRING = re.compile(r'"""(.+?)"""|\'\'\'(.+?)\'\'\'', re.DOTALL)
_COMMENTS = re.compile(r"(?:^[ \t]*#[ \t]+.*\n)+", re.MULTILINE)


class Sentences(Struct, frozen=True):
    """`texts`, no two the same, shuffled; the first `real` of them were found, the rest are perturbed."""

    texts: list[str]
    real: int
    sources: dict[str, int]  # of the real ones


def collect(count: int, seed: int = 1) -> Sentences:
    """`count` sentences. The same files give the same sentences in the same order."""
    found: dict[str, str] = {}
    sources: dict[str, int] = {}
    for source, texts in _sources():
        before = len(found)
        for text in texts:
            for sentence in _split(text):
                found.setdefault(_key(sentence), sentence)
        sources[source] = len(found) - before
    rng = random.Random(seed)
    real = list(found.values())
    rng.shuffle(real)
    real = real[:count]
    return Sentences(real + _perturbed(real, count - len(real), set(found), rng), len(real), sources)


def _sources() -> Iterator[tuple[str, Iterator[str]]]:
    if FIXTURES.exists():
        yield "fixtures", _fixtures(FIXTURES)
    else:
        print("no fixtures beside the project: sentences come from the system's documentation alone")
    yield "translations", _translations(_SHARE / "locale")
    packages = [Path(sysconfig.get_path("purelib")), Path(sys.base_prefix) / "lib"]
    yield "Python packages", _files(packages, (".py", ".md", ".rst", ".txt", "METADATA", "LICENSE"))
    yield "manual pages", _files([_SHARE / "man"], (".gz",))
    yield (
        "documentation",
        _files(
            [_SHARE / name for name in ("doc", "perl", "vim", "info", "cmake-3.25", "common-licenses")],
            (".gz", ".txt", ".md", ".rst", ".html", ".pod", ".pm", "copyright", "README", "NEWS"),
        ),
    )


def _fixtures(folder: Path) -> Iterator[str]:
    with (folder / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        yield from (row["text"] for row in csv.DictReader(file))
    clinc = json.loads((folder / "clinc150" / "data_train_val.json").read_bytes())
    yield from (text for split in clinc.values() for text, _ in split)
    for pattern in ("tau_trajectories/*.json", "prompt_attacks/*.json"):
        for path in sorted(folder.glob(pattern)):
            yield from _strings(json.loads(path.read_bytes()))
    yield from _files([folder / "zh_help", folder / "tau_trajectories"], (".md",))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        yield from _strings(list(value.values()))


def _translations(folder: Path) -> Iterator[str]:
    for language in _LANGUAGES:
        for path in sorted(folder.glob(f"{language}/LC_MESSAGES/*.mo")):
            try:
                with path.open("rb") as file:
                    yield from vars(gettext.GNUTranslations(file))["_catalog"].values()
            except (OSError, UnicodeDecodeError):
                continue


def _files(roots: list[Path], endings: tuple[str, ...]) -> Iterator[str]:
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.name.endswith(endings) and path.is_file() and path.stat().st_size < _LARGEST_FILE:
                text = _read(path)
                yield from _python(text) if path.suffix in (".py", ".pm") else [_ROFF.sub("", text)]


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(_LARGEST_FILE)
        return content.decode()
    except (OSError, EOFError, UnicodeDecodeError):
        return ""


def _python(text: str) -> Iterator[str]:
    for match in _DOCSTRING.finditer(text):
        yield match[1] or match[2]
    for match in _COMMENTS.finditer(text):
        yield match[0].replace("#", " ")


def _split(text: str) -> Iterator[str]:
    for piece in _END.split(_MARKUP.sub(" ", text)):
        sentence = " ".join(piece.split())
        if _CJK.search(sentence):
            if _CJK_LETTERS[0] <= len(sentence) and len(_CJK.findall(sentence)) * 2 > len(sentence):
                yield sentence[: _CJK_LETTERS[1]]
            continue
        words = sentence.split()[: _WORDS[1]]
        prose = sum(1 for word in words if _PROSE.fullmatch(word) and not any(letter.isdigit() for letter in word))
        if len(words) >= _WORDS[0] and prose >= 0.85 * len(words) and max(map(len, words)) < 24:
            yield " ".join(words)


def _key(sentence: str) -> str:
    """What two sentences share that count as one: their letters."""
    return "".join(filter(str.isalpha, sentence.casefold()))


def _perturbed(real: list[str], count: int, taken: set[str], rng: random.Random) -> list[str]:
    """Sentences with one word in five dropped, swapped with its neighbour, or taken from another sentence."""
    made: list[str] = []
    while len(made) < count:
        joint = " " if " " in (text := rng.choice(real)) else ""
        words = text.split() if joint else list(text)
        other = rng.choice(real).split()
        for _ in range(max(2, len(words) // 5)):
            at = rng.randrange(len(words))
            match rng.randrange(4):
                case 0 if len(words) > _WORDS[0]:
                    del words[at]
                case 1:
                    words[at], words[at - 1] = words[at - 1], words[at]
                case _:
                    words[at] = rng.choice(other)
        sentence = joint.join(words)
        if (key := _key(sentence)) not in taken:
            taken.add(key)
            made.append(sentence)
    return made
