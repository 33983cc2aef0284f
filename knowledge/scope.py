"""Which part of a tenant's knowledge a question may be answered from."""

from __future__ import annotations

from msgspec import Struct

from knowledge.text import Language


class Scope(Struct, frozen=True):
    """Empty fields allow everything. `tags`: an entry's document has at least one of them."""

    collections: frozenset[str] = frozenset()
    languages: frozenset[Language] = frozenset()
    tags: frozenset[str] = frozenset()

    def allows(self, label: Label) -> bool:
        return (
            (not self.collections or label.collection in self.collections)
            and (not self.languages or not self.languages.isdisjoint(label.languages))
            and (not self.tags or not self.tags.isdisjoint(label.tags))
        )


class Label(Struct, frozen=True):
    """What a scope looks at: few different ones are shared by many entries."""

    collection: str
    languages: tuple[Language, ...]
    tags: tuple[str, ...]


EVERYTHING = Scope()
