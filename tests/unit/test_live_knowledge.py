"""Searched while it changes: against a dictionary, beside searches, within a scope, apart from other tenants."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.letters import Floats, Letters
from unit.vectors.vector_model import SMALL

from knowledge.entries import Confirmed, Content, Document, Entry, Side
from knowledge.found import Found
from knowledge.lexical import LexicalIndex
from knowledge.live import LiveKnowledge
from knowledge.scope import EVERYTHING, Scope
from knowledge.vectors import VectorSettings

LETTERS = Letters()
MOST = 50  # more than any knowledge here has entries
NOBODYS = ["anything else entirely?", "zzz", "42", "", "还有别的吗？"]


def search(live: LiveKnowledge, texts: Sequence[str], k: int = MOST, scope: Scope = EVERYTHING) -> list[Found]:
    return live.search(texts, LETTERS.encode([*texts]), k, scope)


def entries_of(known: Mapping[str, Content]) -> dict[str, tuple[Document, Entry]]:
    documents = [each for each in known.values() if isinstance(each, Document)]
    return {entry.id: (each, entry) for each in documents for entry in each.entries}


def check(live: LiveKnowledge, known: Mapping[str, Content], version: int, asked_before: Sequence[str] = ()) -> None:
    """Every entry is found by each of its questions, first; and nothing is found but what is known."""
    held = entries_of(known)
    assert (live.version, len(live)) == (version, len(held))
    own = {side.question: entry for _, entry in held.values() for _, side in entry.sides()}
    own |= {text: entry for _, entry in held.values() for _, side in entry.sides() for text in side.paraphrases}
    own |= {
        each.question: held[each.entry][1]
        for each in known.values()
        if isinstance(each, Confirmed) and each.entry in held
    }
    texts = [*own, *(text for text in asked_before if text not in own), *NOBODYS]
    for text, found in zip(texts, search(live, texts), strict=True):
        assert found.version == version
        # There are few enough for every channel to nominate all of them: none may be lacking.
        assert sorted(hit.id for hit in found.hits) == sorted(held), text
        for hit in found.hits:
            document, entry = held[hit.id]
            side = entry.side(hit.language)[1]
            assert (hit.revision, hit.title, hit.answer) == (entry.revision, side.question, side.answer)
            assert (hit.document, hit.source, hit.kind) == (document.id, document.source, entry.kind)
        assert [hit.id for hit in found.hits if hit.exact] == ([own[text].id] if text in own else []), text
        if text in own:
            assert found.hits[0].id == own[text].id
        assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


# --- Random histories -------------------------------------------------------------------------------------------------

DOCUMENTS = ("faq.md", "prices.csv", "https://example.com/退货", "empty")
_WORDS = ("refund", "parcel", "invoice", "card", "gift")
_HANZI = ("退款", "包裹", "发票", "银行卡", "礼物")
Change = tuple[set[str], dict[str, Content]]


@st.composite
def documents(draw: st.DrawFn, name: str, stamp: int) -> Document:
    """`stamp` makes every question one that no other content has."""
    entries = []
    for place in draw(st.lists(st.integers(0, 3), unique=True, max_size=4)):
        word = draw(st.integers(0, len(_WORDS) - 1))
        english, chinese = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
        more = draw(st.integers(0, 2))
        mark = f"{DOCUMENTS.index(name)}{place}v{stamp}"
        en = Side(
            f"How do I get the {_WORDS[word]} {mark}?",
            f"Open it. Then choose {_WORDS[word]}. Mark {mark}.",
            tuple(f"{_WORDS[word]} please {mark} {each}" for each in range(more)),
        )
        zh = Side(
            f"怎么拿到{_HANZI[word]}{mark}？",
            f"打开。选择{_HANZI[word]}。",
            tuple(f"我要{_HANZI[word]}{mark}" for _ in range(more)),
        )
        entries.append(
            Entry(
                f"{name}#{place}", "tests", en if english else None, zh if chinese else None, stamp,
                draw(st.sampled_from(["faq", "passage"])),
            )
        )  # fmt: skip
    collection = draw(st.sampled_from(["default", "shop"]))
    return Document(name, f"About {name}", f"{name}@{stamp}", tuple(entries), collection, draw(_TAGS))


_TAGS = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2).map(tuple)


@st.composite
def histories(draw: st.DrawFn, most: int = 8) -> list[Change]:
    """Items that go and items that come, several at once; confirmations of entries that may not be there."""
    changes: list[Change] = []
    stamp = 0
    confirmed: list[str] = []
    for _ in range(draw(st.integers(1, most))):
        changed: dict[str, Content] = {}
        for name in draw(st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=3)):
            stamp += 1
            changed[name] = draw(documents(name, stamp))
        for name in draw(st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=2)):
            stamp += 1
            entry = f"{name}#{draw(st.integers(0, 3))}"
            changed[f"confirmed:{stamp}"] = Confirmed(entry, f"I was wondering about it {stamp}, is it so")
            confirmed.append(f"confirmed:{stamp}")
        gone = draw(st.sets(st.sampled_from([*DOCUMENTS, *confirmed]), max_size=2))
        changes.append((gone - changed.keys(), changed))
    return changes


def applied(live: LiveKnowledge, known: dict[str, Content], version: int, change: Change) -> None:
    removed, changed = change
    live.apply(version, removed, changed)
    for item in removed:
        known.pop(item, None)
    known |= changed


@given(histories())
@settings(max_examples=40, deadline=None)
def test_after_every_change_it_holds_what_a_dictionary_holds(changes: list[Change]) -> None:
    live, known, asked = LiveKnowledge(LETTERS), dict[str, Content](), list[str]()
    try:
        check(live, known, 0)
        for version, change in enumerate(changes, 1):
            applied(live, known, version, change)
            check(live, known, version, asked[-40:])
            for _, entry in entries_of(known).values():
                asked += [side.question for _, side in entry.sides()]
    finally:
        live.close()


@given(histories(5), st.booleans())
@settings(max_examples=25, deadline=None)
def test_history_leaves_no_trace_but_the_version(changes: list[Change], learn: bool) -> None:
    """What is known decides what is found, not how it came to be known."""
    live, fresh, known = LiveKnowledge(LETTERS), LiveKnowledge(LETTERS), dict[str, Content]()
    try:
        for version, change in enumerate(changes, 1):
            applied(live, known, version, change)
        fresh.apply(len(changes), (), known)
        if learn:
            live.train()
            fresh.train()
            assert live.languages_learnt == fresh.languages_learnt
        texts = [side.question for _, entry in entries_of(known).values() for _, side in entry.sides()] + NOBODYS
        for text, one, other in zip(texts, search(live, texts), search(fresh, texts), strict=True):
            assert {hit.id for hit in one.hits} == {hit.id for hit in other.hits}, text
            of = {hit.id: hit for hit in other.hits}
            for hit in one.hits:
                assert hit.score == pytest.approx(of[hit.id].score, abs=1e-3), text
            assert one.confidence.first == pytest.approx(other.confidence.first, abs=1e-3)
    finally:
        live.close()
        fresh.close()


# --- Beside searches --------------------------------------------------------------------------------------------------


def two(name: str, mark: str) -> Document:
    """A document of two entries whose questions no other mark has."""
    first = Entry(f"{name}#1", en=Side(f"How do I open the {mark} box?", f"Pull. {mark}."))
    second = Entry(f"{name}#2", en=Side(f"Who pays for the {mark} box?", f"We do. {mark}."))
    return Document(name, name, name, (first, second), tags=(mark,))


def test_a_search_sees_all_of_a_document_s_old_entries_or_all_of_its_new_ones() -> None:
    live = LiveKnowledge(LETTERS)
    marks = ("amber", "violet")
    filler = Document("filler", "", "", tuple(Entry(f"f{at}", en=Side(f"Number {at}?", "Yes.")) for at in range(40)))
    live.apply(1, (), {"filler": filler, "box": two("box", marks[1])})
    texts = [entry.en.question for mark in marks for entry in two("box", mark).entries if entry.en]
    vectors = LETTERS.encode(texts)
    stop, problems, searches = threading.Event(), list[str](), [0, 0, 0]

    def read(number: int) -> None:
        while not stop.is_set():
            found = live.search(texts, vectors, 5)
            versions = {each.version for each in found}
            seen = [bool(each.hits) and each.hits[0].exact for each in found]
            even = found[0].version % 2 == 0
            if len(versions) > 1 or seen != [even, even, not even, not even]:
                problems.append(f"{versions} {seen}")
                stop.set()
            searches[number] += 1

    readers = [threading.Thread(target=read, args=(number,)) for number in range(len(searches))]
    for reader in readers:
        reader.start()
    try:
        for version in range(2, 80):
            live.apply(version, (), {"box": two("box", marks[version % 2])})
            if stop.is_set():
                break
    finally:
        stop.set()
        for reader in readers:
            reader.join()
        live.close()
    assert not problems
    assert min(searches) > 10


# --- What goes wrong on the way ---------------------------------------------------------------------------------------


class Failing(Letters):
    """Letters, until it is told to fail."""

    fails = False

    def encode(self, texts: list[str]) -> Floats:
        if self.fails:
            raise OSError("the embedder is away")
        return super().encode(texts)


@pytest.mark.parametrize("change", ["confirmed", "revised", "unconfirmed"])
def test_a_change_that_fails_is_as_if_it_had_not_been_tried_and_can_be_tried_again(change: str) -> None:
    encoder = Failing()
    live = LiveKnowledge(encoder)
    known: dict[str, Content] = {
        "box": two("box", "amber"),
        "c1": Confirmed("box#1", "My lid is stuck"),
        "c2": Confirmed("box#2", "Is there a bill for it"),
    }
    live.apply(1, (), known)
    check(live, known, 1)
    removed: set[str] = {"c1"} if change == "unconfirmed" else set()
    changed: dict[str, Content] = {
        "confirmed": {"c3": Confirmed("box#2", "Cover this cost")},
        "revised": {"box": two("box", "violet"), "d": two("d", "red")},
        "unconfirmed": {},
    }[change]  # type: ignore[assignment]
    encoder.fails = True
    with pytest.raises(OSError, match="away"):
        live.apply(2, removed, changed)
    check(live, known, 1)
    encoder.fails = False
    applied(live, known, 2, (removed, changed))
    check(live, known, 2)
    live.close()


def test_an_entry_without_any_side_is_never_found_and_does_no_harm() -> None:
    live = LiveKnowledge(LETTERS)
    live.apply(1, (), {"odd": Document("odd", "", "", (Entry("nothing"),)), "box": two("box", "amber")})
    (found,) = search(live, ["How do I open the amber box?"])
    assert {hit.id for hit in found.hits} == {"box#1", "box#2"} and len(live) == 3
    live.apply(2, {"odd"}, {})
    assert len(live) == 2
    live.close()


def test_a_title_of_marks_alone_is_no_one_s_own_question() -> None:
    live = LiveKnowledge(LETTERS)
    live.apply(1, (), {"odd": Document("odd", "", "", (Entry("marks", en=Side("???", "Yes.", ("!!!",))),))})
    for found in search(live, ["🎉", "???", "…"]):
        assert not any(hit.exact for hit in found.hits)
    live.close()


def test_entries_that_are_not_yet_to_be_seen_take_no_one_s_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a document comes in, what was known before is found as before."""
    live = LiveKnowledge(LETTERS)
    known: dict[str, Content] = {"old": Document("old", "", "", (Entry("old#1", en=Side("stop", "It stops.")),))}
    live.apply(1, (), known)
    crowd = Document(
        "crowd", "", "", tuple(Entry(f"crowd#{at}", en=Side(f"spot {at}", "o p s t")) for at in range(200))
    )
    seen: list[Found] = []
    add = LexicalIndex.add

    def watched(index: LexicalIndex, documents: list[tuple[int, list[str]]]) -> None:
        seen.extend(search(live, ["tops"], 5))  # no word of it is known, only its letters
        add(index, documents)

    monkeypatch.setattr(LexicalIndex, "add", watched)
    live.apply(2, (), {"crowd": crowd})
    assert [[hit.id for hit in found.hits] for found in seen] == [["old#1"]]
    live.close()


