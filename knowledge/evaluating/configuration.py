"""What is compared: settings of one search, as written on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from msgspec import Struct

from knowledge.evaluating.channels import Channels
from schemas.errors import InvalidRequest

_KEYS = "channels, collection, knowledge, version"
_CHANNELS: tuple[Channels, ...] = get_args(Channels)


class Configuration(Struct, frozen=True):
    """`text`: as written. `knowledge`: another file or folder. `version`: of a running Kefu's knowledge."""

    text: str
    channels: Channels = "all"
    collection: str = ""
    knowledge: Path | None = None
    version: int | None = None


def parse(text: str) -> Configuration:
    """Of "key=value,...". Raises InvalidRequest."""
    given: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value or key not in _KEYS.split(", ") or key in given:
            raise InvalidRequest(f"{text!r}: {part.strip()!r} is no setting; give key=value once each, of {_KEYS}")
        given[key] = value
    channels = next((each for each in _CHANNELS if each == given.get("channels", "all")), None)
    if channels is None:
        raise InvalidRequest(f"{text!r}: channels are one of {', '.join(_CHANNELS)}")
    version = given.get("version")
    if version is not None and not version.isdecimal():
        raise InvalidRequest(f"{text!r}: a version is a number, such as version=12; `kefu kb versions` lists them")
    return Configuration(
        text or "channels=all",
        channels,
        given.get("collection", ""),
        Path(given["knowledge"]) if "knowledge" in given else None,
        int(version) if version is not None else None,
    )
