"""A real browser (Debian's chromium) on a real Kefu. Skipped with a reason where no browser is installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench.running import Running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")  # while it is open, Playwright owns the event loop that async tests need
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no browser: install Debian's chromium")
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield instance
        instance.close()


@pytest.fixture(params=["en-US", "zh-CN"])
def page(request: pytest.FixtureRequest, browser: Browser, kefu: Running) -> Iterator[Page]:
    """The chat page on a phone, in one language; any error in its console fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale=request.param)
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.goto(kefu.url)
    yield tab
    context.close()
    assert problems == []
