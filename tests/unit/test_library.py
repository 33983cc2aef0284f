"""Changing what a tenant knows: the events that are written, and those that are not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.knowledge_codec import Event, confirmation
from events.memory_knowledge import MemoryKnowledge
from knowledge.entries import Document, Entry, Side
from knowledge.library import Change, Library, Written
from knowledge.stored import from_stored
from schemas.errors import InvalidRequest, KefuError, NotFound, WrongExpectedVersion
from schemas.knowledge_pb2 import (
    AnswerConfirmed,
    DocumentAdded,
    DocumentRemoved,
    DocumentRevised,
    KnowledgeRolledBack,
)

T0 = 1_760_000_000_000  # milliseconds since 1970: the moment at which tests take place
SHOP = "shop"


def entry(name: str, answer: str = "yes") -> Entry:
    return Entry(name, "tests", en=Side(f"what of {name}?", answer))


def document(name: str, *entries: Entry, title: str = "") -> Document:
    return Document(name, title or name, f"{name}.md", entries)


class Desk:
    """A library over a store of its own, at a clock that ticks with each reading."""

    def __init__(self, store: MemoryKnowledge | None = None) -> None:
        self.store = store or MemoryKnowledge()
        ticks = itertools.count(T0)
        self.library = Library(self.store, lambda: next(ticks))

    async def add(self, *documents: Document, by: str = "ann") -> Change:
        return await self.library.add(SHOP, documents, by)

    async def events(self, after: int = 0) -> list[Event]:
        return [*(await self.store.read(SHOP, range(after + 1, await self.store.head(SHOP) + 1))).values()]

    async def revisions(self, name: str) -> dict[str, int]:
        """Of the entries of a document, as it is now."""
        version = (await self.store.state(SHOP, await self.store.head(SHOP)))[name]
        event = (await self.store.read(SHOP, [version]))[version]
        assert isinstance(event, DocumentAdded | DocumentRevised)
        return {each.id: each.revision for each in event.document.entries}


# Documents


async def test_a_new_document_is_added_with_every_entry_at_its_first_revision() -> None:
    desk = Desk()
    change = await desk.add(document("a", entry("x"), entry("y"), title="About a"))
    assert change == Change(1, (Written("a", "About a", "added", 2, new=2),))
    (event,) = await desk.events()
    assert isinstance(event, DocumentAdded) and (event.by, event.at_ms) == ("ann", T0)
    assert from_stored(event.document) == document("a", entry("x"), entry("y"), title="About a")


async def test_what_has_not_changed_is_not_written() -> None:
    desk = Desk()
    own = document("a", entry("x")), document("b", entry("y"))
    await desk.add(*own)
    again = await desk.add(*own, by="bob")
    assert again == Change(2, (Written("a", "a", "unchanged", 1), Written("b", "b", "unchanged", 1)))
    assert len(await desk.events()) == 2
    assert await desk.add() == Change(2)


async def test_a_revision_says_what_is_new_changed_and_gone_and_numbers_only_what_changed() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x"), entry("y"), entry("z")))
    change = await desk.add(document("a", entry("x"), entry("y", "no"), entry("w")), by="bob")
    assert change == Change(2, (Written("a", "a", "revised", 3, new=1, revised=1, removed=1),))
    (event,) = await desk.events(1)
    assert isinstance(event, DocumentRevised) and (event.by, event.at_ms) == ("bob", T0 + 1)
    assert await desk.revisions("a") == {"x": 1, "y": 2, "w": 1}


async def test_a_content_that_comes_back_has_its_old_revision_and_a_new_one_the_next() -> None:
    desk = Desk()
    for answer, revision in [("one", 1), ("two", 2), ("one", 1), ("three", 3), ("two", 2)]:
        await desk.add(document("a", entry("x", answer)))
        assert await desk.revisions("a") == {"x": revision}
    await desk.library.remove(SHOP, "a", "ann")
    await desk.add(document("a", entry("x", "three"), entry("y")))
    assert await desk.revisions("a") == {"x": 3, "y": 1}


async def test_a_change_of_the_title_alone_is_a_revision_without_changed_entries() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x")))
    change = await desk.add(document("a", entry("x"), title="Another"))
    assert change.written == (Written("a", "Another", "revised", 1),)
    assert await desk.revisions("a") == {"x": 1}


async def test_several_documents_are_one_step() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x")), document("b", entry("y")))
    change = await desk.add(document("a", entry("x")), document("b", entry("y", "no")), document("c", entry("z")))
    assert [each.outcome for each in change.written] == ["unchanged", "revised", "added"]
    assert change.version == 4 and [type(event) for event in await desk.events(2)] == [DocumentRevised, DocumentAdded]


async def test_removing() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x")))
    assert await desk.library.remove(SHOP, "a", "cyd") == Change(2)
    assert (await desk.events(1)) == [DocumentRemoved(document_id="a", by="cyd", at_ms=T0 + 1)]
    for name in ("a", "never"):
        with pytest.raises(NotFound, match="list them"):
            await desk.library.remove(SHOP, name, "cyd")
    assert (await desk.add(document("a", entry("x")))).written[0].outcome == "added"


# Whose entry it is


@pytest.mark.parametrize(
    "documents",
    [
        [document("a", entry("x")), document("a", entry("y"))],
        [document("a", entry("x"), entry("x", "no"))],
        [document("a", entry("x")), document("b", entry("x"))],
    ],
    ids=["document twice", "entry twice", "entry in two documents"],
)
async def test_an_import_that_names_something_twice_is_refused_whole(documents: list[Document]) -> None:
    desk = Desk()
    with pytest.raises(InvalidRequest, match="rename one"):
        await desk.add(document("fine", entry("f")), *documents)
    assert await desk.events() == []


@pytest.mark.parametrize("name", ["x", "x#1", "a#5b0c"])
async def test_an_entry_that_another_document_holds_is_refused(name: str) -> None:
    """Also one that looks as if it had been made from a document's id."""
    desk = Desk()
    await desk.add(document("a", entry(name)))
    with pytest.raises(InvalidRequest, match="taken by document 'a'"):
        await desk.add(document("fine", entry("f")), document("b", entry(name, "no")))
    assert len(await desk.events()) == 1


