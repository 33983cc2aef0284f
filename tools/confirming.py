"""What the customer is asked before a tool is called: a text with `{{ arguments.x }}` where an argument goes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tools.results import cleaned

_HOLE = re.compile(r"\{\{\s*arguments\.([A-Za-z0-9_]{1,64}(?:\.[A-Za-z0-9_]{1,64}){0,7})\s*\}\}")
_BRACES = re.compile(r"\{\{.*?\}\}|\{\{|\}\}", re.DOTALL)
_LONGEST = 200


def holes(text: str) -> list[tuple[str, ...]]:
    """The paths of the arguments in it. ValueError for braces that are no such hole."""
    for braces in _BRACES.findall(text):
        if not _HOLE.fullmatch(braces):
            raise ValueError(f"{braces[:60]!r} is not of the form {{{{ arguments.name }}}}")
    return [tuple(path.split(".")) for path in _HOLE.findall(text)]


def question(confirm: Mapping[str, str], language: str, arguments: Mapping[str, Any]) -> str:
    """In the language, or one there is; empty if nothing needs to be asked. A missing argument shows as a dash."""
    text = confirm.get(language) or confirm.get("en") or next(iter(confirm.values()), "")
    return _HOLE.sub(lambda hole: _shown(arguments, hole[1].split(".")), text)


def _shown(arguments: Any, path: list[str]) -> str:
    for name in path:
        arguments = arguments.get(name) if isinstance(arguments, Mapping) else None
    if arguments is None:
        return "–"
    if isinstance(arguments, float) and arguments.is_integer():
        arguments = int(arguments)
    # On one line: whoever wrote the argument must not be able to write a second question.
    text = " ".join(cleaned(str(arguments)).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
