"""Keys of providers, from the environment or from a file. They are read anew when they change, and never shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from llm.provider import ProviderFailed
from llm.routes import ProviderTerms

_LONGEST = 16_384
_CHECK_S = 1.0


class Secrets:
    """`folders`: where key files may lie; a relative name is looked for in each. With none, no file is read, so that
    a route cannot send off just any file of the machine."""

    def __init__(
        self,
        env: Mapping[str, str] = os.environ,
        folders: Sequence[Path] = (),
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self._env = env
        self._folders = [folder.resolve() for folder in folders]
        self._now = monotonic
        self._files: dict[str, _File] = {}

    def __repr__(self) -> str:
        return "Secrets(...)"

    def key(self, terms: ProviderTerms) -> str:
        """Empty if the provider needs none. Raises ProviderFailed `no_key`, which says where it was looked for."""
        if terms.key_file:
            return _checked(self._of_file(terms), f"file {terms.key_file}", terms)
        if terms.key_env:
            key = self._env.get(terms.key_env, "")
            return _checked(key, f"environment variable {terms.key_env}", terms)
        return ""

    def _of_file(self, terms: ProviderTerms) -> str:
        known = self._files.get(terms.key_file)
        if known is None:
            known = self._files[terms.key_file] = _File(self._find(terms))
        try:
            return known.read(self._now())
        except (OSError, UnicodeDecodeError) as error:
            del self._files[terms.key_file]
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise _no_key(terms, f"file {terms.key_file} cannot be read ({reason})") from None

    def _find(self, terms: ProviderTerms) -> Path:
        for folder in self._folders:
            path = (folder / terms.key_file).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return folder / terms.key_file  # unresolved: secrets are rotated by moving a link
        where = ", ".join(map(str, self._folders)) or "no folder is set up for keys"
        raise _no_key(terms, f"no file {terms.key_file} in {where}")


class _File:
    """One key file, read again when it is another one or has changed; it is looked at once a second at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._looked_at = 0.0
        self._text = ""

    def read(self, now: float) -> str:
        if self._seen is not None and now - self._looked_at < _CHECK_S:
            return self._text
        status = self._path.stat()
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            with self._path.open(encoding="utf-8") as file:
                self._text = file.read(_LONGEST).strip()
            self._seen = seen
        self._looked_at = now
        return self._text


def _checked(key: str, where: str, terms: ProviderTerms) -> str:
    key = key.strip()
    if not key:
        raise _no_key(terms, f"{where} is not set")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise _no_key(terms, f"{where} does not hold a key, which is one word of ASCII")
    return key


def _no_key(terms: ProviderTerms, why: str) -> ProviderFailed:
    # The provider was never asked, so this says nothing about it.
    return ProviderFailed("no_key", f"provider {terms.name}: {why}", healthy=True)
