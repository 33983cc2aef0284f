"""Intents from examples: wishes are told from questions, in both languages, and from what is nobody's business."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.intents import Starting, shop_flows, shop_utterances
from knowledge import intent_head, text
from knowledge.embedder import Embedder
from knowledge.entries import Document, Entry, Side
from knowledge.examples import Example
from knowledge.intent_head import IntentHead, Said
from knowledge.intent_wording import FEATURES, names_code, without_codes, wording
from knowledge.intents import NONE, START, Intents
from knowledge.live import LiveKnowledge
from knowledge.seeding import demo

Floats = npt.NDArray[np.float32]


class Letters:
    """An encoder of two parts that sees which words and characters a text has, in no order."""

    name = "letters"
    parts = (48, 48)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: list[str]) -> Floats:
        self.asked += texts
        rows = np.zeros((len(texts), 96), dtype=np.float32)
        for row, said in zip(rows, texts, strict=True):
            for word in re.findall(r"[a-z]+|[\u4e00-\u9fff]", said.casefold()):
                rng = np.random.default_rng(int.from_bytes(word.encode()[:8], "big"))
                row += rng.standard_normal(96).astype(np.float32)
        rows[~rows.any(axis=1)] = 1.0
        for part in np.split(rows, 2, axis=1):
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        return rows


EXAMPLES = {
    "refund": ["refund my order", "I want my money back", "please take the lamp back", "refund order KF-10001 please"],
    "invoice": ["send me an invoice", "please make out a bill", "I need the invoice of KF-10002", "invoice please"],
    "状态": ["我的订单到哪了", "帮我查订单", "查一下物流", "订单KF-10003发货了吗"],
}


def ask(intents: Intents, *texts: str, start: float = START) -> list[tuple[str, float]]:
    return intents.recognise(texts, Letters().encode([without_codes(each) for each in texts]), start)


# ---- with the encoders and the shop that come with Kefu -----------------------------------------------------


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return Embedder(cache_dir=tmp_path_factory.mktemp("models"), threads=2)


@pytest.fixture(scope="module")
def questions(embedder: Embedder) -> list[Example]:
    """Half of what the demo shop's knowledge is asked, as LiveKnowledge.questions gives them."""
    asked = [
        (entry.id, language, each)
        for entry in demo().entries
        for language, side in entry.sides()
        for each in (side.question, *side.paraphrases)
    ][::2]
    vectors = embedder.encode([each for *_, each in asked]).astype(np.float16)
    return [
        Example(entry, at, at, each, language, False, vector)
        for at, ((entry, language, each), vector) in enumerate(zip(asked, vectors, strict=True))
    ]


@pytest.fixture(scope="module")
def starting(embedder: Embedder, questions: list[Example]) -> Starting:
    return Starting(shop_flows(), embedder, questions)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_wishes_start_their_flow(starting: Starting, language: str) -> None:
    said = [each for each in shop_utterances() if each.intent and each.language == language]
    found = starting([each.text for each in said])
    right = [flow == each.intent for each, (flow, _) in zip(said, found, strict=True)]
    assert len(said) >= 40 and np.mean(right) >= 0.93
    assert all(START <= chance <= 1 for flow, chance in found if flow)


def test_questions_and_other_wishes_start_none(starting: Starting, questions: list[Example]) -> None:
    vectors = np.array([each.vector for each in questions], dtype=np.float32)
    found = starting.intents.recognise([each.text for each in questions], vectors)
    assert len(found) > 500 and np.mean([name != "" for name, _ in found]) <= 0.02
    others = [each.text for each in shop_utterances() if not each.intent]
    assert len(others) >= 40 and np.mean([flow != "" for flow, _ in starting(others)]) <= 0.1


@pytest.mark.parametrize(
    ("wish", "question"),
    [
        ("I want to return order KF-20417", "How long does a refund take?"),
        ("where is my order KF-20417", "how does order tracking work"),
        ("send me the invoice for B79198176", "are electronic invoices legally valid"),
        ("帮我退掉订单KF-20417", "退款多久能到账？"),
        ("KF-20417到哪了", "一般几天能到？"),
        ("给KF-20417开张发票", "电子发票有法律效力吗"),
    ],
)
def test_a_wish_and_a_question_about_the_same(starting: Starting, wish: str, question: str) -> None:
    (flow, chance), none = starting([wish, question])
    assert flow and chance > START
    assert none == NONE


