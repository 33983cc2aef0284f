"""What a tenant wants done about each thing a guardrail can find, place by place."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from guardrails.personal import mask
from schemas.findings import Action, Finding, Place

Setting = Literal["off", "flag", "refuse", "escalate"]
PLACES: tuple[Place, ...] = ("input", "retrieval", "output")
SETTINGS: tuple[Setting, ...] = ("off", "flag", "refuse", "escalate")

_PERSONAL = ("card", "id_number", "iban", "secret", "email", "phone")

# Rule names are recorded in events and counted in metrics: a contract.
DEFAULTS: dict[Place, dict[str, Setting]] = {
    "input": {
        "prompt_injection": "refuse",
        "prompt_injection_suspected": "flag",
        "prompt_extraction": "refuse",
        "prompt_extraction_suspected": "flag",
        "markup_payload": "refuse",
        "markup_suspected": "flag",
        "code_payload": "flag",
        **{f"personal_data_{kind}": "flag" for kind in _PERSONAL},
        "forbidden_phrase": "off",
    },
    # Refused here means: the passage is left out of the prompt.
    "retrieval": {
        "prompt_injection": "refuse",
        "prompt_injection_suspected": "flag",
        "prompt_extraction": "refuse",
        "prompt_extraction_suspected": "flag",
        "markup_payload": "flag",
        "forbidden_phrase": "off",
    },
    "output": {
        "system_prompt_leak": "refuse",
        "remote_image": "refuse",
        "unknown_link": "refuse",
        "deceptive_link": "refuse",
        "markup_payload": "refuse",
        **{f"personal_data_{kind}": "refuse" for kind in _PERSONAL},
        "forbidden_phrase": "refuse",
    },
}


class Guardrails(Struct, frozen=True):
    """One tenant's settings. `places`: what is set other than DEFAULTS. `link_hosts`: hosts (with all their
    subdomains) that a reply may link to and show images of. `forbidden`: phrases by language; `"*"` is any.
    """

    places: dict[Place, dict[str, Setting]] = {}
    link_hosts: tuple[str, ...] = ()
    forbidden: dict[str, tuple[str, ...]] = {}

    def setting(self, place: Place, rule: str) -> Setting:
        found = self.places.get(place, {}).get(rule)
        return found if found is not None else DEFAULTS[place].get(rule, "off")

    def finding(self, place: Place, rule: str, excerpt: str) -> Finding | None:
        """As it is to be recorded; None where the tenant has turned the rule off."""
        action = self.setting(place, rule)
        return None if action == "off" else Finding(place, rule, shorten(excerpt), action)

    def phrases(self) -> tuple[str, ...]:
        """Every forbidden phrase: what must not be said must not be said in any language."""
        return tuple(phrase for phrases in self.forbidden.values() for phrase in phrases)


DEFAULT = Guardrails()

_SEVERITY: dict[Action, int] = {"flag": 0, "escalate": 1, "refuse": 2}


def gravest(findings: tuple[Finding, ...]) -> Action | None:
    """The one action to take about all of them: refusing goes before escalating, that before flagging."""
    return max((each.action for each in findings), key=_SEVERITY.__getitem__, default=None)


def shorten(excerpt: str) -> str:
    """On one line, at most 80 characters, without personal data, fit to be encoded as UTF-8."""
    line = mask(" ".join(excerpt[:400].split()).encode("utf-8", "replace").decode())
    return line if len(line) <= 80 else line[:79] + "…"
