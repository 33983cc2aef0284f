"""Imports without Ray: read, sifted, embedded, and only then written; and what is known read back."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec
import pytest
from kit.knowledge import T0
from kit.letters import Floats, Letters

from events.memory_knowledge import MemoryKnowledge
from knowledge.catalogue import Catalogue
from knowledge.importing.content import Unreadable
from knowledge.intake import Given, Intake, Report
from knowledge.library import Library
from knowledge.vector_cache import CachedEncoder
from schemas.errors import InvalidRequest, NotFound

GIFTS = "question,answer\nDo you sell gift cards?,Yes we do.\n"
TENANT = "acme"


class Shelf:
    """Vectors of the store, for threads."""

    def __init__(self, store: MemoryKnowledge) -> None:
        self._store = store

    def load(self, model: str, digests: list[bytes]) -> dict[bytes, bytes]:
        return asyncio.run(self._store.vectors(model, digests))

    def save(self, model: str, vectors: dict[bytes, bytes]) -> None:
        asyncio.run(self._store.save_vectors(model, vectors))


class Failing(Letters):
    """Refuses the word "poison"."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = True
        self.encoded: list[str] = []

    def encode(self, texts: list[str]) -> Floats:
        if self.failing and any("poison" in text for text in texts):
            raise RuntimeError("the embedder is gone")
        self.encoded += texts
        return super().encode(texts)


class World:
    def __init__(self) -> None:
        self.store = MemoryKnowledge()
        self.encoder = Failing()
        self.intake = Intake(self.store, CachedEncoder(self.encoder, Shelf(self.store)), lambda: T0)  # type: ignore[arg-type]
        self.library = Library(self.store, lambda: T0)
        self.catalogue = Catalogue(self.store)

    async def take(self, name: str, text: str, tenant: str = TENANT, **more: object) -> Report:
        return await self.intake.take(Given(tenant, name, **more), text.encode())  # type: ignore[arg-type]

    async def export(self, tenant: str = TENANT) -> str:
        version = await self.catalogue.version(tenant)
        lines = [line async for some in self.catalogue.export(tenant, version) for line in some]
        return "".join(msgspec.json.encode(line).decode() + "\n" for line in lines)

    async def entries(self, document: str, tenant: str = TENANT) -> list[str]:
        whole = await self.catalogue.document(tenant, await self.catalogue.version(tenant), document)
        return [entry["id"] for entry in whole["entries"]]


@pytest.fixture
def world() -> World:
    return World()


async def test_a_file_becomes_a_document_with_what_is_told_of_it(world: World) -> None:
    report = await world.take("shop/faq.csv", GIFTS, collection="shop", tags=("gifts",), by="ann")
    (written,) = report.documents
    assert (report.version, written.document, written.outcome, written.entries) == (1, "shop/faq.csv", "added", 1)
    (line,) = await world.catalogue.documents(TENANT, 1, "", 10)
    assert (line.collection, line.tags, line.entries, line.version) == ("shop", ("gifts",), 1, 1)
    (event,) = await world.catalogue.history(TENANT, 10, None)
    assert (event.by, event.recorded_at_ms) == ("ann", T0)


async def test_the_vectors_are_there_before_the_event_is(world: World) -> None:
    await world.take("faq.csv", GIFTS)
    digest = hashlib.sha256(b"Do you sell gift cards?").digest()[:16]
    assert digest in await world.store.vectors("letters", [digest])
    with pytest.raises(RuntimeError, match="gone"):
        await world.take("bad.csv", "question,answer\nIs it poison?,No.\n")
    assert await world.store.head(TENANT) == 1


async def test_an_import_that_was_cut_off_goes_on(world: World) -> None:
    rows = "".join(f"Question number {number}?,Answer number {number} it is.\n" for number in range(400))
    text = f"question,answer\n{rows}Is it poison?,No.\n"
    with pytest.raises(RuntimeError, match="gone"):
        await world.take("faq.csv", text)
    done = {*world.encoder.encoded}
    assert len(done) >= 1000
    world.encoder.failing, world.encoder.encoded = False, []
    assert (await world.take("faq.csv", text)).documents[0].entries == 401
    assert done.isdisjoint(world.encoder.encoded)


async def test_a_dry_run_says_all_and_does_nothing(world: World) -> None:
    planned = await world.take("faq.csv", GIFTS, dry_run=True)
    assert (planned.version, planned.documents[0].outcome) == (0, "added")
    assert (await world.store.head(TENANT), world.encoder.encoded) == (0, [])
    assert (await world.take("faq.csv", GIFTS)).documents == planned.documents


async def test_what_has_not_changed_is_not_written_nor_embedded(world: World) -> None:
    await world.take("faq.csv", GIFTS)
    world.encoder.encoded = []
    again = await world.take("faq.csv", GIFTS)
    assert (again.version, again.documents[0].outcome, again.skipped, world.encoder.encoded) == (1, "unchanged", (), [])


async def test_a_revision_is_not_a_twin_of_what_it_replaces(world: World) -> None:
    await world.take("faq.csv", GIFTS + "Can I pay by card?,All of them.\n")
    again = await world.take("faq.csv", GIFTS.replace("gift cards?", "gift cards!") + "Can I pay by card?,Visa only.\n")
    (written,) = again.documents
    assert (written.outcome, written.entries, again.skipped, again.duplicates) == ("revised", 2, (), ())


