"""Provider `local`: a transformers model on this machine, streamed token by token from a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from llm.local_model import Job, LocalModel, Stopped
from llm.provider import End, ProviderCall, ProviderChunk, ProviderFailed, Text

_Tell = Callable[[Text | End | ProviderFailed], None]
_Outcome = End | ProviderFailed | None


class Local:
    """The model in `folder`. It is loaded by the first call, or by `load`; nothing is ever downloaded.

    Providers of the same folder share one model in memory, which goes when the last of them is closed. It writes
    one reply at a time; `waiting` more calls may queue up, and the next one is refused with `busy`. Other errors:
    `timeout`, `bad_model`, `prompt_too_long` and `crashed`. Tools are not offered to the model, and a JSON schema
    does not bind it.
    """

    def __init__(self, name: str, folder: str | Path, *, model: str = "", waiting: int = 8, threads: int = 0) -> None:
        """`model`: what it is called in records, the folder's name if empty. `threads`: of torch; 0: half of the
        cores; those of whoever loads the folder first."""
        path = Path(folder).resolve()
        self.name = name
        self.model = model or path.name
        self._waiting = waiting
        self._engine: _Engine | None = _engine(path, threads)

    async def load(self) -> None:
        """Load it now. Raises ProviderFailed."""
        await asyncio.wrap_future(self._open().load())

    async def stream(self, call: ProviderCall) -> AsyncIterator[ProviderChunk]:
        engine = self._open()
        if engine.jobs > self._waiting:
            raise ProviderFailed("busy", f"local model {self.model}: {engine.jobs} calls before this one", healthy=True)
        loop = asyncio.get_running_loop()
        said: asyncio.Queue[Text | End | ProviderFailed] = asyncio.Queue()

        def tell(what: Text | End | ProviderFailed) -> None:
            """Called in the model's thread."""
            try:
                loop.call_soon_threadsafe(said.put_nowait, what)
            except RuntimeError:  # the loop was closed with the call in flight
                job.cancelled.set()

        job = Job(call, tell)
        future = engine.run(job, tell)
        late = ProviderFailed("timeout", f"local model {self.model}: not done after {call.timeout_s:.1f} s")
        timer = loop.call_later(call.timeout_s, said.put_nowait, late)
        try:
            while not isinstance(chunk := await said.get(), End):
                if isinstance(chunk, ProviderFailed):
                    raise chunk
                yield chunk
            yield chunk
        finally:
            timer.cancel()
            job.cancelled.set()
            future.cancel()

    async def close(self) -> None:
        self._engine = None

    def _open(self) -> _Engine:
        if self._engine is None:
            raise ProviderFailed("bad_model", f"local model {self.model}: the provider was closed")
        return self._engine


class _Engine:
    """One folder's model and the thread that loads and runs it."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder, self._threads = folder, threads
        self._model: LocalModel | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"local-model-{folder.name}")
        self._lock = Lock()
        self.jobs = 0  # running and waiting

    def load(self) -> Future[LocalModel]:
        return self._executor.submit(self._loaded)

    def run(self, job: Job, tell: _Tell) -> Future[_Outcome]:
        """Queue it. Its outcome is told when the thread is free again."""
        with self._lock:
            self.jobs += 1
        future = self._executor.submit(self._outcome, job)
        future.add_done_callback(lambda done: self._done(done, tell))
        return future

    def _done(self, future: Future[_Outcome], tell: _Tell) -> None:
        with self._lock:
            self.jobs -= 1
        if not future.cancelled() and (outcome := future.result()) is not None:
            tell(outcome)

    def _outcome(self, job: Job) -> _Outcome:
        """None if nobody waits for it any more: its caller has left, or had its own clock tell it."""
        try:
            return None if job.over else self._loaded().generate(job)
        except Stopped:
            return None
        except ProviderFailed as failed:
            return failed
        except Exception as error:  # torch raises what it likes, and the thread must live on
            return ProviderFailed("crashed", f"local model {self._folder.name}: {type(error).__name__}: {error}")

    def _loaded(self) -> LocalModel:
        """A folder that could not be loaded is tried again: somebody may have put it right."""
        if self._model is None:
            self._model = LocalModel(self._folder, self._threads)
        return self._model


_engines: WeakValueDictionary[Path, _Engine] = WeakValueDictionary()


def _engine(folder: Path, threads: int) -> _Engine:
    """The one of this folder, for as long as somebody has it."""
    engine = _engines.get(folder)
    if engine is None:
        engine = _engines[folder] = _Engine(folder, threads)
    return engine
