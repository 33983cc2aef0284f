"""The answerer as a session host sees it: an exact-question cache in front of the Serve deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import msgspec

from events.batching import Batcher
from schemas.answers import Answer, Question
from schemas.errors import AnswererUnavailable

CACHE = 20_000  # answers
_MAX_QUESTIONS = 64  # in one call
_CALLS = 3  # under way at once: two being embedded, one being looked up
_OF_NO_VERSION = frozenset({"smalltalk", "escalated"})

encode = msgspec.msgpack.Encoder().encode
decode_answers = msgspec.msgpack.Decoder(list[Answer]).decode
decode_questions = msgspec.msgpack.Decoder(list[Question]).decode

Call = Callable[[bytes], Coroutine[None, None, bytes]]


class RemoteAnswerer:
    """Answerer over `call`, which takes a MessagePack list of Question and returns one of Answer.

    Answers are kept by tenant and exact question (case and spaces aside), and used as long as the
    tenant is at the knowledge version they were given in; small talk rests on none.
    """

    def __init__(
        self, call: Call, version: Callable[[str], int | None], *, has_effects: bool, timeout_s: float
    ) -> None:
        """`version`: the newest knowledge version of a tenant as far as it is known, without I/O."""
        self.has_effects = has_effects
        self._call = call
        self._version = version
        self._timeout_s = timeout_s
        self._batcher = Batcher(self._answer_batch, max_items=_MAX_QUESTIONS, width=_CALLS)
        self._cache: dict[tuple[str, str, bool], Answer] = {}

    def cached(self, question: Question) -> Answer | None:
        answer = self._cache.get(_key(question))
        if answer is None or answer.kind in _OF_NO_VERSION:
            return answer
        return answer if answer.knowledge_version == self._version(question.tenant) else None

    async def answer(self, question: Question) -> Answer:
        answer = await self._batcher.submit(question)
        if not answer.learning:
            key = _key(question)
            self._cache.pop(key, None)  # what is kept anew counts as the newest
            if len(self._cache) >= CACHE:
                del self._cache[next(iter(self._cache))]  # the oldest
            self._cache[key] = msgspec.structs.replace(answer, answer_us=0)
        return answer

    async def _answer_batch(self, questions: list[Question]) -> list[Answer | BaseException]:
        try:
            answers = await asyncio.wait_for(self._call(encode(questions)), self._timeout_s)
        except Exception as error:
            raise AnswererUnavailable(
                f"no answer within {self._timeout_s:g} s ({type(error).__name__}); retry with the same key",
                retry_after_s=1,
            ) from error
        return [*decode_answers(answers)]


def _key(question: Question) -> tuple[str, str, bool]:
    return question.tenant, " ".join(question.text.split()).casefold(), question.person_offered
