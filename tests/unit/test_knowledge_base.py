"""The demo shop end to end: embedder, index, confidence and replies, on one shared embedder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.calibrate_questions import OUT_OF_SCOPE_EN, OUT_OF_SCOPE_ZH
from knowledge.answers import MODEL
from knowledge.base import Entry, KnowledgeBase, Side
from knowledge.embedder import Embedder
from schemas.answers import Answer, Question

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "knowledge" / "demo_shop.jsonl"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def embedder(cache: Path) -> Embedder:
    return Embedder(cache_dir=cache)


@pytest.fixture(scope="module")
def shop(embedder: Embedder, cache: Path) -> KnowledgeBase:
    return KnowledgeBase.load(DEMO, embedder, cache_dir=cache)


def ask(base: KnowledgeBase, embedder: Embedder, *texts: str) -> list[Answer]:
    return base.answer_batch([Question("shop", text) for text in texts], embedder.encode(list(texts)))


# The embedder


def test_vectors_are_normalised_float32_in_the_order_asked(embedder: Embedder) -> None:
    texts = ["How do I get a refund?", "x", "a much longer text about parcels " * 20, "怎么退款"]
    vectors = embedder.encode(texts)
    assert vectors.shape == (4, embedder.dim) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.encode([text]) for text in texts])
    assert (vectors * alone).sum(axis=1).min() > 0.97


def test_no_texts_and_empty_texts(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, embedder.dim)
    assert np.isfinite(embedder.encode(["", " ", "？"])).all()


def test_int8_stays_close_to_fp32(embedder: Embedder) -> None:
    texts = [*OUT_OF_SCOPE_EN, "How do I get a refund?", "Where is my parcel?"]
    exact = Embedder(precision="fp32").encode(texts)
    assert (embedder.encode(texts) * exact).sum(axis=1).mean() > 0.98


def test_chinese_lands_near_the_english_it_means(embedder: Embedder) -> None:
    refund, parcel, chinese = embedder.encode(["how do I get a refund", "where is my parcel", "怎么退款"])
    assert chinese @ refund > 0.6 > chinese @ parcel


def test_the_onnx_file_is_built_once_and_no_half_file_stays(embedder: Embedder, cache: Path) -> None:
    built = [path for path in cache.iterdir() if path.suffix == ".onnx"]
    stamp = [path.stat().st_mtime_ns for path in built]
    Embedder(cache_dir=cache)
    assert [path.stat().st_mtime_ns for path in built] == stamp and len(built) == 1
    assert not list(cache.glob("*.tmp"))


def test_serving_needs_neither_torch_nor_transformers(embedder: Embedder, cache: Path) -> None:
    code = (
        "import sys, pathlib; from knowledge.embedder import Embedder;"
        f"Embedder(cache_dir=pathlib.Path({str(cache)!r})).encode(['hi']);"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'onnx', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# What the shop knows


def test_every_question_and_paraphrase_of_the_shop_is_answered_from_its_entry(
    shop: KnowledgeBase, embedder: Embedder
) -> None:
    own = [
        (text, entry.id)
        for entry in shop.entries
        for _, side in entry.sides()
        for text in (side.question, *side.paraphrases)
    ]
    replies = ask(shop, embedder, *(text for text, _ in own))
    wrong = [
        (text, reply.kind)
        for (text, name), reply in zip(own, replies, strict=True)
        # "Talk to a human" is in the shop too, but is done rather than explained.
        if reply.kind != "escalated" and (reply.kind != "answer" or reply.citations[0].id != name)
    ]
    assert len(wrong) <= len(own) * 0.005, wrong
    assert sum(reply.kind == "escalated" for reply in replies) < 15


@pytest.mark.parametrize(
    ("text", "language"), [("How do I get a refund?", "en"), ("怎么退款?", "zh"), ("怎麼退款", "zh")]
)
def test_a_refund_is_answered_with_its_citation(
    shop: KnowledgeBase, embedder: Embedder, text: str, language: str
) -> None:
    (reply,) = ask(shop, embedder, text)
    side = next(entry for entry in shop.entries if entry.id == "refund-how").side(reply.language)[1]  # type: ignore[arg-type]
    (citation,) = reply.citations
    assert (reply.kind, reply.language, reply.model) == ("answer", language, MODEL)
    assert (citation.id, citation.revision, citation.title) == ("refund-how", 1, side.question)
    assert citation.quote and citation.quote in reply.text == side.answer
    assert reply.confidence > 0.55 and reply.knowledge_version == shop.version


@pytest.mark.parametrize("questions", [OUT_OF_SCOPE_EN, OUT_OF_SCOPE_ZH], ids=["en", "zh"])
def test_questions_of_other_domains_are_not_answered(
    shop: KnowledgeBase, embedder: Embedder, questions: tuple[str, ...]
) -> None:
    replies = ask(shop, embedder, *questions)
    assert sum(reply.kind == "unknown" for reply in replies) >= 0.9 * len(replies)


@pytest.mark.parametrize("text", ["what's the weather in Paris", "今天股市怎么样", "write me a poem"])
def test_unknown_says_so_and_offers_a_person(shop: KnowledgeBase, embedder: Embedder, text: str) -> None:
    (reply,) = ask(shop, embedder, text)
    assert (reply.kind, reply.offer_person, reply.citations) == ("unknown", True, ())
    assert reply.language == ("zh" if "今" in text else "en")


def test_small_talk_comes_before_the_knowledge(shop: KnowledgeBase, embedder: Embedder) -> None:
    greeting, question = ask(shop, embedder, "hello!", "hello, how do I get a refund?")
    assert greeting.kind == "smalltalk"
    assert question.citations[0].id == "refund-how"


def test_a_batch_answers_as_its_questions_do_alone(shop: KnowledgeBase, embedder: Embedder) -> None:
    texts = ["How do I get a refund?", "write me a poem", "你好", "怎么查物流"]
    vectors = embedder.encode(texts)
    together = shop.answer_batch([Question("shop", text) for text in texts], vectors)
    alone = [shop.answer_batch([Question("shop", text)], vectors[at : at + 1])[0] for at, text in enumerate(texts)]
    assert [(reply.kind, reply.text) for reply in together] == [(reply.kind, reply.text) for reply in alone]
    assert shop.answer_batch([], vectors[:0]) == []


# Small knowledge of one's own


def test_a_near_tie_asks_which_is_meant_and_the_choice_is_then_answered(embedder: Embedder) -> None:
    base = KnowledgeBase(
        [
            Entry("lamp", "t", en=Side("How do I return a lamp?", "Wrap it well.")),
            Entry("rug", "t", en=Side("How do I return a rug?", "Roll it up.")),
            Entry("pay", "t", en=Side("Which cards do you accept?", "Visa.")),
            Entry("vat", "t", en=Side("Where is my invoice?", "In My Orders.")),
        ],
        embedder,
    )
    (reply,) = ask(base, embedder, "How do I return something?")
    assert reply.kind == "clarify" and reply.citations == ()
    assert {option.id for option in reply.options} == {"lamp", "rug"}
    for option in reply.options:
        (chosen,) = ask(base, embedder, option.title)
        assert chosen.kind == "answer" and chosen.citations[0].id == option.id and chosen.confidence > 0.9


def test_a_title_wins_over_the_same_words_as_another_s_paraphrase(embedder: Embedder) -> None:
    base = KnowledgeBase(
        [
            Entry("other", "t", en=Side("How do I swap it?", "Swap.", ("How do I return it?",))),
            Entry("return", "t", en=Side("How do I return it?", "Return.")),
        ],
        embedder,
    )
    (reply,) = ask(base, embedder, "how do i RETURN it")
    assert (reply.kind, reply.text) == ("answer", "Return.")


def test_an_entry_in_one_language_answers_in_it_when_asked_in_the_other(embedder: Embedder) -> None:
    base = KnowledgeBase(
        [
            Entry("refund", "t", en=Side("How do I get a refund?", "Open My Orders.", ("I want my money back",))),
            Entry("track", "t", en=Side("How do I track my parcel?", "Use the link.")),
        ],
        embedder,
    )
    (reply,) = ask(base, embedder, "怎么退款")
    assert (reply.kind, reply.language, reply.text) == ("answer", "en", "Open My Orders.")


def test_one_entry_is_enough_for_a_knowledge_base(embedder: Embedder) -> None:
    base = KnowledgeBase([Entry("only", "t", en=Side("Do you ship?", "Yes."))], embedder, version=7)
    known, unknown = ask(base, embedder, "do you ship", "what is the capital of Peru")
    assert (known.kind, known.knowledge_version) == ("answer", 7)
    assert unknown.kind == "unknown"


def test_cached_vectors_give_the_same_knowledge_without_embedding(
    shop: KnowledgeBase, embedder: Embedder, cache: Path
) -> None:
    class Refusing:
        name, dim = embedder.name, embedder.dim

        def encode(self, texts: list[str]) -> np.ndarray:
            raise AssertionError(f"embedded {len(texts)} texts again")

    again = KnowledgeBase.load(DEMO, Refusing(), cache_dir=cache)
    question = "Where can I find my invoice?"
    first, second = (
        base.answer_batch([Question("s", question)], embedder.encode([question]))[0] for base in (shop, again)
    )
    assert msgspec.structs.replace(first, answer_us=0) == msgspec.structs.replace(second, answer_us=0)
