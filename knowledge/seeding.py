"""What the default tenant knows from the start: what the operator's settings name, or the demo shop."""

from __future__ import annotations

from pathlib import Path

import msgspec

from events.knowledge_store import KnowledgeStore
from knowledge.entries import Document
from knowledge.importing import files
from knowledge.importing.content import Unreadable
from knowledge.importing.reading import read
from knowledge.library import Library
from schemas.errors import ConfigurationError, InvalidRequest
from schemas.ids import now_ms

DEMO = Path(__file__).with_name("demo_shop.jsonl")
DEMO_ID = "demo_shop"
_BY = "kefu up"


async def seed(store: KnowledgeStore, tenant: str, path: Path | None) -> None:
    """Imports the file or folder at `path`; without one, the demo shop into a tenant that never knew anything.

    What has not changed is not written again. The demo shop leaves when knowledge of one's own comes. Writes
    events only: whoever follows the log embeds what they hold. Raises ConfigurationError if a file cannot be used.
    """
    library = Library(store, now_ms)
    head = await store.head(tenant)
    if path is None:
        if head == 0:
            await library.add(tenant, [demo()], _BY)
        return
    documents = _documents(path)
    if DEMO_ID in await store.state(tenant, head):
        await library.remove(tenant, DEMO_ID, _BY)
    try:
        await library.add(tenant, documents, _BY)
    except InvalidRequest as error:
        raise ConfigurationError(f"KEFU_KNOWLEDGE={path}: {error.detail}") from error


def demo() -> Document:
    """The demo shop."""
    (document,) = read(DEMO.name, DEMO.read_bytes()).documents
    return msgspec.structs.replace(document, id=DEMO_ID, title="Demo shop")


def _documents(path: Path) -> list[Document]:
    """Named by where they are below `path`, so that they stay the same on another machine."""
    try:
        root = path if path.is_dir() else path.parent
        found = [
            document
            for file in files.find([path])
            for document in read(file.relative_to(root).as_posix(), files.load(file)).documents
        ]
    except Unreadable as error:
        raise ConfigurationError(f"KEFU_KNOWLEDGE: {error.detail}") from error
    if not found:
        raise ConfigurationError(f"KEFU_KNOWLEDGE={path}: holds no document; put some there, or leave it unset")
    return found
