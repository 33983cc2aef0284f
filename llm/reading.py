"""Reads a routes document and says everything that is wrong with it, with line and column."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from documents.composing import compose
from documents.hints import did_you_mean
from documents.nodes import Node, Scalar, is_empty
from documents.problems import Problems
from llm.forms import Form
from llm.reading_providers import read_provider
from llm.reading_rules import read_rule
from llm.routes import EXTRACTIVE_NAME, Budget, ProviderTerms, Route, Routes, Rule
from schemas.models import HybridRules, Mode

_ROUTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it goes into headers, and is a model's name to clients
_NAMED = "A-Z a-z 0-9 . _ -"
_TAKEN = ("kefu", "auto")
_TAKEN_SAID = "kefu or auto, which mean something else to clients"
# In a reply's schema these could keep a process busy for minutes, or send it elsewhere.
_UNFIT = ("pattern", "patternProperties", "$ref", "$dynamicRef", "format")
_MOST_RULES = 300  # each is compared with all before it, and each turn may go through all of them
_MODES: dict[str, Mode] = {"extractive": "extractive", "model": "model", "hybrid": "hybrid"}

# What a tenant has that never wrote any: the answers of its own knowledge, word for word.
DEFAULT_TEXT = """\
routes:
  extractive:
    mode: extractive
