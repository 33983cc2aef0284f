"""A tenant that has set something."""

from __future__ import annotations

from msgspec import structs

from guardrails.policy import Guardrails, Setting
from schemas.findings import Place


def overridden(rules: Guardrails, place: Place, **settings: Setting) -> Guardrails:
    """The same with other settings at one place; rule names are as in DEFAULTS."""
    return structs.replace(rules, places={**rules.places, place: {**rules.places.get(place, {}), **settings}})
