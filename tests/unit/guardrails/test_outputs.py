"""What must not leave in a reply, whole and piece by piece."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenants import overridden

from guardrails.outputs import OutputContext, inspect_output
from guardrails.policy import DEFAULT, Guardrails
from guardrails.streaming import MAX_HELD, OutputStream

SYSTEM = (
    "You are the assistant of Demo Shop. Never offer more than ten percent discount to anyone. If the customer "
    "is angry, "
    'hand over to a person at once. Greet with "Welcome to the Demo Shop, how can I help you '
    'today?" 不要向客户透露我们的采购成本和供应商名称，'
    "遇到投诉先道歉再转人工。"
)
CONTEXT = OutputContext(
    system=SYSTEM,
    canary="KF-77213-QZ",
    grounding=(
        "See https://help.shop.example/returns, call 400-800-1234 or mail care@shop.example. Logo: "
        "https://cdn.shop.example/a.png "
        "Refunds reach you in 5-7 working days.",
        '{"order":"W1","email":"jo@home.example","card":"4111111111111111"}',
    ),
    conversation=("my mail is amy@post.example, is evil-shop.com yours?",),
)
RULES = Guardrails(link_hosts=("shop.example.com",), forbidden={"en": ("cheapest ever",)})

CLEAN = (
    "Hello! You can return it: refunds reach you in 5-7 working days.",
    "Welcome to the Demo Shop, how can I help you today?",
    "See https://help.shop.example/returns or [the page](https://help.shop.example/returns).",
    "![logo](https://cdn.shop.example/a.png) ![x](https://img.shop.example.com/b.png) ![rel](/c.png)",
    "Mail care@shop.example, jo@home.example or amy@post.example; call 400 800 1234.",
    "Your card 4111 1111 1111 1111 was charged.",
    "No, evil-shop.com is not ours.",
    "Open index.html, main.py and v1.2.3, e.g. at 3.50.It is done.In time. U.S.A.",
    "您好！退款需要5-7个工作日，请拨打400-800-1234。",
    "a < b, c > d, x = [1], (see below) & so on!",
)
BAD = (
    ("Never offer more than ten percent discount to anyone. If the customer", "system_prompt_leak"),
    ("My instructions are: never offer more than ten percent", "system_prompt_leak"),
    ("我的指令是：不要向客户透露我们的采购成本", "system_prompt_leak"),
    ("the code is kf 77213 qz", "system_prompt_leak"),
    (base64.b64encode(SYSTEM[:120].encode()).decode(), "system_prompt_leak"),
    ("see ![x](https://spy.example/?q=abc)", "remote_image"),
    ("<img src='//spy.example/a'>", "remote_image"),
    ("[a]: http://spy.example/x\n![y][a]", "remote_image"),
    ("<div style='background:url(https://spy.example/a)'>", "remote_image"),
    ("[click](https://spy.example/a)", "unknown_link"),
    ("https://spy.example", "unknown_link"),
    ("HTTPS:\\\\spy.example/a", "unknown_link"),
    ("visit spy-shop.com now", "unknown_link"),
    ("go to www.spyshop.travel", "unknown_link"),
    ("//spy.example/a", "unknown_link"),
    ("https://evil-shop.com", "unknown_link"),
    ("https://shop.example.com.spy.net/", "unknown_link"),
    ("[help.shop.example](https://spy.example)", "deceptive_link"),
    ("https://help.shop.example@spy.example/", "deceptive_link"),
    ("http://аpple.com/", "deceptive_link"),
    ("https://xn--pple-43d.com/", "deceptive_link"),
    ("http://3232235777/", "deceptive_link"),
    ("http://[::1]/", "deceptive_link"),
    ("<script>alert(1)</script>", "markup_payload"),
    ("[x](javascript:alert(1))", "markup_payload"),
    ("<a href='x' onclick='a()'>b</a>", "markup_payload"),
    ("<iframe src='/a'></iframe>", "markup_payload"),
    ("mail bob@other.example", "personal_data_email"),
    ("card 5500 0000 0000 0004", "personal_data_card"),
    ("call 13812345678", "personal_data_phone"),
    ("the key is AKIAIOSFODNN7EXAMPLE", "personal_data_secret"),
    ("We are the Cheapest  Ever!", "forbidden_phrase"),
)


@pytest.mark.parametrize("text", CLEAN)
def test_clean(text: str) -> None:
    assert inspect_output(text, CONTEXT, RULES) == ()


@pytest.mark.parametrize(("text", "rule"), BAD)
def test_bad(text: str, rule: str) -> None:
    found = inspect_output(text, CONTEXT, RULES)
    assert rule in {each.rule for each in found}
    assert {each.place for each in found} == {"output"}


def _stream(text: str, size: int, rules: Guardrails = RULES) -> tuple[str, OutputStream]:
    stream = OutputStream(CONTEXT, rules)
    shown = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size))
    return shown + stream.end(), stream


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
@pytest.mark.parametrize("text", CLEAN)
def test_a_clean_stream_gives_all(text: str, size: int) -> None:
    shown, stream = _stream(text, size)
    assert shown == text
    assert stream.finding is None


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize(("text", "rule"), BAD)
def test_a_bad_stream_stops_before_it(text: str, rule: str, size: int) -> None:
    shown, stream = _stream("Dear customer, " + text + " and more.", size)
    assert stream.finding is not None
    assert stream.feed("more") == ""
    assert stream.end() == ""
    secret = {
        "remote_image": "spy.example",
        "personal_data_card": "5500",
        "personal_data_email": "bob",
        "markup_payload": "alert",
    }
    assert secret.get(rule, "\0") not in shown
    if "link" in rule:
        assert "spy" not in shown


def test_a_leak_is_stopped_early() -> None:
    shown, stream = _stream(SYSTEM, 4)
    assert stream.finding is not None
    assert stream.finding.rule == "system_prompt_leak"
    assert len(shown) < 40


def test_what_is_only_flagged_is_shown() -> None:
    flagging = overridden(RULES, "output", unknown_link="flag")
    shown, stream = _stream("see https://spy.example ok", 3, flagging)
    assert shown == "see https://spy.example ok"
    assert stream.finding is None
    assert [each.rule for each in stream.findings] == ["unknown_link"]


def test_words_flow() -> None:
    """A sentence is shown as it comes, but for its last word."""
    stream = OutputStream(CONTEXT, RULES)
    for word in ("You ", "can ", "return ", "it ", "tomorrow "):
        stream.feed(word)
    assert stream.feed("or ") != ""
    chinese = OutputStream(CONTEXT, RULES)
    assert chinese.feed("您好，退款需要") == "您好，退款需要"


@pytest.mark.parametrize("piece", ["[", "<", "![", "a", "1", "[a](", "你", "1 ", "-", "a.", "&"])
def test_what_is_held_back_is_bounded(piece: str) -> None:
    text = piece * (6_000 // len(piece))
    stream = OutputStream(OutputContext(), DEFAULT)
    shown = "".join(stream.feed(text[at : at + 500]) for at in range(0, 6_000, 500))
    assert stream.finding is not None or len(text) - len(shown) <= MAX_HELD + 500


_PIECES = st.sampled_from(
    [
        "<",
        ">",
        "![",
        "[a]",
        "](",
        ")",
        "http://",
        "spy.example",
        "a@b.example",
        "4111 1111",
        " 1111 1111",
        "\x00",
        "\ud800",
        "您",
        "。",
        "<script",
        "&#",
        "javascript:",
        "password is ",
        "x1!",
        " ",
        "\n",
        "!",
        "word ",
        "offer more than ten percent ",
        "KF-77",
        "213-QZ",
        "www.",
        "86 138",
    ]
)


@given(
    st.one_of(st.text(st.characters(), max_size=200), st.lists(_PIECES, max_size=30).map("".join)), st.integers(1, 9)
)
@settings(max_examples=150, deadline=None)
def test_a_stream_agrees_with_the_whole(text: str, size: int) -> None:
    found = inspect_output(text, CONTEXT, RULES)
    shown, stream = _stream(text, size)
    assert text.startswith(shown)
    if any(each.action != "flag" for each in found):
        assert stream.finding is not None
    if stream.finding is None:
        assert shown == text
    for each in found:
        each.excerpt.encode()
        assert len(each.excerpt) <= 80
