"""Fixtures of every test folder. Unit, contract and integration tests never start Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "kit",
    "store_contract",
    "knowledge_contract",
    "knowledge_queries_contract",
    "definitions_contract",
    "usage_contract",
)

from kit.server import Databases, open_folder  # noqa: E402

from bench.running import Running, running  # noqa: E402
from events.embedded import EmbeddedPostgres  # noqa: E402
from schemas.ids import Snowflake  # noqa: E402

_WITHOUT_RAY = {"unit", "contract", "integration"}


@pytest.fixture(autouse=True)
def no_ray(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast test that starts a cluster is in the wrong folder."""
    if not _WITHOUT_RAY & set(request.path.parts):
        return
    import ray

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("ray.init is forbidden in unit, contract and integration tests")

    monkeypatch.setattr(ray, "init", refuse)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """One embedded Postgres for the whole run. Tests that stop it use `own_server`."""
    with open_folder() as folder:
        postgres = EmbeddedPostgres(folder)
        postgres.start()
        yield postgres
        postgres.stop()


@pytest.fixture(scope="session")
def databases(server: EmbeddedPostgres) -> Databases:
    return Databases(server.url)


@pytest.fixture(scope="session")
def shared_database(databases: Databases) -> str:
    """URL of one migrated database for tests that tell their rows apart by fresh session ids."""
    return databases.migrated()


@pytest.fixture
def database(databases: Databases) -> str:
    """URL of a migrated database of the test's own."""
    return databases.migrated()


@pytest.fixture
def empty_database(databases: Databases) -> str:
    """URL of a database in which nothing was migrated."""
    return databases.empty()


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """An empty folder for a server of the test's own."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def own_server(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server that the test may stop and kill; it runs and is not migrated."""
    postgres = EmbeddedPostgres(server_folder)
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture(scope="session")
def new_id() -> Snowflake:
    """Fresh session ids, different in the whole run: call `new_id.next()`."""
    return Snowflake(worker=1)


@pytest.fixture(scope="session")
def kefu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One whole Kefu for serve/ and browser/: Postgres, Ray, Serve, HAProxy, started as a user starts it.

    It may crawl sites of this machine.
    """
    allowed = {"KEFU_CRAWL_ALLOW": "127.0.0.1"}
    with running(tmp_path_factory.mktemp("kefu"), "--no-dashboard", env=allowed) as instance:
        yield instance