default: extractive
"""


def read(text: str, *, source: str = "routes") -> Routes:
    """Raises InvalidDefinition with one `source:line:column: ...` for each problem."""
    problems = Problems(source)
    root = compose(text, problems)
    if is_empty(root):
        raise problems.stop(root.at, "the document is empty; at least one route and the default are needed")
    routes = _Reader(Form(root, "", problems), problems).read()
    problems.raise_any()
    return routes


class _Reader:
    def __init__(self, form: Form, problems: Problems) -> None:
        self._form = form
        self._problems = problems
        self._providers: dict[str, ProviderTerms] = {
            EXTRACTIVE_NAME: ProviderTerms(name=EXTRACTIVE_NAME, kind="extractive")
        }
        self._routes: dict[str, Route] = {}
        self._nodes: dict[str, Node] = {}

    def read(self) -> Routes:
        form, problems = self._form, self._problems
        for name, node in form.entries("providers"):
            if name == EXTRACTIVE_NAME:
                problems.add(node.at, f"provider {name!r} is always there; give yours another name")
                continue
            self._providers[name] = read_provider(name, node, problems)
        for name, node in form.entries("routes"):
            self._nodes[name] = node
            if name in _TAKEN or not _ROUTE_NAME.fullmatch(name):
                form.complain("routes", f"{name!r} is no name for a route: up to 64 of {_NAMED}, and not {_TAKEN_SAID}")
            self._routes[name] = self._route(name, Form(node, f"route {name!r}", problems))
        if not self._routes:
            problems.add(form.node.at, "routes: at least one is needed")
        for name, route in self._routes.items():
            self._check_links(route, Form(self._nodes[name], f"route {name!r}", problems))
        self._check_loops()
        zone = form.text("zone", "UTC")
        rules = self._rules(zone)
        default = form.text("default")
        if not default:
            problems.add(form.node.at, "default: name the route that is used where no rule holds")
        elif default not in self._routes:
            form.complain("default", self._unknown("route", default, self._routes))
        budgets = {tenant: self._budget(tenant, node) for tenant, node in form.entries("budgets")}
        form.done()
        return Routes(self._providers, self._routes, rules, default, budgets)

    def _route(self, name: str, form: Form) -> Route:
        mode = _MODES[form.choice("mode", _MODES, "extractive")]
        if form.node_of("mode") is None:
            self._problems.add(form.node.at, f"route {name!r}: mode: say extractive, model or hybrid")
        chain = form.names("chain")
        for each in chain:
            if each not in self._providers:
                form.complain("chain", self._unknown("provider", each, self._providers))
        for each in sorted({each for each in chain if chain.count(each) > 1}):
            form.complain("chain", f"provider {each!r} is in it twice; retries are set at the provider")
        for one, after in pairwise(chain):
            if one in self._providers and self._providers[one].kind == "extractive":
                form.complain("chain", f"{after!r} is never reached after {one!r}, which always answers")
        models = [each for each in chain if each in self._providers and self._providers[each].kind != "extractive"]
        if mode != "extractive" and not models and all(each in self._providers for each in chain):
            self._problems.add(
                form.node.at, f"route {name!r}: chain: mode {mode} needs at least one provider with a model"
            )
        if mode == "extractive" and models:
            form.complain("chain", "mode extractive asks no model; leave the chain out or change the mode")
        canary = form.form("canary")
        to, percent = canary.text("route"), canary.number("percent", 0.0, most=100.0)
        canary.done()
        route = Route(
            name=name,
            mode=mode,
            chain=chain,
            system=self._by_language(form, "system"),
            context_tokens=form.whole("context_tokens", 6_000, least=256, most=4_000_000),
            deadline_s=form.number("deadline_s", 10.0, least=0.1, most=600.0),
            hybrid=self._hybrid(form, mode),
            canary=to,
            canary_percent=percent,
            shadow=form.text("shadow"),
        )
        form.done()
        return route

    def _hybrid(self, form: Form, mode: Mode) -> HybridRules:
        if form.node_of("hybrid") is None:
            return HybridRules()
        if mode != "hybrid":
            form.complain("hybrid", f"only mode hybrid checks replies, and this is mode {mode}")
        inner = form.form("hybrid")
        rules = HybridRules(
            required=self._phrases(inner, "required"),
            forbidden=self._phrases(inner, "forbidden"),
            json_schema=inner.json("json_schema"),
            link_hosts=tuple(host.lower() for host in inner.names("link_hosts")),
        )
        if unfit := _unfit(rules.json_schema):
            inner.complain("json_schema", unfit)
        for host in rules.link_hosts:
            if "/" in host or ":" in host:
                inner.complain("link_hosts", f"{host!r} must be a bare host such as shop.example")
        inner.done()
        return rules

    def _phrases(self, form: Form, key: str) -> dict[str, tuple[str, ...]]:
        form.node_of(key)
        inner = form.form(key)
        return {language: phrases for language, _ in form.entries(key) if (phrases := inner.names(language))}

    def _by_language(self, form: Form, key: str) -> dict[str, str]:
        node = form.node_of(key)
        if isinstance(node, Scalar):
            return {"en": node.text}
        inner = form.form(key)
        return {language: text for language, _ in form.entries(key) if (text := inner.text(language))}

    def _check_links(self, route: Route, form: Form) -> None:
        if route.canary and route.canary not in self._routes:
            form.complain("canary", self._unknown("route", route.canary, self._routes))
        if form.node_of("canary") is not None and not route.canary:
            form.complain("canary", "name the route that gets the percentage, as `route: ...`")
        if not route.shadow:
            return
        if route.shadow not in self._routes:
            form.complain("shadow", self._unknown("route", route.shadow, self._routes))
        elif self._routes[route.shadow].mode == "extractive":
            form.complain("shadow", f"route {route.shadow!r} asks no model, so there is nothing to compare")

    def _check_loops(self) -> None:
        for name in self._routes:
            for kind in ("canary", "shadow"):
                if (path := self._path(name, kind)) is not None:
                    form = Form(self._nodes[name], f"route {name!r}", self._problems)
                    form.complain(kind, f"goes round in a circle: {' -> '.join(path)}")

    def _path(self, name: str, kind: str) -> list[str] | None:
        """From a route back to itself by canaries and shadows, beginning with its own canary or shadow."""
        first = getattr(self._routes[name], kind)
        seen: set[str] = set()
        waiting = [(first, [name, first])]
        while waiting:
            at, path = waiting.pop()
            if at == name:
                return path
            if at in seen or at not in self._routes:
                continue
            seen.add(at)
            waiting += [(to, [*path, to]) for to in (self._routes[at].canary, self._routes[at].shadow) if to]
        return None

    def _rules(self, zone: str) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        names: set[str] = set()
        for count, node in enumerate(self._form.items("rules"), 1):
            if count > _MOST_RULES:
                self._problems.add(node.at, f"rules: {_MOST_RULES} are the most there may be")
                break
            rule = read_rule(node, count, zone, self._problems)
            form = Form(node, f"rule {rule.name!r}", self._problems)
            if rule.name in names:
                form.complain("name", "is a duplicate; replies name their rule, so each needs its own")
            names.add(rule.name)
            if rule.route not in self._routes:
                form.complain("use", self._unknown("route", rule.route, self._routes) if rule.route else "name a route")
            earlier = next((each for each in rules if each.condition.covers(rule.condition)), None)
            if earlier is not None:
                self._problems.add(
                    node.at, f"rule {rule.name!r} is never reached: {earlier.name!r} holds whenever it does"
                )
            rules.append(rule)
        return tuple(rules)

    def _budget(self, tenant: str, node: Node) -> Budget:
        form = Form(node, f"budget of {tenant!r}", self._problems)
        tokens = form.whole("tokens_per_day", 0, most=10**12) if form.node_of("tokens_per_day") else None
        cost = form.number("cost_per_day", 0.0) if form.node_of("cost_per_day") else None
        form.done()
        return Budget(tokens, cost)

    def _unknown(self, what: str, name: str, known: Collection[str]) -> str:
        return f"no {what} {name!r}{did_you_mean(name, known)}"


DEFAULT = read(DEFAULT_TEXT, source="default routes")


def _unfit(schema: dict[str, Any] | None) -> str:
    """Why a reply's JSON Schema cannot be used; empty if it can, or if there is none."""
    if schema is None:
        return ""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ".".join(map(str, error.absolute_path)) or "it"
        return f"{where} is no JSON Schema: {error.message[:200]}"
    waiting: list[Any] = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            for key in each.keys() & set(_UNFIT):
                if not (key == "format" and isinstance(each[key], dict)):
                    return f"{key} is not supported in a reply's schema; leave it out"
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return ""
