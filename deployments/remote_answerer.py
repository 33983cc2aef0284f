"""Answers from knowledge as a session host sees them: an exact-question cache in front of the gateway deployment."""

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

_Key = tuple[str, str, bool, bool]

Call = Callable[[bytes], Coroutine[None, None, bytes]]


class RemoteAnswerer:
    """Answerer over `call`, which takes a MessagePack list of Question and returns one of Answer.

    Answers are kept by tenant and exact question (case and spaces aside), and used as long as the tenant
    is at the versions of knowledge and definitions they were given in; small talk rests on none. Who asks what is
    being asked already gets the same answer.
    """

    def __init__(
        self,
        call: Call,
        version: Callable[[str], int | None],
        rules_version: Callable[[str], int],
        *,
        has_effects: bool,
        timeout_s: float,
    ) -> None:
        """`version`, `rules_version`: a tenant's newest of knowledge and of definitions, as far as they are known,
        without I/O."""
        self.has_effects = has_effects
        self._call = call
        self._version = version
        self._rules_version = rules_version
        self._timeout_s = timeout_s
        self._batcher = Batcher(self._answer_batch, max_items=_MAX_QUESTIONS, width=_CALLS)
        self._cache: dict[_Key, Answer] = {}
        self._asking: dict[_Key, asyncio.Future[Answer]] = {}

    def cached(self, question: Question) -> Answer | None:
        answer = self._cache.get(_key(question))
        if answer is None or answer.kind in _OF_NO_VERSION:
            return answer
        if answer.knowledge_version != self._version(question.tenant):
            return None
        return answer if answer.rules_version == self._rules_version(question.tenant) else None

    async def answer(self, question: Question) -> Answer:
        key = _key(question)
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._asked(question, key))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _asked(self, question: Question, key: _Key) -> Answer:
        answer = await self._batcher.submit(question)
        if not answer.learning:
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


def _key(question: Question) -> _Key:
    return question.tenant, " ".join(question.text.split()).casefold(), question.person_offered, question.grounded
