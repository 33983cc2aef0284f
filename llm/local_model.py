"""A transformers text-generation model from a local folder: loading it, its prompt, one generation at a time.

Everything here blocks, and is called in the one thread that belongs to the model. torch and transformers are
imported when a model is first loaded: they take seconds and hundreds of megabytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from llm.detokenising import Detokeniser, StopAt
from llm.provider import End, ProviderCall, ProviderFailed, Text
from schemas.models import Message, Usage

BAD_MODEL = "bad_model"
TOO_LONG = "prompt_too_long"
_ROLES = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}
_UNASKED_TOKENS = 1_024  # of a reply, if the caller sets no limit


class Stopped(Exception):
    """The caller has left or the deadline has passed: nobody waits for this generation."""


class Job:
    """One generation as its caller and the model's thread share it. `give` is called in that thread."""

    def __init__(self, call: ProviderCall, give: Callable[[Text], None]) -> None:
        self.call = call
        self.give = give
        self.deadline = monotonic() + call.timeout_s
        self.cancelled = Event()

    @property
    def over(self) -> bool:
        return self.cancelled.is_set() or monotonic() > self.deadline


class LocalModel:
    """The loaded model."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Takes seconds to minutes. `threads`: of torch, for one operation; 0: half of the cores.

        Raises ProviderFailed if the folder is not there or holds no whole causal language model.
        """
        if not (folder / "config.json").is_file():
            raise ProviderFailed(BAD_MODEL, f"local model: {folder} is no folder with a config.json; {_WANTED}")
        import torch

        transformers: Any = import_module("transformers")
        transformers.utils.logging.disable_progress_bar()
        # OpenMP keeps this by thread, and this thread is the model's.
        torch.set_num_threads(threads or max(1, (os.cpu_count() or 2) // 2))
        self._torch = torch
        self._tokenizer, self._model = _load(transformers, folder)
        self._model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
        self._criteria = transformers.StoppingCriteriaList
        self._special = tuple(
            token.content for token in self._tokenizer.added_tokens_decoder.values() if token.special and token.content
        )
        config = self._model.generation_config
        stops = config.eos_token_id if config.eos_token_id is not None else self._tokenizer.eos_token_id
        self._eos = [] if stops is None else stops if isinstance(stops, list) else [stops]
        self._job: Job | None = None
        self._watch_layers()

    def _watch_layers(self) -> None:
        """A long prompt takes one pass of many seconds: each layer looks whether anybody still waits for it."""

        def look(*_: object) -> None:
            if self._job is not None and self._job.over:
                raise Stopped

        names = set(self._model._no_split_modules or ())
        for module in self._model.modules():
            if type(module).__name__ in names:
                module.register_forward_pre_hook(look)

    def generate(self, job: Job) -> End:
        """Gives Texts and returns the End. Raises Stopped, or ProviderFailed if the prompt does not fit."""
        call = job.call
        prompt, stops = self._prompt(call.messages)
        ids = self._tokenizer(prompt, add_special_tokens=not self._tokenizer.chat_template, return_tensors="pt")
        size = ids["input_ids"].shape[1]
        limit = min(call.max_tokens or _UNASKED_TOKENS, self._context() - size)
        if limit < 1:
            raise ProviderFailed(
                TOO_LONG, f"local model: a prompt of {size} tokens fills its context of {self._context()}", healthy=True
            )
        written = _Written(job, Detokeniser(self._decode), StopAt(stops), frozenset(self._eos))
        self._job = job
        try:
            self._model.generate(
                **ids.to(self._model.device),
                **self._sampling(call.temperature),
                max_new_tokens=limit,
                eos_token_id=self._eos or None,
                pad_token_id=self._eos[0] if self._eos else 0,
                streamer=written,
                stopping_criteria=self._criteria([self._criterion(written)]),
            )
        finally:
            self._job = None
        if job.over:
            raise Stopped
        written.finish()
        return End(written.reason, Usage(size, written.tokens))

    def _criterion(self, written: _Written) -> Callable[..., Any]:
        torch = self._torch

        def stop(input_ids: Any, scores: Any, **_: Any) -> Any:
            over = written.stopped or written.job.over
            return torch.full((input_ids.shape[0],), over, dtype=torch.bool, device=input_ids.device)

        return stop

    def _sampling(self, temperature: float | None) -> dict[str, Any]:
        if temperature is None:
            return {}
        if temperature == 0:
            return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        return {"do_sample": True, "temperature": temperature}

    def _context(self) -> int:
        config = self._model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 0) or 1 << 30)

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _prompt(self, messages: Sequence[Message]) -> tuple[str, tuple[str, ...]]:
        """The prompt's text, and the strings at which the model has begun to write somebody else's turn."""
        turns = [{"role": each.role, "content": self._defused(_content(each))} for each in messages]
        if not self._tokenizer.chat_template:
            return plain_prompt(turns), tuple(f"\n{name}:" for name in _ROLES.values())
        from jinja2 import TemplateError

        for attempt in (turns, merged(turns)):
            try:
                return self._tokenizer.apply_chat_template(attempt, tokenize=False, add_generation_prompt=True), ()
            except TemplateError as error:
                reason = error
        raise ProviderFailed(BAD_MODEL, f"local model: its chat template refuses the conversation: {reason}")

    def _defused(self, text: str) -> str:
        """Without the tokenizer's control tokens: written by a customer or a document, they could end their own turn
        and begin the system's."""
        before = ""
        while before != text:
            before = text
            for token in self._special:
                text = text.replace(token, "")
        return text


