"""The demo shop's back office: the functions behind tools/shipped/demo_shop.yaml.

Not a real shop. Every fact about an order follows from its number, and every receipt from the call's key, so that all
processes agree without a database, and a repeated call gives the very same receipt.
"""

from __future__ import annotations

import datetime
import hashlib
import random
import re
from typing import Any

from tools.context import ToolContext, ToolRefused

_NUMBER = re.compile(r"KF-?([0-9]{5})")
_FIRST_DAY = datetime.date(2026, 4, 1)
_GOODS = (
    ("Maple reading lamp", 49.0),
    ("Moon tea set", 35.5),
    ("Linen duvet cover", 79.0),
    ("Oak side table", 129.0),
    ("Wool throw", 64.9),
    ("Stoneware plates, set of 4", 42.0),
    ("Ceramic kettle", 58.0),
)
_CARRIERS = {"EUR": ("DHL", "DPD"), "USD": ("UPS", "FedEx"), "CNY": ("SF Express", "YTO Express")}
_CENTS = {"EUR": 1.0, "USD": 1.1, "CNY": 7.8}

# For documents and demonstrations: what each of them shows never changes.
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "KF-20417": {
        "number": "KF-20417", "status": "shipped", "total": 129.0, "currency": "EUR", "refundable": True,
        "items": [{"name": "Oak side table", "quantity": 1, "price": 129.0}],
        "ordered": "2026-05-01", "carrier": "DHL", "tracking": "DHL20417001", "eta": "2026-05-06",
    },
    "KF-10001": {
        "number": "KF-10001", "status": "delivered", "total": 35.5, "currency": "EUR", "refundable": False,
        "why_not_refundable": "personalised",
        "items": [{"name": "Moon tea set", "quantity": 1, "price": 35.5}],
        "ordered": "2026-04-20", "carrier": "DPD", "tracking": "DPD10001001", "delivered": "2026-04-24",
    },
}  # fmt: skip
_UNKNOWN = frozenset({"KF-10404", "KF-00000"})


def order_lookup(number: str) -> dict[str, Any]:
    """What the shop knows of an order. ToolRefused with `not_found` for about one number in ten."""
    number = _normal(number)
    if number in _WELL_KNOWN:
        return dict(_WELL_KNOWN[number])
    chance = random.Random(_digest("order", number))
    if number in _UNKNOWN or chance.random() < 0.1:
        raise ToolRefused("not_found", f"There is no order {number}. Check the number in the order confirmation.")
    currency = chance.choice(("EUR", "USD", "CNY"))
    items: list[dict[str, Any]] = [
        {"name": name, "quantity": chance.choice((1, 1, 2)), "price": round(price * _CENTS[currency], 2)}
        for name, price in chance.sample(_GOODS, chance.randint(1, 3))
    ]
    ordered = _FIRST_DAY + datetime.timedelta(days=chance.randrange(35))
    status = chance.choice(("processing", "shipped", "shipped", "delivered", "delivered", "cancelled", "refunded"))
    order = {
        "number": number,
        "status": status,
        "total": round(sum(item["price"] * item["quantity"] for item in items), 2),
        "currency": currency,
        "refundable": status not in ("cancelled", "refunded"),
        "items": items,
        "ordered": ordered.isoformat(),
    }
    if not order["refundable"]:
        order["why_not_refundable"] = status
    elif status == "delivered" and chance.random() < 0.3:
        order |= {"refundable": False, "why_not_refundable": chance.choice(("personalised", "return_window_closed"))}
    if status in ("shipped", "delivered"):
        carrier = chance.choice(_CARRIERS[currency])
        arrives = ordered + datetime.timedelta(days=chance.randint(2, 6))
        order |= {"carrier": carrier, "tracking": f"{carrier.split()[0].upper()}{number[3:]}001"}
        order["eta" if status == "shipped" else "delivered"] = arrives.isoformat()
    return order


def refund_create(number: str, reason: str, amount: float, context: ToolContext) -> dict[str, Any]:
    """The receipt of a refund, the same for every repeat under one key.

    ToolRefused with `not_found`, `not_refundable`, or `amount_too_high` if it is more than was paid.
    """
    order = order_lookup(number)
    if not order["refundable"]:
        why = order["why_not_refundable"]
        raise ToolRefused("not_refundable", f"Order {order['number']} cannot be refunded: {why.replace('_', ' ')}.")
    if amount > order["total"]:
        raise ToolRefused(
            "amount_too_high",
            f"Order {order['number']} was {order['total']:.2f} {order['currency']}; {amount:.2f} cannot be refunded.",
        )
    return {
        "refund": f"RF-{_digest('refund', context.tenant, context.idempotency_key)[:10].upper()}",
        "number": order["number"],
        "amount": round(amount, 2),
        "currency": order["currency"],
        "reason": reason,
        "status": "created",
        "working_days": 7,
    }


def invoice_send(number: str, email: str, title: str) -> dict[str, Any]:
    """Sends the invoice again, which harms nobody. ToolRefused with `not_found`, or `cancelled` for such an order."""
    order = order_lookup(number)
    if order["status"] == "cancelled":
        raise ToolRefused("cancelled", f"Order {order['number']} was cancelled, so there is no invoice.")
    return {
        "invoice": f"INV-{order['ordered'][:4]}-{order['number'][3:]}",
        "number": order["number"],
        "title": title,
        "email": email,
        "total": order["total"],
        "currency": order["currency"],
        "status": "sent",
    }


def _normal(number: str) -> str:
    match = _NUMBER.fullmatch(number.strip().upper())
    if match is None:
        raise ToolRefused("not_found", "An order number has the form KF-12345.")
    return f"KF-{match[1]}"


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
