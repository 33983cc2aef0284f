"""The demo shop: every process agrees on every order, and a repeat gives the same receipt."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from making import FakeClock, caller, request, told

from schemas.tools import ToolOutcome
from tools.context import ToolContext, ToolRefused
from tools.demo_shop import invoice_send, order_lookup, refund_create
from tools.reading import shipped

CONTEXT = ToolContext("key-1", "demo", "session-1")


async def asked(name: str, arguments: dict[str, Any], key: str = "key-1") -> ToolOutcome:
    clock = FakeClock()
    async with caller(shipped(), clock) as calls:
        return await calls.call(request(name, arguments, key=key, clock=clock))


def orders(wanted: int = 2_000) -> list[dict[str, Any]]:
    found = []
    for n in range(30_000, 30_000 + wanted):
        try:
            found.append(order_lookup(f"KF-{n}"))
        except ToolRefused as refusal:
            assert refusal.error == "not_found"
    return found


def test_orders_are_of_every_kind_and_add_up() -> None:
    found = orders()
    assert 0.05 < 1 - len(found) / 2_000 < 0.2
    kinds = Counter((order["status"], order["refundable"]) for order in found)
    assert set(kinds) == {
        ("processing", True), ("shipped", True), ("delivered", True), ("delivered", False), ("cancelled", False),
        ("refunded", False),
    }  # fmt: skip
    for order in found:
        assert order["total"] == pytest.approx(sum(each["price"] * each["quantity"] for each in order["items"]))
        assert ("eta" in order) == (order["status"] == "shipped")
        assert ("why_not_refundable" in order) == (not order["refundable"])


def test_another_process_agrees() -> None:
    numbers = [f"KF-{n}" for n in range(40_000, 40_040)]
    program = (
        "import json, sys\nfrom tools.demo_shop import order_lookup\nfrom tools.context import ToolRefused\n"
        "def found(number):\n    try:\n        return order_lookup(number)\n    except ToolRefused as error:\n"
        "        return error.error\n"
        "print(json.dumps([found(number) for number in json.loads(sys.argv[1])]))"
    )
    root = Path(__file__).parents[3]
    said = subprocess.run(
        [sys.executable, "-c", program, json.dumps(numbers)], cwd=root, capture_output=True, check=True, text=True
    )
    here = []
    for number in numbers:
        try:
            here.append(order_lookup(number))
        except ToolRefused as refusal:
            here.append(refusal.error)  # type: ignore[arg-type]
    assert json.loads(said.stdout) == here


@pytest.mark.parametrize("spelling", ["KF-20417", "kf-20417", "KF20417"])
async def test_the_order_in_the_documents(spelling: str) -> None:
    outcome = await asked("order_lookup", {"number": spelling})
    assert outcome.outcome == "ok"
    order = json.loads(outcome.result)
    assert (order["number"], order["status"], order["total"], order["carrier"]) == ("KF-20417", "shipped", 129.0, "DHL")


async def test_what_is_not_found_and_what_is_no_number() -> None:
    missing = await asked("order_lookup", {"number": "KF-10404"})
    assert (missing.outcome, told(missing)) == ("failed", "not_found")
    assert told(await asked("order_lookup", {"number": "7"})) == "bad_arguments"
    assert told(await asked("refund_create", {"number": "KF-10404", "reason": "x", "amount": 1})) == "not_found"


async def test_a_refund_is_the_same_under_the_same_key() -> None:
    wanted = {"number": "KF-20417", "reason": "坏了", "amount": 19.99}
    first, again, other = [await asked("refund_create", wanted, key) for key in ("k1", "k1", "k2")]
    assert first.outcome == "ok"
    assert first.result == again.result != other.result
    assert json.loads(first.result)["refund"].startswith("RF-")
    assert refund_create("KF-20417", "x", 1.0, CONTEXT) != refund_create(
        "KF-20417", "x", 1.0, ToolContext("key-1", "other", "s")
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"number": "KF-10001", "reason": "x", "amount": 5}, "not_refundable"),
        ({"number": "KF-20417", "reason": "x", "amount": 129.01}, "amount_too_high"),
        ({"number": "KF-20417", "reason": "x", "amount": 0}, "bad_arguments"),
        ({"number": "KF-20417", "reason": "x", "amount": -5}, "bad_arguments"),
        ({"number": "KF-20417", "reason": "x", "amount": 1.005}, "bad_arguments"),
        ({"number": "KF-20417", "reason": "", "amount": 1}, "bad_arguments"),
        ({"number": "KF-20417", "reason": "x", "amount": "1"}, "bad_arguments"),
        ({"number": "KF-20417", "amount": 1}, "bad_arguments"),
    ],
)
async def test_refunds_that_are_refused(arguments: dict[str, Any], word: str) -> None:
    outcome = await asked("refund_create", arguments)
    assert (outcome.outcome, told(outcome)) == ("failed", word)


async def test_invoices() -> None:
    sent = await asked("invoice_send", {"number": "KF-20417", "email": "a@shop.example", "title": "枫月有限公司"})
    assert json.loads(sent.result)["invoice"] == "INV-2026-20417"
    for email in ("nobody", "a@b", "a b@c.example", "a@b.example\nBcc: x@y.example"):
        assert (
            told(await asked("invoice_send", {"number": "KF-20417", "email": email, "title": "x"})) == "bad_arguments"
        )
    cancelled = next(order["number"] for order in orders() if order["status"] == "cancelled")
    with pytest.raises(ToolRefused, match="cancelled"):
        invoice_send(cancelled, "a@shop.example", "x")


def test_a_refund_is_asked_about_in_both_languages_and_the_rest_is_not() -> None:
    confirmed = {name: set(terms.confirm) for name in shipped().names if (terms := shipped().terms(name))}
    assert confirmed == {"order_lookup": set(), "refund_create": {"en", "zh"}, "invoice_send": set()}
