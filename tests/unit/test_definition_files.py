"""Definitions from files: what changes and can be used is taken, once; nothing else changes anything."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.definitions import CountingReaders, Outages, compilers

from deployments.flow_files import DefinitionFiles, seed

T = "shop"


@pytest.fixture
def store() -> Outages:
    return Outages()


@pytest.fixture
def readers() -> CountingReaders:
    return CountingReaders()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    return tmp_path


@pytest.fixture
def start(store: Outages, readers: CountingReaders, folder: Path) -> Callable[[], DefinitionFiles]:
    return lambda: DefinitionFiles(folder, store, T, compilers(readers), lambda: 1, settle_s=0.002)


@pytest.fixture
def files(start: Callable[[], DefinitionFiles]) -> DefinitionFiles:
    return start()


async def taken(files: DefinitionFiles) -> list[str]:
    return [f"{put.kind} {put.name} {put.version} {put.by}" for put in await files.scan()]


async def body(store: Outages, kind: str, name: str = "") -> str:
    found = await store.get(T, kind, name)  # type: ignore[no-untyped-call]
    return "" if found is None else found.body.decode()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was logged as an error or a warning since it was last asked for."""
    caplog.set_level(logging.WARNING, "kefu.definitions")

    def since() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return since


async def test_no_folder_and_an_empty_one(files: DefinitionFiles, folder: Path) -> None:
    assert await taken(files) == []
    (folder / "flows").rmdir()
    folder.rmdir()
    assert await taken(files) == []


async def test_all_kinds_in_the_order_in_which_they_rest_on_each_other(
    files: DefinitionFiles, folder: Path, store: Outages, told: Callable[[], list[str]]
) -> None:
    (folder / "routes.yaml").write_text("routes to 退款, b")
    (folder / "flows" / "退款.yaml").write_text("flow 退款 calls pay")
    (folder / "flows" / "b.yaml").write_text("flow b")
    (folder / "flows" / "notes.txt").write_text("!")
    (folder / "guardrails.yaml").write_text("guardrails")
    (folder / "tools.yaml").write_text("tools pay")
    assert await taken(files) == [
        "tools  1 file:tools.yaml", "flow b 1 file:flows/b.yaml", "flow 退款 1 file:flows/退款.yaml",
        "guardrails  1 file:guardrails.yaml", "routes  1 file:routes.yaml",
    ]  # fmt: skip
    assert told() == []
    assert await taken(files) == []


async def test_only_a_changed_content_is_a_version(
    files: DefinitionFiles, folder: Path, readers: CountingReaders
) -> None:
    path = folder / "tools.yaml"
    path.write_text("tools a")
    await files.scan()
    for touch in (lambda: os.utime(path), lambda: path.write_text("tools a"), lambda: path.chmod(0o600)):
        touch()
        assert await taken(files) == []
    assert len(readers.texts) == 1
    path.write_text("tools b")
    assert await taken(files) == ["tools  2 file:tools.yaml"]
    path.write_text("tools a")
    assert await taken(files) == ["tools  3 file:tools.yaml"]


async def test_one_that_cannot_be_used_is_told_once_and_changes_nothing(
    files: DefinitionFiles, folder: Path, store: Outages, told: Callable[[], list[str]]
) -> None:
    path = folder / "flows" / "a.yaml"
    path.write_text("flow a")
    await files.scan()
    for content, says in [
        (b"flow a\nbad !\nworse !\n", "test:2:1: bad !\ntest:3:1: worse !"),
        (b"", "nothing is written"),
        (b"flow b", "'b'"),
        (b"flow a calls x", "'x'"),
        (b"flow a \xff", "line 1: byte 0xff"),
        (b"x" * 300_000, "300,000 bytes"),
    ]:
        path.write_bytes(content)
        for _ in range(3):
            assert await taken(files) == []
        (said,) = told()
        assert str(path) in said and says in said
        assert await body(store, "flow", "a") == "flow a"
    path.write_text("flow a\n")
    assert await taken(files) == ["flow a 2 file:flows/a.yaml"]
    assert told() == []


