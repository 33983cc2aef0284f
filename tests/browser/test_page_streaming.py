"""What the chat page shows while a reply is written, and what it sends while a question is: no Kefu runs, the
test is the server at the other end of the page's WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, WebSocketRoute, expect

CONSOLE = Path(__file__).resolve().parents[2] / "console"
SITE = "http://chat.test"
SESSION = "the-session"
QUESTION = "Where is my order KF-20417?"


class Server:
    """The other end of the page's WebSocket: greets, collects what comes, says what the test wants said."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []  # from the page, over all connections
        self.connections = 0
        self._socket: WebSocketRoute | None = None

    def accept(self, socket: WebSocketRoute) -> None:
        self.connections += 1
        self._socket = socket
        socket.on_message(self._on_message)

    def _on_message(self, message: str | bytes) -> None:
        frame = json.loads(message)
        self.frames.append(frame)
        if frame["type"] == "hello":
            self.say(type="ready", session_id=SESSION, seq=0)

    def say(self, **frame: Any) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(frame))

    def more(self, key: str, *texts: str) -> None:
        for text in texts:
            self.say(type="delta", key=key, text=text)

    def reply(self, key: str, text: str, **fields: Any) -> None:
        reply = {"session_id": SESSION, "kind": "answer", "text": text, "language": "en", "seq": 2, "turn": 1}
        self.say(type="reply", key=key, reply={**reply, **fields})

    def hang_up(self) -> None:
        assert self._socket is not None
        self._socket.close()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The chat page on a phone, in English, online; any error in its console fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    tab.clock.install(time=1_750_000_000_000)
    tab.route(f"{SITE}/**", _file)
    tab.route_web_socket("**/v1/chat/ws", server.accept)
    tab.goto(SITE)
    expect(tab.locator("body")).to_have_attribute("data-link", "online")
    yield tab
    context.close()
    assert problems == []


def _file(route: Route) -> None:
    """One of the page's own files."""
    name = route.request.url.removeprefix(f"{SITE}/").removeprefix("assets/") or "chat.html"
    if not (CONSOLE / name).is_file():
        route.fulfill(status=204)
        return
    route.fulfill(path=CONSOLE / name, content_type=guess_type(name)[0])


def ask(page: Page, server: Server, text: str = QUESTION) -> str:
    """Sends the text; gives the key it came under."""
    before = len(server.of("message"))
    page.locator("#input").fill(text)
    page.locator("#input").press("Enter")
    _until(page, lambda: len(server.of("message")) > before)
    frame = server.of("message")[-1]
    assert frame["text"] == text
    return str(frame["key"])


def _until(page: Page, there: Callable[[], bool]) -> None:
    """Lets the browser's messages through until it is so."""
    for _ in range(500):
        if there():
            return
        page.evaluate("0")
    raise AssertionError("it never came")


def streaming(page: Page) -> Locator:
    return page.locator(".streaming .theirs .text")


def test_a_reply_is_shown_as_it_is_written_and_then_replaced_by_the_reply_itself(page: Page, server: Server) -> None:
    key = ask(page, server)
    log = page.locator("#log")
    expect(page.locator(".typing")).to_be_visible()
    server.more(key, "Your order ", "is on ")
    expect(streaming(page)).to_have_text("Your order is on ")
    expect(page.locator(".typing")).to_be_hidden()
    expect(log).to_have_attribute("aria-busy", "true")
    server.more(key, "its way.")
    expect(streaming(page)).to_have_text("Your order is on its way.")
    server.reply(key, "Your order left on Monday.")
    expect(page.locator(".theirs .text")).to_have_text(["Your order left on Monday."])
    expect(streaming(page)).to_have_count(0)
    expect(page.locator(".typing")).to_have_count(0)
    expect(log).to_have_attribute("aria-busy", "false")
    server.more(key, " Late.")
    server.more("of-no-message", "Stray.")
    server.reply(ask(page, server, "And the other one?"), "It is there.")
    expect(page.locator(".theirs .text")).to_have_text(["Your order left on Monday.", "It is there."])