def test_a_number_alone_is_no_wish(starting: Starting) -> None:
    assert starting(["KF-20417", "20417", "#20417", "B79198176", "", " ", "???", "😀"], 0.0) == [NONE] * 8


def test_another_number_is_the_same_wish(starting: Starting) -> None:
    found = starting(["return order KF-20417 now", "return order A-99881 now", "return order 881234567 now"])
    assert len({chance for _, chance in found}) == 1 and found[0][0] == "refund"


# ---- with a simple encoder ---------------------------------------------------------------------------------


def test_every_example_has_its_intent_whatever_number_it_names() -> None:
    intents = Intents(EXAMPLES, Letters())
    for name, own in EXAMPLES.items():
        assert {found for found, _ in ask(intents, *own)} == {name}
    assert ask(intents, "Refund order KF-77777, please!") == [("refund", 0.99)]


def test_a_question_of_the_knowledge_is_none_unless_it_is_an_example() -> None:
    encoder = Letters()
    asked = ["how long does a refund take", "refund my order", "when is an invoice sent", "退款要几天"]
    vectors = encoder.encode(asked).astype(np.float16)
    known = [
        Example("entry", at, at, each, text.language(each), False, row)
        for at, (each, row) in enumerate(zip(asked, vectors, strict=True))
    ]
    intents = Intents(EXAMPLES, encoder, known)
    assert [name for name, _ in ask(intents, *asked)] == ["", "refund", "", ""]


@pytest.mark.parametrize("examples", [{}, {"refund": []}, {"refund": ["KF-20417", " ", "?!"]}], ids=str)
def test_without_an_example_there_is_no_intent(examples: dict[str, Sequence[str]]) -> None:
    encoder = Letters()
    intents = Intents(examples, encoder)
    assert ask(intents, "refund my order", start=0.0) == [NONE] and intents.names == () and encoder.asked == []


def test_a_single_example_is_enough_to_be_recognised() -> None:
    intents = Intents({"refund": ["refund my order"]}, Letters())
    assert ask(intents, "refund my order, KF-10001", "tell me a story") == [("refund", 0.99), NONE]


def test_an_utterance_that_two_intents_claim_has_the_first() -> None:
    intents = Intents({"a": ["stop it", "halt"], "b": ["Stop it!"]}, Letters())
    assert intents.names == ("a",)
    assert ask(intents, "stop it") == [("a", 0.99)]


def test_all_is_embedded_in_one_call_without_numbers() -> None:
    encoder = Letters()
    Intents(EXAMPLES, encoder)
    assert "refund order please" in encoder.asked and not any("KF" in each for each in encoder.asked)


def test_no_texts() -> None:
    assert Intents(EXAMPLES, Letters()).recognise([], np.zeros((0, 96), dtype=np.float32)) == []


def test_an_encoder_that_has_no_multilingual_part() -> None:
    class English(Letters):
        parts = (48, 0)

        def encode(self, texts: list[str]) -> Floats:
            return super().encode(texts)[:, :48]

    intents = Intents(EXAMPLES, English())
    assert intents.recognise(["refund my order"], English().encode(["refund my order"]))[0][0] == "refund"


def test_the_same_in_every_thread_and_in_any_company() -> None:
    intents = Intents(EXAMPLES, Letters())
    texts = ["refund it", "an invoice", "帮我查一下", "tell me a story"] * 8
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: ask(intents, *texts, start=0.0), range(8)))
    alone = [ask(intents, each, start=0.0)[0] for each in texts]
    for found in together:
        assert [name for name, _ in found] == [name for name, _ in alone]
        assert np.allclose([chance for _, chance in found], [chance for _, chance in alone], atol=1e-4)


@given(st.lists(st.text(max_size=60), max_size=4))
@settings(max_examples=60, deadline=None)
def test_whatever_is_said_there_is_a_verdict(texts: list[str]) -> None:
    for name, chance in ask(_INTENTS, *texts, start=0.0):
        assert name in ("", *EXAMPLES) and 0.0 <= chance <= 1.0 and (name or chance == 0.0)


_INTENTS = Intents(EXAMPLES, Letters())


