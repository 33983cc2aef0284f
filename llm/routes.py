"""The routes of a tenant, as one readable document: providers, chains of them, and the rules that choose."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Literal

from msgspec import Struct

from llm.presets import COMPATIBLE, Preset
from llm.rules import Condition
from schemas.models import HybridRules, Mode, RouteChoice, Situation

ProviderKind = Literal["openai", "local", "extractive"]

EXTRACTIVE_NAME = "extractive"


class Price(Struct, frozen=True):
    """Per million tokens, in the operator's currency."""

    input: float = 0.0
    output: float = 0.0


class Timeouts(Struct, frozen=True):
    """In seconds. `first_token`: from the call to the first piece of a reply; `idle`: between two pieces; `total`:
    of the whole call, which the request's own deadline may shorten."""

    connect: float = 2.0
    first_token: float = 5.0
    idle: float = 5.0
    total: float = 60.0

    @property
    def slow(self) -> float:
        """A call that has waited so long for its first token counts against the provider before it has failed, so
        that one which hangs is found out while its first victims still wait."""
        return self.first_token * 0.4


class Sampling(Struct, frozen=True):
    """What a request that does not say so itself is sent with. `extra`: further fields of the request's body."""

    temperature: float | None = None
    max_tokens: int | None = None
    extra: dict[str, Any] = {}


class ProviderTerms(Struct, frozen=True, kw_only=True):
    """One provider as it is declared. Two tenants that declare the same thing share connections and breaker.

    `key_env`, `key_file`: where the key is to be found. `path`: a local model's folder. `queue`: calls that may wait
    for one of `max_concurrency` places, `queue_wait_s` at most. `tenant_share`: of the places that one tenant may
    hold while nobody else calls. `retries`: further tries of the same call. `max_reply_bytes`: of text and tool
    arguments together.
    """

    name: str
    kind: ProviderKind
    model: str = ""
    base_url: str = ""
    preset: Preset = COMPATIBLE
    key_env: str = ""
    key_file: str = ""
    api_version: str = ""
    path: str = ""
    headers: dict[str, str] = {}
    price: Price = Price()
    timeout: Timeouts = Timeouts()
    sampling: Sampling = Sampling()
    max_concurrency: int = 64
    queue: int = 256
    queue_wait_s: float = 2.0
    tenant_share: float = 0.75
    retries: int = 1
    max_reply_bytes: int = 200_000
    supports_tools: bool = True


class Route(Struct, frozen=True, kw_only=True):
    """`chain`: providers in the order in which they are tried. `system`: prompts by language."""

    name: str
    mode: Mode
    chain: tuple[str, ...] = ()
    system: dict[str, str] = {}
    context_tokens: int = 6_000
    deadline_s: float = 10.0
    hybrid: HybridRules = HybridRules()
    canary: str = ""
    canary_percent: float = 0.0
    shadow: str = ""


class Rule(Struct, frozen=True):
    name: str
    condition: Condition
    route: str


class Budget(Struct, frozen=True):
    """A day's, in UTC. None: no limit."""

    tokens_per_day: int | None = None
    cost_per_day: float | None = None


class Routes(Struct, frozen=True, eq=False):
    """A whole document, checked. `default`: the route where no rule holds. Read it with llm.reading.read."""

    providers: dict[str, ProviderTerms]
    routes: dict[str, Route]
    rules: tuple[Rule, ...]
    default: str
    budgets: dict[str, Budget] = {}

    @property
    def uses_models(self) -> bool:
        """Whether any turn could ask a model: if not, sessions need no gateway."""
        starts = {self.default, *(rule.route for rule in self.rules)}
        return any(self.routes[name].mode != "extractive" for start in starts for name in self.reach(start))

    def reach(self, route: str) -> frozenset[str]:
        """The routes a turn may end up on that is sent to this one: itself, its canary, its shadow, and theirs."""
        found: set[str] = set()
        waiting = [route]
        while waiting:
            name = waiting.pop()
            if name and name not in found and name in self.routes:
                found.add(name)
                waiting += (self.routes[name].canary, self.routes[name].shadow)
        return frozenset(found)

    def budget(self, tenant: str) -> Budget | None:
        return self.budgets.get(tenant) or self.budgets.get("*")

    def chain(self, route: str) -> tuple[ProviderTerms, ...]:
        """The providers that can be called for a route; `extractive` is where it ends, as the session answers then."""
        found = []
        for name in self.routes[route].chain:
            if (terms := self.providers[name]).kind == "extractive":
                break
            found.append(terms)
        return tuple(found)


def choose(routes: Routes, version: int, situation: Situation) -> RouteChoice:
    """The first rule that holds decides, then the route's canary. Pure, and stable for a session."""
    minutes: dict[str, int] = {}
    name, by = routes.default, ""
    for rule in routes.rules:
        if rule.condition.holds(situation, minutes):
            name, by = rule.route, rule.name
            break
    route = routes.routes[name]
    while route.canary and bucket(situation.session, route.canary) < route.canary_percent:
        route = routes.routes[route.canary]
    return choice_of(routes, version, route.name, by, situation.language)


def choice_of(routes: Routes, version: int, name: str, rule: str, language: str) -> RouteChoice:
    """The choice of the route `name` by `rule`, such as `choose` makes."""
    route = routes.routes[name]
    return RouteChoice(
        route=route.name,
        version=version,
        mode=route.mode,
        rule=rule,
        shadow=route.shadow,
        system=in_language(route.system, language),
        context_tokens=route.context_tokens,
        deadline_s=route.deadline_s,
        hybrid=route.hybrid,
    )


def bucket(session: str, canary: str) -> float:
    """Where a session stands in [0, 100). Sessions stay in a canary as its percentage grows."""
    digest = blake2b(f"{canary}\0{session}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * 100


def in_language(texts: dict[str, str], language: str) -> str:
    """By the whole tag, then its primary part, then English, then whatever there is."""
    if not texts:
        return ""
    for tag in (language, language.partition("-")[0], "en"):
        if tag in texts:
            return texts[tag]
    return next(iter(texts.values()))