# --- Within a scope ---------------------------------------------------------------------------------------------------

_SCOPES = st.builds(
    Scope,
    st.frozensets(st.sampled_from(["default", "shop", "elsewhere"]), max_size=2),
    st.frozensets(st.sampled_from(["en", "zh"]), max_size=1),
    st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=2),
)


def allowed_by(scope: Scope, document: Document, entry: Entry) -> bool:
    return (
        (not scope.collections or document.collection in scope.collections)
        and (not scope.languages or bool(scope.languages & {language for language, _ in entry.sides()}))
        and (not scope.tags or bool(scope.tags & {*document.tags}))
    )


@given(histories(4), _SCOPES)
@settings(max_examples=40, deadline=None)
def test_a_scope_leaves_what_it_allows_and_nothing_else(changes: list[Change], scope: Scope) -> None:
    live, known = LiveKnowledge(LETTERS), dict[str, Content]()
    try:
        for version, change in enumerate(changes, 1):
            applied(live, known, version, change)
        held = entries_of(known)
        allowed = {name for name, (document, entry) in held.items() if allowed_by(scope, document, entry)}
        own = [(side.question, name) for name in held for _, side in held[name][1].sides()]
        texts = [*(text for text, _ in own), *NOBODYS]
        found = search(live, texts, scope=scope)
        for text, each in zip(texts, found, strict=True):
            assert {hit.id for hit in each.hits} == allowed, text
        for (text, name), each in zip(own, found, strict=False):
            assert [hit.id for hit in each.hits if hit.exact] == ([name] if name in allowed else []), text
    finally:
        live.close()


