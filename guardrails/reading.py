"""A tenant's guardrails, from the YAML or JSON an operator writes; all mistakes are told at once, with their places."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import cast

import yaml

from guardrails.policy import DEFAULTS, PLACES, SETTINGS, Guardrails, Setting
from schemas.errors import InvalidDefinition
from schemas.findings import Place

MAX_CHARACTERS = 65_536
_MAX_HOSTS, _MAX_PHRASES, _MAX_PHRASE = 1_000, 1_000, 200
_TOLD = 50
_LANGUAGE = re.compile(r"\*|[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}|localhost")


def read(text: str, *, source: str = "guardrails") -> Guardrails:
    """Raises InvalidDefinition, whose message has a line for each mistake: `source:line:column: what`."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidDefinition(f"{source}: has {len(text):,} characters, more than {MAX_CHARACTERS:,}; shorten it")
    try:
        # JSON may be indented with tabs, which YAML does not allow; neither allows them bare inside a string.
        root = yaml.compose(text.replace("\t", " ") if text.lstrip()[:1] == "{" else text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise InvalidDefinition(f"{source}{place}: is not YAML or JSON: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidDefinition(f"{source}: is not YAML or JSON: {error}") from None
    except RecursionError:
        raise InvalidDefinition(f"{source}: is nested too deeply; guardrails need three levels") from None
    reader = _Reader(source)
    rules = reader.guardrails(root)
    if reader.mistakes:
        more = len(reader.mistakes) - _TOLD
        told = [*reader.mistakes[:_TOLD], *([f"{source}: and {more} more mistakes"] if more > 0 else [])]
        raise InvalidDefinition("\n".join(told))
    return rules


class _Reader:
    """Walks the document's nodes, and remembers mistakes instead of stopping at the first."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.mistakes: list[str] = []

    def guardrails(self, root: yaml.Node | None) -> Guardrails:
        places: dict[Place, dict[str, Setting]] = {}
        hosts: tuple[str, ...] = ()
        forbidden: dict[str, tuple[str, ...]] = {}
        if root is None or _empty(root):
            return Guardrails()
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

    def _settings(self, node: yaml.Node, place: Place) -> Iterator[tuple[str, Setting]]:
        for rule, value in self._pairs(node, place, tuple(DEFAULTS[place])):
            # YAML reads a bare `off` as false, so the word itself is looked at.
            word = value.value if isinstance(value, yaml.ScalarNode) else None
            if word in SETTINGS:
                yield rule, cast(Setting, word)
            else:
                shown = repr(word) if word is not None else "a list or mapping"
                self._wrong(value, f"{place}.{rule} is {shown}; write one of {', '.join(SETTINGS)}")

    def _hosts(self, node: yaml.Node) -> Iterator[str]:
        for item, host in self._words(node, "link_hosts", _MAX_HOSTS):
            name = host.strip().lower().removeprefix("*.").rstrip(".")
            try:
                name = name.encode("idna").decode() if not name.isascii() else name
            except UnicodeError:
                name = ""
            if _HOST.fullmatch(name):
                yield name
            else:
                self._wrong(
                    item, f"link_hosts has {host[:80]!r}; write a host such as shop.example.com, without https://"
                )

    def _phrases(self, node: yaml.Node, language: str) -> Iterator[str]:
        if not _LANGUAGE.fullmatch(language):
            self._wrong(node, f"forbidden has the language {language[:20]!r}; write en, zh, another code, or *")
        for item, phrase in self._words(node, f"forbidden.{language}", _MAX_PHRASES):
            if 0 < len(phrase.strip()) <= _MAX_PHRASE:
                yield phrase.strip()
            else:
                self._wrong(item, f"a forbidden phrase has 1 to {_MAX_PHRASE} characters, this one {len(phrase)}")

    def _words(self, node: yaml.Node, what: str, limit: int) -> Iterator[tuple[yaml.Node, str]]:
        if _empty(node):
            return
        if not isinstance(node, yaml.SequenceNode):
            self._wrong(node, f"{what} must be a list")
            return
        if len(node.value) > limit:
            self._wrong(node, f"{what} has {len(node.value):,} items, more than {limit:,}")
        for item in node.value[:limit]:
            if isinstance(item, yaml.ScalarNode):
                yield item, str(item.value)
            else:
                self._wrong(item, f"{what} holds something that is not text")

    def _pairs(self, node: yaml.Node, what: str, known: tuple[str, ...] | None) -> Iterator[tuple[str, yaml.Node]]:
        if _empty(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, f"{what} must be a mapping of names to values")
            return
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if not name:
                self._wrong(key, f"{what} has a key that is not a name")
            elif name in seen:
                self._wrong(key, f"{name!r} is set twice in {what}; keep one")
            elif known is not None and name not in known:
                self._wrong(key, f"{what} has no {name[:60]!r}{_near(name, known)}")
            else:
                seen.add(name)
                yield name, value

    def _wrong(self, node: yaml.Node, what: str) -> None:
        mark = node.start_mark
        self.mistakes.append(f"{self._source}:{mark.line + 1}:{mark.column + 1}: {what}")


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:60], known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; it knows {', '.join(known)}"