async def test_an_entry_may_move_when_its_document_lets_go_of_it() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x"), entry("y")))
    await desk.add(document("a", entry("y")), document("b", entry("x")))
    assert (await desk.revisions("a"), await desk.revisions("b")) == ({"y": 1}, {"x": 1})
    await desk.library.remove(SHOP, "a", "ann")
    await desk.add(document("c", entry("y")))
    # Whoever holds it now may go on with it, though another document held the same content first.
    await desk.add(document("b", entry("x"), entry("z")), document("c", entry("y"), title="C"))
    await desk.add(document("b", entry("x", "no")))
    assert (await desk.revisions("b"), await desk.revisions("c")) == ({"x": 2}, {"y": 1})
    with pytest.raises(InvalidRequest, match="taken"):
        await desk.add(document("d", entry("y")))


# Confirmed answers


async def test_a_confirmation_is_written_once() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x")))
    assert await desk.library.confirm(SHOP, "x", "is it so?", "eve") == Change(2)
    assert await desk.library.confirm(SHOP, "x", "is it so?", "bob") == Change(2)
    assert await desk.events(1) == [AnswerConfirmed(entry_id="x", question="is it so?", by="eve", at_ms=T0 + 1)]
    assert confirmation("x", "is it so?") in await desk.store.state(SHOP, 2)
    assert await desk.library.confirm(SHOP, "x", "and so?", "eve") == Change(3)


async def test_only_an_entry_that_is_there_can_be_confirmed() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x"), entry("y")))
    await desk.add(document("a", entry("y")))
    for name in ("x", "never"):
        with pytest.raises(NotFound, match="search for"):
            await desk.library.confirm(SHOP, name, "is it so?", "eve")
    with pytest.raises(InvalidRequest):
        await desk.library.confirm(SHOP, "", "is it so?", "eve")


# Back to a version


async def test_roll_back_restores_documents_and_confirmations_and_can_be_undone() -> None:
    desk = Desk()
    await desk.add(document("a", entry("x")))
    await desk.library.confirm(SHOP, "x", "is it so?", "eve")
    before = await desk.store.state(SHOP, 2)
    await desk.library.remove(SHOP, "a", "ann")
    await desk.add(document("b", entry("x", "no")))
    assert await desk.library.roll_back(SHOP, 2, "dan") == Change(5)
    assert (await desk.events(4)) == [KnowledgeRolledBack(to_version=2, by="dan", at_ms=T0 + 4)]
    assert await desk.store.state(SHOP, 5) == before
    assert (await desk.add(document("a", entry("x")))).written[0].outcome == "unchanged"
    await desk.library.roll_back(SHOP, 4, "dan")
    assert (await desk.store.state(SHOP, 6)).keys() == {"b", confirmation("x", "is it so?")}


@pytest.mark.parametrize("to", [-1, 1, 2, 99])
async def test_there_is_no_way_back_to_a_version_that_is_not_past(to: int) -> None:
    desk = Desk()
    await desk.add(document("a", entry("x")))
    with pytest.raises(InvalidRequest, match="choose an earlier one"):
        await desk.library.roll_back(SHOP, to, "dan")
    assert len(await desk.events()) == 1


