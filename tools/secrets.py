"""Where the keys come from that go to a tool's endpoint: named in declarations, never written there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

Secrets = Callable[[str, str], str | None]
"""(tenant, name) to the secret, None if there is none; the name as it stands in `${name}`."""

PREFIX = "KEFU_TOOL_"
NAMED = re.compile(r"\$\{([^{}]*)\}")
NAME = re.compile(rf"{PREFIX}[A-Z0-9_]{{1,100}}|file:[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LONGEST = 8_000
_SHORTEST = 4
# Shapes of well-known keys, and what long random text looks like. For telling a person, not for certainty.
_KEY = re.compile(
    r"(?i)\b(?:bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{8,}|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}|\bgh[pousr]_\w{20,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]{10,}\.[\w-]+|\b[0-9a-fA-F]{32,}\b"
)
_KEY_NAME = re.compile(r"(?i)^(?:proxy-)?authorization$|^cookie$|(?:^|[-_.])(?:api[-_]?key|token|secret|password|sig)$")


def secrets_from(env: Mapping[str, str] = os.environ, folder: Path | None = None) -> Secrets:
    """`${KEFU_TOOL_X}` is that environment variable, for every tenant; `${file:x}` is the file <folder>/<tenant>/x.

    No other variable can be named: whoever may declare tools must not be able to send the process's own keys to
    themselves. A file's last line break is not part of it.
    """

    def read(tenant: str, name: str) -> str | None:
        if not NAME.fullmatch(name):
            return None
        if not name.startswith("file:"):
            return env.get(name)
        if folder is None or not _TENANT.fullmatch(tenant):
            return None
        try:
            with (folder / tenant / name.removeprefix("file:")).open("rb") as file:
                return file.read(_LONGEST).decode().rstrip("\r\n")
        except (OSError, UnicodeError):
            return None

    return read


def names_in(value: str) -> list[str]:
    """The secrets that a header's value names. ValueError if something in it looks like one and is none."""
    names: list[str] = NAMED.findall(value)
    for name in names:
        if not NAME.fullmatch(name):
            raise ValueError(f"${{{name[:60]}}} must be ${{{PREFIX}NAME}} or ${{file:name}}")
    if "${" in NAMED.sub("", value):
        raise ValueError("has a ${ that is not closed")
    return names


def looks_secret(name: str, value: str) -> bool:
    """Whether a header or a query parameter seems to carry a key that somebody wrote out."""
    rest = NAMED.sub("", value)
    return bool(_KEY.search(rest)) or bool(_KEY_NAME.search(name) and not NAMED.search(value) and value)


def filled(value: str, tenant: str, secrets: Secrets) -> tuple[str, list[str]]:
    """The value with its secrets, and the secrets. ValueError, which quotes none, if one is missing or unusable."""
    used = []

    def secret(match: re.Match[str]) -> str:
        found = secrets(tenant, match[1])
        if not found:
            raise ValueError(f"the secret ${{{match[1]}}} is not there; set it where Kefu runs")
        if len(found) < _SHORTEST or len(found) >= _LONGEST or not found.isascii() or not found.isprintable():
            raise ValueError(
                f"the secret ${{{match[1]}}} is not {_SHORTEST} or more characters of plain ASCII on a line"
            )
        used.append(found)
        return found

    return NAMED.sub(secret, value), used
