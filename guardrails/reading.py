"""A tenant's guardrails, from the YAML or JSON an operator writes; all mistakes are told at once, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from documents.composing import compose
from documents.hints import known_are
from documents.nodes import Entries, Items, Node, Scalar, is_empty
from documents.problems import Problems
from guardrails.policy import DEFAULTS, PLACES, SETTINGS, Guardrails, Setting
from schemas.findings import Place

MAX_CHARACTERS = 65_536
_MAX_HOSTS, _MAX_PHRASES, _MAX_PHRASE = 1_000, 1_000, 200
_LANGUAGE = re.compile(r"\*|[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}|localhost")


def read(text: str, *, source: str = "guardrails") -> Guardrails:
    """Raises InvalidDefinition, whose message has a line for each mistake: `source:line:column: what`."""
    problems = Problems(source)
    if len(text) > MAX_CHARACTERS:
        raise problems.stop((1, 1), f"this has {len(text):,} characters, more than {MAX_CHARACTERS:,}; shorten it")
    rules = _Reader(problems).guardrails(compose(text, problems))
    problems.raise_any()
    return rules


class _Reader:
    """Walks the document's nodes, and notes mistakes instead of stopping at the first."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def guardrails(self, root: Node) -> Guardrails:
        places: dict[Place, dict[str, Setting]] = {}
        hosts: tuple[str, ...] = ()
        forbidden: dict[str, tuple[str, ...]] = {}
        for key, node in self._pairs(root, "the document", (*PLACES, "link_hosts", "forbidden")):
            if key == "link_hosts":
                hosts = tuple(self._hosts(node))
            elif key == "forbidden":
                forbidden = {
                    language: tuple(self._phrases(phrases, language))
                    for language, phrases in self._pairs(node, "forbidden", None)
                }
            else:
                place = cast(Place, key)
                places[place] = dict(self._settings(node, place))
        return Guardrails(places, hosts, forbidden)

    def _settings(self, node: Node, place: Place) -> Iterator[tuple[str, Setting]]:
        for rule, value in self._pairs(node, place, tuple(DEFAULTS[place])):
            # YAML reads a bare `off` as false, so the word itself is looked at.
            word = value.text if isinstance(value, Scalar) else None
            if word in SETTINGS:
                yield rule, word
            else:
                shown = repr(word) if word is not None else "a list or mapping"
                self._problems.add(value.at, f"{place}.{rule} is {shown}; write one of {', '.join(SETTINGS)}")

    def _hosts(self, node: Node) -> Iterator[str]:
        for item, host in self._words(node, "link_hosts", _MAX_HOSTS):
            name = host.strip().lower().removeprefix("*.").rstrip(".")
            try:
                name = name.encode("idna").decode() if not name.isascii() else name
            except UnicodeError:
                name = ""
            if _HOST.fullmatch(name):
                yield name
            else:
                why = f"link_hosts has {host[:80]!r}; write a host such as shop.example.com, without https://"
                self._problems.add(item.at, why)

    def _phrases(self, node: Node, language: str) -> Iterator[str]:
        if not _LANGUAGE.fullmatch(language):
            self._problems.add(
                node.at, f"forbidden has the language {language[:20]!r}; write en, zh, another code, or *"
            )
        for item, phrase in self._words(node, f"forbidden.{language}", _MAX_PHRASES):
            if 0 < len(phrase.strip()) <= _MAX_PHRASE:
                yield phrase.strip()
            else:
                self._problems.add(
                    item.at, f"a forbidden phrase has 1 to {_MAX_PHRASE} characters, this one {len(phrase)}"
                )

    def _words(self, node: Node, what: str, limit: int) -> Iterator[tuple[Node, str]]:
        if is_empty(node):
            return
        if not isinstance(node, Items):
            self._problems.add(node.at, f"{what} must be a list")
            return
        if len(node.items) > limit:
            self._problems.add(node.at, f"{what} has {len(node.items):,} items, more than {limit:,}")
        for item in node.items[:limit]:
            if isinstance(item, Scalar):
                yield item, item.text
            else:
                self._problems.add(item.at, f"{what} holds something that is not text")

    def _pairs(self, node: Node, what: str, known: tuple[str, ...] | None) -> Iterator[tuple[str, Node]]:
        if is_empty(node):
            return
        if not isinstance(node, Entries):
            self._problems.add(node.at, f"{what} must be a mapping of names to values")
            return
        for key, value in node.pairs():
            if known is None or key.text in known:
                yield key.text, value
            else:
                self._problems.add(key.at, f"{what} has no {key.text[:60]!r}{known_are(key.text, known)}")
