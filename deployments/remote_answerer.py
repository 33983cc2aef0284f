"""Answers from knowledge as a session host sees them: an exact-question cache in front of the gateway deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import msgspec

from events.batching import Batcher
from schemas.answers import Answer, Question
from schemas.errors import AnswererUnavailable

CACHE = 20_000  # answers
DRAFTS = 2_000  # answers to what is being typed
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
        self._drafts: dict[_Key, Answer] = {}  # apart, so that what is typed does not drive out what is asked
        self._asking: dict[_Key, asyncio.Future[Answer]] = {}

    def cached(self, question: Question) -> Answer | None:
        key = _key(question)
        answer = self._cache.get(key) or self._drafts.get(key)
        if answer is None or answer.kind in _OF_NO_VERSION:
            return answer
        if answer.knowledge_version != self._version(question.tenant):
            return None
        return answer if answer.rules_version == self._rules_version(question.tenant) else None

    async def answer(self, question: Question) -> Answer:
        return await self._joined(question, self._cache, CACHE)

    async def prepare(self, question: Question) -> None:
        await self._joined(question, self._drafts, DRAFTS)

    async def _joined(self, question: Question, kept: dict[_Key, Answer], most: int) -> Answer:
        key = _key(question)
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._asked(question, key, kept, most))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _asked(self, question: Question, key: _Key, kept: dict[_Key, Answer], most: int) -> Answer:
        answer = await self._batcher.submit(question)
        if not answer.learning:
            kept.pop(key, None)  # what is kept anew counts as the newest
            if len(kept) >= most:
                del kept[next(iter(kept))]  # the oldest
            kept[key] = msgspec.structs.replace(answer, answer_us=0)
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