@pytest.mark.parametrize("settings_", [VectorSettings(), SMALL], ids=["exact", "quantised"])
def test_a_narrow_scope_finds_what_a_crowd_outside_it_would_hide(settings_: VectorSettings) -> None:
    live = LiveKnowledge(LETTERS, settings=settings_)
    crowd = tuple(Entry(f"crowd#{at}", en=Side(f"spot {at}", "o p s t")) for at in range(400))
    few = tuple(Entry(f"few#{at}", en=Side(f"stop {at}", "It stops.")) for at in range(3))
    documents = {
        "crowd": Document("crowd", "", "", crowd, "crowd", ("loud",)),
        "few": Document("few", "", "", few, "shop", ("rare", "calm")),
        "chinese": Document("chinese", "", "", (Entry("zh#1", zh=Side("停车", "可以。")),), "crowd", ("loud",)),
    }
    live.apply(1, (), documents)
    for scope, expected in [
        (Scope(collections=frozenset({"shop"})), {"few#0", "few#1", "few#2"}),
        (Scope(tags=frozenset({"rare"})), {"few#0", "few#1", "few#2"}),
        (Scope(languages=frozenset({"zh"})), {"zh#1"}),
        (Scope(collections=frozenset({"crowd"}), tags=frozenset({"rare"})), set()),
        (Scope(collections=frozenset({"nowhere"})), set()),
    ]:
        for found in search(live, ["tops", "spot 7", "停车", "stop 1"], 5, scope):
            assert {hit.id for hit in found.hits} == expected
    live.close()