# Others who write


class Slow(MemoryKnowledge):
    """Lets others go first between a reading and the writing."""

    attempts = 0

    async def append(self, tenant: str, expected: int, events: Sequence[Event]) -> int:
        self.attempts += 1
        await asyncio.sleep(0)
        return await super().append(tenant, expected, events)


async def test_writers_at_the_same_time_all_succeed() -> None:
    desk = Desk(Slow())
    await asyncio.gather(
        desk.add(document("a", entry("x"))),
        desk.add(document("b", entry("y"))),
        desk.add(document("c", entry("z")), document("d", entry("w"))),
        desk.library.add("other", [document("a", entry("x", "theirs"))], "zoe"),
    )
    assert (await desk.store.state(SHOP, 9)).keys() == {"a", "b", "c", "d"}
    assert await desk.store.head("other") == 1
    assert isinstance(desk.store, Slow) and desk.store.attempts > 4


async def test_of_two_who_add_the_same_one_writes_and_of_two_who_want_one_id_one_is_told() -> None:
    desk = Desk(Slow())
    same = await asyncio.gather(desk.add(document("a", entry("x"))), desk.add(document("a", entry("x"))))
    assert sorted(change.written[0].outcome for change in same) == ["added", "unchanged"]
    assert len(await desk.events()) == 1
    rivals = await asyncio.gather(
        desk.add(document("b", entry("y"))), desk.add(document("c", entry("y"))), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in rivals) == ["Change", "InvalidRequest"]
    both = await asyncio.gather(
        desk.add(document("a", entry("x", "two"))), desk.add(document("a", entry("x", "three")))
    )
    assert {change.version for change in both} == {3, 4}
    assert await desk.revisions("a") == {"x": 3}


async def test_a_writer_that_is_always_too_late_gives_up() -> None:
    class Late(MemoryKnowledge):
        attempts = 0

        async def append(self, tenant: str, expected: int, events: Sequence[Event]) -> int:
            self.attempts += 1
            raise WrongExpectedVersion("somebody was faster")

    store = Late()
    with pytest.raises(WrongExpectedVersion):
        await Desk(store).add(document("a", entry("x")))
    assert store.attempts == 5


# Random histories

_NAMES = st.sampled_from("abc")
_ENTRIES = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["yes", "no"])), unique_by=lambda one: one[0])
_ADDS = st.builds(
    lambda name, entries: document(name, *(entry(own, answer) for own, answer in entries)), _NAMES, _ENTRIES
)
_STEPS = st.lists(
    st.one_of(_ADDS, _NAMES, st.tuples(st.sampled_from("xyz"), st.sampled_from(["p", "q"])), st.integers(0, 5)),
    max_size=12,
)


@given(_STEPS)
@settings(max_examples=100, deadline=None)
def test_whatever_happens_each_step_writes_what_it_should_and_a_repeated_one_nothing(
    steps: list[Document | str | tuple[str, str] | int],
) -> None:
    async def run() -> None:
        desk = Desk()
        states: list[tuple[dict[str, Document], set[tuple[str, str]]]] = [({}, set())]
        for step in steps:
            known, confirmed = {**states[-1][0]}, {*states[-1][1]}
            holder = {each.id: name for name, own in known.items() for each in own.entries}
            try:
                if isinstance(step, Document):
                    refused = any(holder.get(each.id, step.id) != step.id for each in step.entries)
                    changes = known.get(step.id) != step
                    await desk.add(step)
                    known[step.id] = step
                elif isinstance(step, str):
                    refused, changes = step not in known, True
                    await desk.library.remove(SHOP, step, "ann")
                    known.pop(step, None)
                elif isinstance(step, tuple):
                    refused, changes = step not in confirmed and step[0] not in holder, step not in confirmed
                    await desk.library.confirm(SHOP, *step, "eve")
                    confirmed.add(step)
                else:
                    refused, changes = step >= len(states) - 1, True
                    await desk.library.roll_back(SHOP, step, "dan")
                    known, confirmed = states[min(step, len(states) - 1)]
            except KefuError:
                assert refused
                continue
            assert not refused
            if changes:
                states.append((known, confirmed))
            head = await desk.store.head(SHOP)
            assert head == len(states) - 1
            items = {*known, *(confirmation(*each) for each in confirmed)}
            assert (await desk.store.state(SHOP, head)).keys() == items
            again = await desk.add(*known.values())
            assert again.version == head and {each.outcome for each in again.written} <= {"unchanged"}

    asyncio.run(run())
