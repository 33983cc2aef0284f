"""What was embedded once is not embedded again, whatever broke off in between."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from kit.letters import Floats, Letters

from knowledge.vector_cache import CachedEncoder


class Shelf:
    """Vectors in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, bytes], bytes] = {}

    def load(self, model: str, digests: list[bytes]) -> Mapping[bytes, bytes]:
        assert len(set(digests)) == len(digests)
        return {digest: self.kept[model, digest] for digest in digests if (model, digest) in self.kept}

    def save(self, model: str, vectors: Mapping[bytes, bytes]) -> None:
        self.kept |= {(model, digest): vector for digest, vector in vectors.items()}


class Counting(Letters):
    """Remembers what it was asked; fails from the `last` text on."""

    def __init__(self, name: str = "letters", last: int = 10_000) -> None:
        super().__init__(name)
        self.asked: list[str] = []
        self._last = last

    def encode(self, texts: list[str]) -> Floats:
        if len(self.asked) + len(texts) > self._last:
            raise OSError("the embedder is away")
        self.asked += texts
        return super().encode(texts)


TEXTS = ["How do I get a refund?", "怎么退款", "", "How do I get a refund?", "where is it"]


def test_vectors_are_the_encoder_s_to_half_precision_in_the_order_asked() -> None:
    cached = CachedEncoder(Letters(), Shelf())
    vectors = cached.encode(TEXTS)
    assert vectors.dtype == np.float32 and np.abs(vectors - Letters().encode(TEXTS)).max() < 0.0005
    assert (cached.name, cached.parts) == (Letters().name, Letters().parts)
    assert cached.encode([]).shape == (0, sum(Letters().parts))


def test_each_text_is_embedded_once_by_whichever_process() -> None:
    shelf, first, second = Shelf(), Counting(), Counting()
    vectors = CachedEncoder(first, shelf).encode(TEXTS)
    assert first.asked == list(dict.fromkeys(TEXTS))
    again = CachedEncoder(second, shelf).encode([*TEXTS[::-1], "new"])
    assert second.asked == ["new"]
    assert np.array_equal(again[:-1], vectors[::-1])


def test_what_is_new_and_what_was_kept_have_the_same_vectors() -> None:
    """The first answer is already rounded: a restart changes no score."""
    shelf = Shelf()
    assert np.array_equal(
        CachedEncoder(Letters(), shelf).encode(TEXTS), CachedEncoder(Counting(last=0), shelf).encode(TEXTS)
    )


def test_vectors_of_two_models_do_not_meet() -> None:
    shelf, other = Shelf(), Counting("another")
    CachedEncoder(Letters(), shelf).encode(TEXTS)
    CachedEncoder(other, shelf).encode(TEXTS)
    assert len(other.asked) == len(set(TEXTS)) and len(shelf.kept) == 2 * len(set(TEXTS))


def test_an_import_that_broke_off_goes_on_where_it_was() -> None:
    shelf, texts = Shelf(), [f"text {number}" for number in range(1_000)]
    with pytest.raises(OSError, match="away"):
        CachedEncoder(Counting(last=600), shelf).encode(texts)
    assert 0 < len(shelf.kept) <= 600
    rest = Counting(last=1_000 - len(shelf.kept))
    assert np.abs(CachedEncoder(rest, shelf).encode(texts) - Letters().encode(texts)).max() < 0.0005