def test_a_paraphrase_within_the_scope_is_exact_whatever_is_called_so_outside_it() -> None:
    live = LiveKnowledge(LETTERS)
    inside = Entry("inside", en=Side("How do I swap it?", "Swap.", ("How do I return it?",)))
    outside = Entry("outside", en=Side("How do I return it?", "Return."))
    live.apply(
        1, (), {"in": Document("in", "", "", (inside,), "shop"), "out": Document("out", "", "", (outside,), "other")}
    )
    (found,) = search(live, ["how do i return it"], scope=Scope(collections=frozenset({"shop"})))
    assert [(hit.id, hit.exact) for hit in found.hits] == [("inside", True)]
    live.close()


# --- Beside other tenants ---------------------------------------------------------------------------------------------


@given(histories(4), histories(4), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_tenants_never_see_each_other(ours: list[Change], theirs: list[Change], random: Random) -> None:
    """The same names on both sides, changed in any order."""
    lives = [LiveKnowledge(LETTERS), LiveKnowledge(LETTERS)]
    known: list[dict[str, Content]] = [{}, {}]
    versions, left = [0, 0], [list(ours), list(theirs)]
    try:
        while any(left):
            which = random.choice([at for at in (0, 1) if left[at]])
            versions[which] += 1
            applied(lives[which], known[which], versions[which], left[which].pop(0))
            if random.random() < 0.3:
                lives[which].train()
            texts = [
                side.question for each in known for _, entry in entries_of(each).values() for _, side in entry.sides()
            ]
            for live, own in zip(lives, known, strict=True):
                contents = {
                    (document.source, entry.id, side.question, side.answer)
                    for document, entry in entries_of(own).values()
                    for _, side in entry.sides()
                }
                for found in search(live, [*texts, *NOBODYS]):
                    assert {(hit.source, hit.id, hit.title, hit.answer) for hit in found.hits} <= contents
    finally:
        for live in lives:
            live.close()
