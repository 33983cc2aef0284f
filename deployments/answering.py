"""Questions to answers: small talk, or the extractive answer from what was retrieved, with what a model would need."""

from __future__ import annotations

import time

import msgspec
from ray.serve.handle import DeploymentHandle

from deployments import outcomes
from deployments.remote_answerer import decode_questions
from knowledge import testing
from knowledge.answers import CONSIDERED, compose
from knowledge.asking import Inspected, Search, decode_found, decode_search, encode
from knowledge.found import Found
from knowledge.smalltalk import smalltalk
from schemas.answers import Answer, Passage, Question
from schemas.errors import AnswererUnavailable


class Answering:
    """The chat, the tester and the evaluation get their answers here."""

    def __init__(self, retriever: DeploymentHandle) -> None:
        self._retrieve = retriever.retrieve
        # What a tester asks may fill megabytes, which Serve's gRPC refuses; it is in no hurry.
        self._retrieve_much = retriever.options(_by_reference=True).retrieve

    async def answer(self, payload: bytes) -> bytes:
        """MessagePack list of Question to one of Answer. `answer_us` is the time of the whole batch."""
        started = time.perf_counter_ns()
        questions = decode_questions(payload)
        answers: list[Answer | None] = [smalltalk(question) for question in questions]
        open_ = tuple(question for question, answer in zip(questions, answers, strict=True) if answer is None)
        if open_:
            found = iter(decode_found(await self._retrieve.remote(encode(Search(open_, CONSIDERED)))))
            answers = [
                _composed(question, next(found)) if answer is None else answer
                for question, answer in zip(questions, answers, strict=True)
            ]
        took = (time.perf_counter_ns() - started) // 1000
        return encode([msgspec.structs.replace(answer, answer_us=took) for answer in answers if answer is not None])

    async def inspect(self, payload: bytes) -> bytes:
        """A Search to a list of Inspected, both in MessagePack: what is found, and the answer the chat would give."""
        return encode(await self._inspect(decode_search(payload)))

    async def show(self, payload: bytes) -> bytes:
        """The same as a MessagePack Outcome, for a tester to read."""
        return await outcomes.outcome(self._show(decode_search(payload)))

    async def _show(self, search: Search) -> object:
        inspected = await self._inspect(search)
        return {
            "results": [
                testing.result(question.text, each) for question, each in zip(search.questions, inspected, strict=True)
            ]
        }

    async def _inspect(self, search: Search) -> list[Inspected]:
        wide = msgspec.structs.replace(search, k=max(search.k, CONSIDERED))
        try:
            found = decode_found(await self._retrieve_much.remote(encode(wide)))
        except Exception as error:
            raise AnswererUnavailable(
                f"the knowledge cannot be searched now ({type(error).__name__}); try again shortly", retry_after_s=1
            ) from error
        return [
            Inspected(
                msgspec.structs.replace(each, hits=each.hits[: search.k]),
                smalltalk(question) or _composed(question, each),
            )
            for question, each in zip(search.questions, found, strict=True)
        ]


def _composed(question: Question, found: Found) -> Answer:
    considered = msgspec.structs.replace(found, hits=found.hits[:CONSIDERED])
    passages: tuple[Passage, ...] = ()
    if question.grounded:
        passages = tuple(Passage(hit.id, hit.revision, hit.title, hit.answer) for hit in considered.hits)
    return msgspec.structs.replace(
        compose(question, considered),
        learning=found.learning,
        passages=passages,
        intent=found.intent,
        intent_confidence=found.intent_confidence,
        rules_version=found.rules_version,
    )
