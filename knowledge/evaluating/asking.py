"""Whom an evaluation asks: a knowledge in this process, or a running Kefu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from knowledge.evaluating.channels import Channels
from knowledge.evaluating.outcomes import Got


class Reply(Protocol):
    """What came back for one question."""

    def through(self, channels: Channels) -> Got:
        """As one set of channels would have it."""


class Asker(Protocol):
    """`name`: what is asked, to show."""

    name: str

    def search(self, texts: Sequence[str], k: int) -> Sequence[Reply]:
        """A reply for each text with its k best hits, in one batch, from the embedding to the answer."""

    def close(self) -> None:
        """It is asked nothing more."""
