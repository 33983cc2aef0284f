"""Addresses of endpoints, with `{name}` where an argument goes: always one piece of the path or of the query. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from fetching.addresses import checked
from fetching.errors import FetchRefused
from tools.secrets import looks_secret

KEY = "idempotency_key"
"""The hole of `reconcile` that the call's key goes into."""

_HOLE = re.compile(r"\{([A-Za-z0-9_]{1,64})\}")
_LONGEST = 2_000


class BadUrlArgument(ValueError):
    """An argument that an address cannot carry."""


def holes(template: str) -> list[str]:
    """The arguments it names. ValueError if it is no address that may be called."""
    names = _HOLE.findall(template)
    if "{" in (rest := _HOLE.sub("x", template)) or "}" in rest:
        raise ValueError("has a brace that is not part of {name}")
    if len(template) > _LONGEST:
        raise ValueError(f"is over {_LONGEST} characters long")
    scheme, separator, after = template.partition("://")
    if "{" in scheme or (separator and "{" in re.split(r"[/?#]", after)[0]):
        raise ValueError("must name its host itself: arguments go into the path and the query")
    if "#" in template:
        raise ValueError("has a fragment, which is never sent")
    try:
        url = checked(rest)
    except FetchRefused as error:
        raise ValueError(error.detail) from None
    for name, value in httpx.QueryParams(url.query).multi_items():
        if looks_secret(name, value) and value != "x":
            raise ValueError(f"seems to carry a key in {name!r}; send it in a header, as a ${{secret}}")
    return names


def filled(template: str, arguments: Mapping[str, Any]) -> str:
    """The address. BadUrlArgument names an argument that is no plain value, or would change the path."""
    url = _HOLE.sub(lambda hole: quote(_text(hole[1], arguments.get(hole[1])), safe=""), template)
    path = re.split(r"[?#]", url.partition("://")[2])[0]
    if {".", ".."} & set(path.split("/")[1:]):
        raise BadUrlArgument("arguments make the path point elsewhere")
    return url


def with_query(url: str, arguments: Mapping[str, Any]) -> str:
    """The address with arguments in its query, in their order; a list gives its name once for each item."""
    pairs = [
        (name, _text(name, each))
        for name, value in arguments.items()
        if value is not None
        for each in (value if isinstance(value, list) else [value])
    ]
    if not pairs:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if not isinstance(value, str):
        raise BadUrlArgument(f"$.{name}: must be text, a number or a truth value to go into an address")
    if not value or len(value) > _LONGEST:
        raise BadUrlArgument(f"$.{name}: must have 1 to {_LONGEST} characters to go into an address")
    return value


def path_names(template: str, among: Collection[str]) -> frozenset[str]:
    return frozenset(_HOLE.findall(template)) & frozenset(among)