async def test_what_another_document_says_is_left_out_with_its_twin_named(world: World) -> None:
    await world.take("a.csv", GIFTS)
    (gifts,) = await world.entries("a.csv")
    report = await world.take("b.csv", "question,answer\ndo you sell GIFT CARDS,Yes  we do.\nOther?,Words.\n")
    (skipped,) = report.skipped
    assert (skipped.where, gifts in skipped.reason) == ("b.csv: do you sell GIFT CARDS", True)
    assert report.documents[0].entries == 1
    nothing = await world.take("c.csv", GIFTS)
    assert (nothing.documents, len(nothing.skipped), nothing.version) == ((), 1, 2)
    assert (await world.take("c.csv", GIFTS, tenant="other")).documents[0].entries == 1
    await world.library.remove(TENANT, "a.csv", "ann")
    assert (await world.take("c.csv", GIFTS)).documents[0].entries == 1


async def test_another_answer_to_the_same_question_is_kept_and_told(world: World) -> None:
    await world.take("a.csv", GIFTS)
    report = await world.take("b.csv", "question,answer\nDo you sell gift cards?,Not any more these days.\n")
    (pair,) = report.duplicates
    assert (pair.kind, pair.entry, pair.other) == (
        "conflict",
        *await world.entries("b.csv"),
        *await world.entries("a.csv"),
    )
    assert (report.skipped, report.documents[0].entries) == ((), 1)


async def test_nearly_the_same_words_may_differ_in_the_one_that_matters(world: World) -> None:
    words = "You can send it back to our warehouse in Ghent at no cost with the label that came in the box within"
    text = "\n\n".join(f"# Returns of {what}\n\n{words} {days} days." for what, days in (("lamps", 30), ("rugs", 14)))
    report = await world.take("returns.md", text)
    assert report.documents[0].entries == 2
    assert report.skipped == ()


async def test_an_entry_is_left_out_only_with_all_its_languages(world: World) -> None:
    await world.take("a.csv", GIFTS)
    both = {
        "id": "gifts",
        "en": {"question": "Do you sell gift cards?", "answer": "Yes we do."},
        "zh": {"question": "卖礼品卡吗？", "answer": "卖的。"},
    }
    report = await world.take("b.jsonl", msgspec.json.encode(both).decode())
    assert (report.documents[0].entries, report.skipped) == (1, ())


async def test_an_export_imports_again(world: World) -> None:
    await world.take("faq.csv", GIFTS)
    await world.take("notes.md", "# Opening hours\n\nWe open at nine and close at six.\n")
    (gifts,) = await world.entries("faq.csv")
    await world.library.confirm(TENANT, gifts, "vouchers?", "ann")
    text = await world.export()
    report = await world.take("export.jsonl", text, tenant="other")
    assert (report.documents[0].entries, report.skipped) == (2, ())
    whole = await world.catalogue.document("other", 1, "export.jsonl")
    found = {entry["id"]: entry for entry in whole["entries"]}
    assert found[gifts]["en"].paraphrases == ("vouchers?",)
    assert {entry["kind"] for entry in found.values()} == {"faq", "passage"}
    with pytest.raises(InvalidRequest, match=r"is taken by document"):
        await world.take("export.jsonl", text)
    assert await world.store.head(TENANT) == 3


async def test_what_cannot_be_read_changes_nothing(world: World) -> None:
    for name, text in (("empty.md", " "), ("broken.jsonl", '{"id": 1\n{"id": 2}')):
        with pytest.raises(Unreadable, match=name):
            await world.take(name, text)
    assert await world.store.head(TENANT) == 0


async def test_the_catalogue_of_any_version(world: World) -> None:
    await world.take("a.csv", GIFTS)
    await world.take("b.csv", "question,answer\nOther?,Words.\n")
    await world.take("c.csv", "question,answer\nThird?,Thing.\n")
    await world.library.remove(TENANT, "a.csv", "ann")

    async def ids(version: int, after: str = "", limit: int = 9) -> list[str]:
        return [line.id for line in await world.catalogue.documents(TENANT, version, after, limit)]

    assert [await ids(version) for version in (0, 1, 3, 4)] == [
        [],
        ["a.csv"],
        ["a.csv", "b.csv", "c.csv"],
        ["b.csv", "c.csv"],
    ]
    assert [await ids(3, "a.csv", 1), await ids(3, "b.csv", 1), await ids(3, "c.csv", 1)] == [["b.csv"], ["c.csv"], []]
    assert (await world.catalogue.document(TENANT, 3, "a.csv"))["version"] == 1
    with pytest.raises(NotFound, match=r"no document 'a\.csv' in version 4"):
        await world.catalogue.document(TENANT, 4, "a.csv")
    assert [await world.catalogue.version(TENANT, at_ms=at) for at in (T0 - 1, T0)] == [0, 4]
    with pytest.raises(NotFound, match="no version 5; the newest is 4"):
        await world.catalogue.version(TENANT, 5)
