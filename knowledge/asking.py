"""What is asked of the retriever and of the answerer, and what a tester gets back: as it travels between them."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from knowledge.found import Found
from knowledge.scope import EVERYTHING, Scope
from schemas.answers import Answer, Question


class Search(Struct, frozen=True):
    """Questions, perhaps of several tenants, and how to search for all of them.

    `k`: the most hits for each; `version`: what was known then, None for what is known now.
    """

    questions: tuple[Question, ...]
    k: int
    scope: Scope = EVERYTHING
    version: int | None = None


class Inspected(Struct, frozen=True):
    """What was found for a question, and the answer that the live chat gives on it."""

    found: Found
    answer: Answer


encode = msgspec.msgpack.Encoder().encode
decode_search = msgspec.msgpack.Decoder(Search).decode
decode_found = msgspec.msgpack.Decoder(list[Found]).decode
decode_inspected = msgspec.msgpack.Decoder(list[Inspected]).decode