def test_ten_intents_of_thirty_examples_are_quick_to_learn_and_to_ask() -> None:
    """Bounds for a machine that is busy with other things: a tenth of them is usual."""
    examples = {f"intent{at}": [f"do thing{at} {chr(97 + each % 26)}{each}" for each in range(30)] for at in range(10)}
    began = time.perf_counter()
    intents = Intents(examples, Letters())
    assert time.perf_counter() - began < 5
    vectors = Letters().encode(["do thing3"])
    began = time.perf_counter()
    for _ in range(50):
        intents.recognise(["do thing3"], vectors)
    assert (time.perf_counter() - began) / 50 < 0.005


# ---- the parts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Where is KF-20417?", "Where is ?"),
        ("KF-20417: has it been sent", "has it been sent"),
        ("订单KF-20417的发票", "订单 的发票"),
        ("refund #20417 and B79198176, please", "refund and , please"),
        ("bill ann@example.com or https://example.com/orders/7", "bill or"),
        ("税号91310000MA1K35", "税号"),
        ("my order from 2024 cost 89 euros", "my order from 2024 cost 89 euros"),
        ("the PS5 and the iPhone 15", "the PS5 and the iPhone 15"),
        ("2026-000123", ""),
        ("it came on 2026-05-03 for 100-150 euros", "it came on 2026-05-03 for 100-150 euros"),
        ("ann20417@example.com", ""),
        ("KF-20417", ""),
        ("---", ""),
    ],
)
def test_what_says_which_order_is_left_out(said: str, left: str) -> None:
    assert without_codes(said) == left


@pytest.mark.parametrize(("said", "named"), [("KF-20417到哪了", True), ("退款2024年", False), ("#123", True)])
def test_whether_an_order_is_named(said: str, named: bool) -> None:
    assert names_code(said) is named


def test_wording_tells_wishes_from_questions() -> None:
    rows = wording(["track my order", "how do I track my order?", "帮我查一下订单", "怎么查订单", "", "Please don’t"])
    assert rows.shape == (6, FEATURES) and set(np.unique(rows)) <= {0.0, 1.0}
    assert rows[0, 0] == 1 and rows[1, 0] == 0
    assert not np.array_equal(rows[2], rows[3]) and not rows[4].any()
    assert np.array_equal(rows[5], wording(["Please don't"])[0])


def test_each_example_is_scored_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The logistic regression sees what a head trained without the example says of it."""
    seen: list[Floats] = []
    fitted = intent_head._fit

    def fit(features: Any, *rest: Any) -> Any:
        seen.append(features)
        return fitted(features, *rest)

    monkeypatch.setattr(intent_head, "_fit", fit)
    rng = np.random.default_rng(3)
    labels = np.array([0, 1, 2, -1] * 6)
    rows = rng.standard_normal((24, 12)).astype(np.float32) + 2 * np.eye(12, dtype=np.float32)[labels % 4]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    said = Said(rows, (rng.random((24, 5)) < 0.3).astype(np.float32), (rng.random(24) < 0.3).astype(np.float32))
    IntentHead.train(labels, said)
    for at in range(0, 24, 5):
        others = np.arange(24) != at
        without = IntentHead.train(labels[others], Said(*(part[others] for part in _parts(said))))
        own = Said(*(part[at : at + 1] for part in _parts(said)))
        _, chance = without.judge(own)
        z = seen[0][at] @ without._logit
        assert 1 / (1 + np.exp(-z)) == pytest.approx(float(chance[0]), abs=1e-3)


def _parts(said: Said) -> tuple[Floats, Floats, Floats]:
    return said.texts, said.wordings, said.codes


def test_live_knowledge_gives_its_questions_as_they_change() -> None:
    live = LiveKnowledge(Letters())
    entry = Entry("refund", en=Side("How do I get a refund?", "So.", ("refund pls",)), zh=Side("怎么退款", "这样。"))
    page = Entry("page", en=Side("Title", "Text."), kind="passage")
    live.apply(1, (), {"shop": Document("shop", "Shop", "shop.jsonl", (entry, page))})
    assert sorted(each.text for each in live.questions()) == ["How do I get a refund?", "refund pls", "怎么退款"]
    assert {len(each.vector) for each in live.questions()} == {96}
    live.apply(2, ("shop",), {})
    assert live.questions() == []
    live.close()
