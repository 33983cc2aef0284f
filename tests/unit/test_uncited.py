"""A model's marks of citation are kept from the customer, whole or in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.uncited import Uncited, cited, uncited


@pytest.mark.parametrize(
    ("text", "plain", "numbers"),
    [
        ("Five days [1].", "Five days.", [1]),
        ("  A [2][1] and b [2]\n", "A and b", [2, 1]),
        ("array[12] of [notes] [123]", "array of [notes] [123]", [12]),
        ("七天内[3]可退。", "七天内可退。", [3]),
        ("", "", []),
    ],
)
def test_whole(text: str, plain: str, numbers: list[int]) -> None:
    assert (uncited(text), cited(text)) == (plain, numbers)


@given(st.lists(st.text(st.sampled_from("a [1]2\n\t.3"), max_size=6), max_size=12))
def test_pieces_give_what_the_whole_gives(pieces: list[str]) -> None:
    stream = Uncited()
    shown = "".join([*map(stream.feed, pieces), stream.end()])
    assert shown == uncited("".join(pieces))
