"""Keys: where they are found, that they rotate, that they are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.provider import ProviderFailed
from llm.routes import ProviderTerms
from llm.secrets import Secrets


def terms(env: str = "", file: str = "") -> ProviderTerms:
    return ProviderTerms(name="cloud", kind="openai", key_env=env, key_file=file)


def test_from_the_environment_as_it_is_now() -> None:
    env = {"A_KEY": "one"}
    secrets = Secrets(env)
    assert secrets.key(terms("A_KEY")) == "one"
    env["A_KEY"] = "two\n"
    assert secrets.key(terms("A_KEY")) == "two"
    assert secrets.key(terms()) == ""


def test_from_a_file_that_changes(tmp_path: Path) -> None:
    now = 0.0
    secrets = Secrets({}, [tmp_path], monotonic=lambda: now)
    path = tmp_path / "cloud.key"
    path.write_text("one\n")
    assert secrets.key(terms(file="cloud.key")) == "one"
    (tmp_path / "next").write_text("second")
    (tmp_path / "next").replace(path)
    assert secrets.key(terms(file="cloud.key")) == "one"  # looked at once a second
    now = 1.5
    assert secrets.key(terms(file="cloud.key")) == "second"
    path.unlink()
    now = 3.0
    with pytest.raises(ProviderFailed, match="cannot be read"):
        secrets.key(terms(file="cloud.key"))
    path.write_text("third")
    assert secrets.key(terms(file="cloud.key")) == "third"


def test_a_mounted_secret_is_swapped_by_a_link(tmp_path: Path) -> None:
    """As Kubernetes does it: the file is a link into a folder that is a link."""
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "key").write_text(f"key-of-{version}")
    (tmp_path / "data").symlink_to("v1")
    (tmp_path / "key").symlink_to("data/key")
    now = 0.0
    secrets = Secrets({}, [tmp_path], monotonic=lambda: now)
    assert secrets.key(terms(file="key")) == "key-of-v1"
    (tmp_path / "new").symlink_to("v2")
    (tmp_path / "new").replace(tmp_path / "data")
    now = 2.0
    assert secrets.key(terms(file="key")) == "key-of-v2"


@pytest.mark.parametrize("name", ["../outside.key", "/etc/hostname", "missing", ".", "link"])
def test_no_file_from_elsewhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (tmp_path / "outside.key").write_text("outside")
    (folder / "link").symlink_to(tmp_path / "outside.key")
    for folders in ([folder], []):
        with pytest.raises(ProviderFailed) as caught:
            Secrets({}, folders).key(terms(file=name))
        assert caught.value.error == "no_key" and "outside\n" not in caught.value.detail


@pytest.mark.parametrize("value", ["", "  ", "two words", "schlüssel", "a\r\nX-Evil: 1", "a\x00b"])
def test_what_is_no_key(value: str) -> None:
    with pytest.raises(ProviderFailed) as caught:
        Secrets({"A_KEY": value}).key(terms("A_KEY"))
    assert "A_KEY" in caught.value.detail
    assert not value.strip() or value not in caught.value.detail


def test_a_key_is_not_shown() -> None:
    assert "one" not in repr(Secrets({"A_KEY": "one"})).replace("Secrets", "")
