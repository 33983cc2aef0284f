"""What a tenant knows from the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.memory_knowledge import MemoryKnowledge
from knowledge.seeding import seed
from schemas.errors import ConfigurationError


@pytest.fixture
def store() -> MemoryKnowledge:
    return MemoryKnowledge()


async def test_the_demo_shop_is_version_one_and_is_not_written_again(store: MemoryKnowledge) -> None:
    for _ in range(2):
        await seed(store, "demo", None)
    assert await store.state("demo", 9) == {"demo_shop": 1}
    cited = await store.entry("demo", "refund-how")
    assert cited is not None
    assert (cited.entry.revision, cited.document.title) == (1, "Demo shop")


async def test_a_tenant_that_forgot_everything_is_not_seeded_again(store: MemoryKnowledge) -> None:
    from knowledge.library import Library

    await seed(store, "demo", None)
    await Library(store, lambda: 1).remove("demo", "demo_shop", "ann")
    await seed(store, "demo", None)
    assert await store.state("demo", 9) == {}


async def test_knowledge_of_ones_own_takes_the_demos_place(store: MemoryKnowledge, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.md").write_text("# Hours\n\nWe open at nine.\n")
    (tmp_path / "b.jsonl").write_text('{"id": "refund-how", "en": {"question": "Refund?", "answer": "Never."}}')
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    await seed(store, "demo", None)
    for _ in range(2):
        await seed(store, "demo", tmp_path)
    assert await store.head("demo") == 4
    assert sorted(await store.state("demo", 4)) == ["b.jsonl", "deep/a.md"]
    (tmp_path / "b.jsonl").write_text('{"id": "refund-how", "en": {"question": "Refund?", "answer": "Always."}}')
    await seed(store, "demo", tmp_path)
    assert await store.state("demo", 5) == {"b.jsonl": 5, "deep/a.md": (await store.state("demo", 4))["deep/a.md"]}


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\0\0", b'{"id": "a"}\n{"id": \n'])
async def test_a_file_that_cannot_be_read_is_a_mistake_in_the_settings(
    store: MemoryKnowledge, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "mine.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"KEFU_KNOWLEDGE.*mine\.jsonl"):
        await seed(store, "demo", path)
    assert await store.heads() == {}


async def test_an_empty_folder_and_a_taken_id_are_mistakes_too(store: MemoryKnowledge, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no document"):
        await seed(store, "demo", tmp_path)
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"id": "same", "en": {"question": "Refund?", "answer": "Never."}}')
    with pytest.raises(ConfigurationError, match="same"):
        await seed(store, "demo", tmp_path)