class _Written:
    """What has been written of one reply; generate() calls it a streamer."""

    def __init__(self, job: Job, detokeniser: Detokeniser, stop: StopAt, eos: frozenset[int]) -> None:
        self.job = job
        self.tokens = 0
        self._detokeniser, self._stop, self._eos = detokeniser, stop, eos
        self._prompt_seen = False
        self._ended = False

    @property
    def stopped(self) -> bool:
        return self._stop.stopped

    @property
    def reason(self) -> str:
        return "stop" if self._ended or self.stopped else "length"

    def put(self, ids: Any) -> None:
        """The prompt first, then the new tokens, one at a time."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        for token in ids.reshape(-1).tolist():
            self.tokens += 1
            self._ended = token in self._eos
            if not self._ended:
                self._give(self._stop.feed(self._detokeniser.feed(token)))

    def end(self) -> None:
        """generate() is done, for whatever reason."""

    def finish(self) -> None:
        self._give(self._stop.feed(self._detokeniser.end()) + self._stop.end())

    def _give(self, text: str) -> None:
        if text and not self.job.over:
            self.job.give(Text(text))


def plain_prompt(turns: Sequence[dict[str, str]]) -> str:
    """For models without a chat template: each turn under its role. Nobody can write another's role into their own
    turn: it would not stand at the beginning of a line."""
    written = []
    for turn in turns:
        content = turn["content"]
        for name in _ROLES.values():
            content = content.replace(f"\n{name}:", f"\n {name}:")
        written.append(f"{_ROLES[turn['role']]}: {content}")
    return "\n\n".join([*written, f"{_ROLES['assistant']}:"])


def merged(turns: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """User and assistant in turn, as strict chat templates want it: what others say becomes the user's words."""
    result: list[dict[str, str]] = []
    for turn in turns:
        role = "assistant" if turn["role"] == "assistant" else "user"
        if result and result[-1]["role"] == role:
            result[-1] = {"role": role, "content": f"{result[-1]['content']}\n\n{turn['content']}"}
        elif result or role == "user":
            result.append({"role": role, "content": turn["content"]})
    return result


def _content(message: Message) -> str:
    """Words and tool calls as text; this provider offers no tools, but the conversation may have seen some."""
    calls = [json.dumps({"name": call.name, "arguments": call.arguments}) for call in message.tool_calls]
    return "\n".join([message.content, *calls] if message.content else calls)


_WANTED = "give it the folder of a transformers causal language model, as save_pretrained() writes it"


def _load(transformers: Any, folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model, with no network and no code from the folder."""
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model, found = transformers.AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, dtype="auto", output_loading_info=True
        )
    except Exception as error:  # whatever a broken file makes the libraries raise
        reason = f"{type(error).__name__}: {str(error).strip()[:300]}"
        raise ProviderFailed(BAD_MODEL, f"local model: {folder} cannot be loaded ({reason}); {_WANTED}") from error
    if missing := sorted(found["missing_keys"]):
        # transformers would go on with random weights.
        raise ProviderFailed(
            BAD_MODEL, f"local model: {folder} lacks the weights of {len(missing)} parts, {missing[0]} first; {_WANTED}"
        )
    return tokenizer, model