async def test_a_file_that_cannot_be_opened_is_tried_again_when_that_changes(
    files: DefinitionFiles, folder: Path, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "tools.yaml"
    path.write_text("tools a")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:  # root may read everything
        patch.setattr(Path, "open", refuse)
        assert await taken(files) == []
        assert await taken(files) == []
    assert ["Permission denied" in each for each in told()] == [True]
    path.chmod(0o600)
    assert await taken(files) == ["tools  1 file:tools.yaml"]


async def test_what_was_refused_for_want_of_another_is_taken_with_it(
    files: DefinitionFiles, folder: Path, told: Callable[[], list[str]]
) -> None:
    (folder / "tools.yaml").write_text("tools !")
    (folder / "flows" / "a.yaml").write_text("flow a calls pay")
    assert await taken(files) == []
    assert len(told()) == 2
    (folder / "tools.yaml").write_text("tools pay")
    assert await taken(files) == ["tools  1 file:tools.yaml", "flow a 1 file:flows/a.yaml"]
    assert told() == []


async def test_a_file_that_is_still_being_written_is_left_for_later(
    store: Outages, readers: CountingReaders, folder: Path, told: Callable[[], list[str]]
) -> None:
    files = DefinitionFiles(folder, store, T, compilers(readers), lambda: 1, settle_s=0.05)
    path = folder / "tools.yaml"
    path.write_text("tools half")
    scan = asyncio.ensure_future(files.scan())
    await asyncio.sleep(0.02)
    path.write_text("tools half, whole")
    assert await scan == []
    assert (readers.texts, told()) == ([], [])
    assert [put.body for put in await files.scan()] == [b"tools half, whole"]


async def test_a_file_that_goes_away_changes_nothing(files: DefinitionFiles, folder: Path, store: Outages) -> None:
    path = folder / "flows" / "a.yaml"
    path.write_text("flow a")
    await files.scan()
    path.unlink()
    assert await taken(files) == []
    path.write_text("flow a")
    assert await taken(files) == []
    assert await body(store, "flow", "a") == "flow a"


@pytest.mark.parametrize("restart", [False, True])
async def test_an_old_file_does_not_undo_what_was_put_since(
    start: Callable[[], DefinitionFiles], folder: Path, store: Outages, restart: bool
) -> None:
    path = folder / "tools.yaml"
    path.write_text("tools a")
    files = start()
    await files.scan()
    for n in range(250):
        await store.put(T, "tools", "", b"tools over HTTP %d" % n, "wang", 2)
    if restart:
        files = start()
    os.utime(path)
    assert await taken(files) == []
    assert await body(store, "tools") == "tools over HTTP 249"
    path.write_text("tools b")
    assert await taken(files) == ["tools  252 file:tools.yaml"]


async def test_what_changed_while_kefu_was_down_is_taken(
    start: Callable[[], DefinitionFiles], folder: Path, store: Outages
) -> None:
    (folder / "tools.yaml").write_text("tools a")
    await start().scan()
    (folder / "tools.yaml").write_text("tools b")
    assert await taken(start()) == ["tools  2 file:tools.yaml"]


async def test_an_outage_is_waited_out(
    files: DefinitionFiles, folder: Path, store: Outages, told: Callable[[], list[str]]
) -> None:
    (folder / "tools.yaml").write_text("tools a")
    store.away = True
    assert await taken(files) == []
    store.away = False
    assert await taken(files) == ["tools  1 file:tools.yaml"]
    assert told() == []


async def test_a_readers_defect_stops_no_other_file(
    folder: Path, store: Outages, told: Callable[[], list[str]]
) -> None:
    class Broken(CountingReaders):
        def __call__(self, text: str):  # type: ignore[no-untyped-def]
            if text.startswith("tools"):
                raise KeyError("defect")
            return super().__call__(text)

    files = DefinitionFiles(folder, store, T, compilers(Broken()), lambda: 1, settle_s=0)
    (folder / "tools.yaml").write_text("tools")
    (folder / "guardrails.yaml").write_text("guardrails")
    assert await taken(files) == ["guardrails  1 file:guardrails.yaml"]
    assert await taken(files) == []
    assert ["by a defect: KeyError('defect')" in each for each in told()] == [True]


async def test_a_quiet_scan_of_a_folder_is_cheap(
    files: DefinitionFiles, folder: Path, readers: CountingReaders
) -> None:
    for n in range(100):
        (folder / "flows" / f"f{n}.yaml").write_text(f"flow f{n}")
    assert len(await files.scan()) == 100
    readers.texts.clear()
    began = asyncio.get_running_loop().time()
    assert await files.scan() == []
    assert asyncio.get_running_loop().time() - began < 0.2
    assert readers.texts == []


async def test_seeding_fills_only_what_a_tenant_never_had(store: Outages) -> None:
    documents = {("routes", ""): "routes", ("tools", ""): "tools a", ("flow", "a"): "flow a", ("flow", "b"): "flow b"}
    await store.put(T, "tools", "", b"tools mine", "wang", 1)
    await store.put(T, "flow", "c", b"flow c", "wang", 1)
    await store.put(T, "flow", "c", b"", "wang", 1)
    seeded = await asyncio.gather(*(seed(store, T, documents, 2) for _ in range(3)))  # type: ignore[arg-type]
    assert {(put.kind, put.name, put.by) for puts in seeded for put in puts} == {("routes", "", "kefu")}
    assert await body(store, "tools") == "tools mine"
    assert len(await seed(store, "new", documents, 2)) == 4  # type: ignore[arg-type]
    assert await seed(store, "new", documents, 3) == []  # type: ignore[arg-type]