def test_what_is_there_already_is_not_copied_when_more_comes(page: Page, server: Server) -> None:
    """2,000 pieces in a moment: far fewer text nodes, none of them changed after it was added."""
    key = ask(page, server)
    page.evaluate(
        """() => {
            window.changed = 0;
            const count = (records) => { window.changed += records.length; };
            new MutationObserver(count).observe(document.getElementById("log"), { characterData: true, subtree: true });
        }"""
    )
    server.more(key, *(f"{at} " for at in range(2_000)))
    expect(streaming(page)).to_have_text("".join(f"{at} " for at in range(2_000)))
    assert page.evaluate("window.changed") == 0
    assert page.evaluate("document.querySelector('.streaming .theirs .text').childNodes.length") < 1_000


def test_the_end_of_a_long_reply_stays_in_view(page: Page, server: Server) -> None:
    key = ask(page, server)
    server.more(key, *(f"Line {at} of what is written.\n" for at in range(200)), "The end.")
    expect(streaming(page)).to_contain_text("The end.")
    assert page.evaluate(
        """() => document.querySelector(".streaming .theirs .text").getBoundingClientRect().bottom
                 <= document.getElementById("scroller").getBoundingClientRect().bottom + 1"""
    )


@pytest.mark.parametrize("ends", ["event", "deltas"])
def test_after_a_lost_connection_nothing_written_before_is_left(page: Page, server: Server, ends: str) -> None:
    """The reply comes as an event of the log, or is written anew for the message that was sent again."""
    key = ask(page, server)
    server.more(key, "Your order is")
    expect(streaming(page)).to_have_text("Your order is")
    server.hang_up()
    expect(streaming(page)).to_have_count(0)
    expect(page.locator("#log")).to_have_attribute("aria-busy", "false")
    page.clock.run_for(700)  # the first attempt comes sooner
    _until(page, lambda: len(server.of("message")) == 2)
    assert server.connections == 2
    assert server.of("hello")[-1]["session_id"] == SESSION
    assert {frame["key"] for frame in server.of("message")} == {key}
    expect(page.locator(".typing")).to_be_visible()
    if ends == "event":
        reply = {"kind": "answer", "text": "It arrives today.", "language": "en"}
        server.say(type="event", event="BotReplied", seq=2, data={"key": key, "reply": reply})
    else:
        server.more(key, "It arrives", " today")
        expect(streaming(page)).to_have_text("It arrives today")
        server.reply(key, "It arrives today.")
    expect(page.locator(".theirs .text")).to_have_text(["It arrives today."])


def test_a_turn_that_is_refused_for_now_is_written_from_the_start(page: Page, server: Server) -> None:
    key = ask(page, server)
    server.more(key, "Half a rep")
    expect(streaming(page)).to_have_text("Half a rep")
    server.say(type="error", key=key, problem={"status": 503, "code": "busy", "retry_after": 1})
    expect(streaming(page)).to_have_count(0)
    expect(page.locator(".busy")).to_be_visible()
    page.clock.run_for(3_000)
    _until(page, lambda: len(server.of("message")) == 2)
    server.more(key, "A whole reply.")
    expect(streaming(page)).to_have_text("A whole reply.")


def test_a_hostile_reply_stays_text_while_it_is_written(page: Page, server: Server) -> None:
    key = ask(page, server)
    pieces = ["<img src=x one", "rror=\"document.title='owned'\">", "<script>document.title='owned'</script>", "\u202e"]
    server.more(key, *pieces)
    expect(streaming(page)).to_have_text("".join(pieces))
    assert page.locator("#log img, #log script").count() == 0
    server.say(type="delta", key=key, text={"toString": 1})
    server.say(type="delta", key=key)
    server.reply(key, "".join(pieces))
    expect(page.locator(".theirs .text")).to_have_text(["".join(pieces)])
    assert page.locator("#log img, #log script").count() == 0
    assert page.title() != "owned"


def test_what_a_tool_would_do_is_confirmed_or_declined_once(page: Page, server: Server) -> None:
    key = ask(page, server, "I want to return order KF-20417")
    options = [{"id": "yes", "title": "Yes, refund it"}, {"id": "no", "title": "No"}]
    server.reply(key, "Shall I refund order KF-20417 (59.90)?", kind="confirm", options=options)
    group = page.get_by_role("group", name="Please confirm")
    yes, no = group.get_by_role("button", name="Yes, refund it"), group.get_by_role("button", name="No")
    expect(no).to_be_visible()
    for button in (yes, no):
        box = button.bounding_box()
        assert box is not None and round(box["height"]) >= 44
    assert _colour(yes) != _colour(no)
    yes.dblclick()
    _until(page, lambda: len(server.of("message")) == 2)
    assert server.of("message")[-1]["text"] == "Yes, refund it"
    expect(group).to_be_hidden()
    server.reply(server.of("message")[-1]["key"], "It is on its way to you.", kind="flow")
    expect(page.locator(".theirs .text").last).to_have_text("It is on its way to you.")
    expect(page.get_by_role("button", name="Yes, refund it")).to_be_hidden()
    assert len(server.of("message")) == 2


def _colour(button: Locator) -> str:
    return str(button.evaluate("(node) => getComputedStyle(node).backgroundColor"))


@pytest.mark.parametrize("kind", ["flow", "refused", "closed", "of-a-later-version"])
def test_other_kinds_of_reply_are_shown(page: Page, server: Server, kind: str) -> None:
    server.reply(ask(page, server), "So it is.", kind=kind)
    expect(page.locator(".theirs .text")).to_have_text(["So it is."])
    expect(page.locator(".theirs .badge")).to_have_text(["Closed"] if kind == "closed" else [])


def drafts(page: Page, server: Server) -> list[str]:
    """What was sent of a draft once every timer has run."""
    page.clock.run_for(1_000)
    page.evaluate("0")
    return [frame["text"] for frame in server.of("typing")]


def test_a_draft_is_sent_after_a_pause_and_only_if_it_changed(page: Page, server: Server) -> None:
    box = page.locator("#input")
    box.press_sequentially("Where is")
    page.clock.run_for(200)
    box.press_sequentially(" my order")
    assert drafts(page, server) == ["Where is my order"]
    box.press_sequentially("s")
    box.press("Backspace")
    box.press_sequentially("  ")
    assert drafts(page, server) == ["Where is my order"]
    box.press_sequentially("?")
    assert drafts(page, server) == ["Where is my order", "Where is my order  ?"]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("abc", False),
        ("abcd", True),
        ("    a   ", False),
        ("退", False),
        ("退款", True),
        ("退款a", True),
        ("x" * 4_000, True),
        ("x" * 4_001, False),
        ("😀" * 3, False),
        ("😀" * 2_500, True),
    ],
    ids=lambda value: value[:6] if isinstance(value, str) else "",
)
def test_drafts_that_say_too_little_or_too_much_stay_here(page: Page, server: Server, text: str, sent: bool) -> None:
    page.locator("#input").fill(text)
    assert drafts(page, server) == ([text.strip()] if sent else [])


def test_no_draft_is_sent_while_a_message_is_pending_and_then_it_is(page: Page, server: Server) -> None:
    key = ask(page, server)
    page.locator("#input").fill("And where is the other one?")
    assert drafts(page, server) == []
    server.reply(key, "It arrives today.")
    expect(page.locator(".theirs .text")).to_have_text(["It arrives today."])
    assert drafts(page, server) == ["And where is the other one?"]


def test_what_was_sent_is_no_draft_any_more(page: Page, server: Server) -> None:
    page.locator("#input").fill(QUESTION)
    page.locator("#input").press("Enter")
    _until(page, lambda: len(server.of("message")) == 1)
    assert drafts(page, server) == []
    server.reply(server.of("message")[0]["key"], "It arrives today.")
    expect(page.locator(".theirs .text")).to_have_text(["It arrives today."])
    page.locator("#input").fill(QUESTION)
    assert drafts(page, server) == [QUESTION]


def test_half_a_word_in_an_input_method_is_no_draft(page: Page, server: Server) -> None:
    page.evaluate(
        """() => {
            const input = document.getElementById("input");
            input.value = "tuikuan";
            input.dispatchEvent(new InputEvent("input", { isComposing: true }));
        }"""
    )
    assert drafts(page, server) == []
    page.evaluate(
        """() => {
            document.getElementById("input").value = "退款";
            document.getElementById("input").dispatchEvent(new CompositionEvent("compositionend"));
        }"""
    )
    assert drafts(page, server) == ["退款"]
