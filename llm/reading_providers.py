"""Reads one provider of a routes document. A key itself is refused, and never repeated in what is said of it."""

from __future__ import annotations

import re
from pathlib import PurePath
from urllib.parse import urlsplit

from documents.nodes import Node
from documents.problems import Problems
from llm.forms import Form
from llm.presets import COMPATIBLE, PRESETS, Preset
from llm.routes import Price, ProviderKind, ProviderTerms, Sampling, Timeouts

_KINDS: dict[str, ProviderKind] = {"openai": "openai", "local": "local", "extractive": "extractive"}
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,99}\Z")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
# Named by what they are for, so that a route cannot send off any variable of the process.
_KEYLIKE = ("KEY", "TOKEN", "SECRET")
_CONNECTIONS = {"host", "connection", "content-length", "content-type", "transfer-encoding", "te", "upgrade", "trailer"}
_SECRET_HEADERS = {"authorization", "api-key", "x-api-key", "proxy-authorization", "cookie"}
# What the gateway itself decides, and a definition's `extra` may not.
_OWN_FIELDS = {"model", "messages", "stream", "stream_options", "n", "tools"}
_NO_KEYS = "a key is never written here; name where it is with key_env or key_file"


def read_provider(name: str, node: Node, problems: Problems) -> ProviderTerms:
    form = Form(node, f"provider {name!r}", problems)
    preset_name = form.choice("preset", PRESETS, "")
    preset = PRESETS.get(preset_name, COMPATIBLE)
    kind = _KINDS[form.choice("kind", _KINDS, "openai")]
    if form.node_of("kind") is None and not preset_name:
        problems.add(form.node.at, f"provider {name!r}: kind: say openai, local or extractive, or name a preset")
    max_concurrency = form.whole("max_concurrency", 64 if kind == "openai" else 2, least=1, most=10_000)
    terms = ProviderTerms(
        name=name,
        kind=kind,
        model=form.text("model") or (PurePath(form.text("path")).name if kind == "local" else ""),
        base_url=_base_url(form, preset),
        preset=preset,
        key_env=_key_env(form, preset),
        key_file=form.text("key_file"),
        api_version=form.text("api_version"),
        path=form.text("path"),
        headers=_headers(form),
        price=_price(form),
        timeout=_timeouts(form, kind),
        sampling=_sampling(form),
        max_concurrency=max_concurrency,
        queue=form.whole("queue", 4 * max_concurrency, most=100_000),
        queue_wait_s=form.number("queue_wait_s", 2.0, most=600.0),
        tenant_share=form.number("tenant_share", 0.75, least=0.01, most=1.0),
        retries=form.whole("retries", 1 if kind == "openai" else 0, most=10),
        max_reply_bytes=form.whole("max_reply_bytes", 200_000, least=1_000, most=100_000_000),
        supports_tools=form.truth("supports_tools", kind == "openai"),
    )
    _check(form, terms, preset_name)
    form.done(key=_NO_KEYS, api_key=_NO_KEYS, token=_NO_KEYS, secret=_NO_KEYS, password=_NO_KEYS)
    return terms


def _check(form: Form, terms: ProviderTerms, preset: str) -> None:
    needs: dict[ProviderKind, tuple[str, ...]] = {"openai": ("model", "base_url"), "local": ("path",), "extractive": ()}
    for key in needs[terms.kind]:
        if not getattr(terms, key) and form.node_of(key) is None:
            form.complain(key, f"is needed for kind {terms.kind}")
    if terms.kind != "openai" and preset:
        form.complain("preset", f"is for kind openai, and this is kind {terms.kind}")
    if terms.key_file and form.node_of("key_env") is not None:
        form.complain("key_file", "is given beside key_env; keep one")
    if terms.api_version and preset != "azure":
        form.complain("api_version", "is for preset azure")


def _base_url(form: Form, preset: Preset) -> str:
    given = form.text("base_url")
    if not given:
        return preset.base_url
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port
    except ValueError:
        form.complain("base_url", "is not a URL")
        return ""
    if parts.scheme not in ("http", "https") or not host:
        form.complain("base_url", "must be an http or https URL with a host, such as https://api.example.com/v1")
    elif parts.username is not None or parts.password is not None:
        form.complain("base_url", f"must not hold a name or password; {_NO_KEYS}")
    elif parts.query or parts.fragment:
        form.complain("base_url", "must end with its path, without ? or #")
    else:
        return given.rstrip("/")
    return ""


def _key_env(form: Form, preset: Preset) -> str:
    if form.node_of("key_file") is not None and form.node_of("key_env") is None:
        return ""
    name = form.text("key_env", preset.key_env)
    if not name:
        return ""
    if not _ENV_NAME.match(name) or not any(word in name for word in _KEYLIKE):
        form.complain(
            "key_env",
            f"must be the name of an environment variable, in capitals, that says KEY, TOKEN or SECRET; {_NO_KEYS}",
        )
        return ""
    return name


def _headers(form: Form) -> dict[str, str]:
    headers: dict[str, str] = {}
    inner = form.form("headers")
    for name, _ in form.entries("headers"):
        value = inner.text(name)
        if name.lower() in _CONNECTIONS:
            inner.complain(name, "belongs to the connection, and is set by it")
        elif name.lower() in _SECRET_HEADERS:
            inner.complain(name, _NO_KEYS)
        elif not _HEADER_NAME.match(name) or not value.isascii() or not value.isprintable():
            inner.complain(name, "must be a header's name and one line of plain ASCII")
        else:
            headers[name] = value
    return headers


def _price(form: Form) -> Price:
    inner = form.form("price")
    price = Price(inner.number("input", 0.0), inner.number("output", 0.0))
    inner.done()
    return price


def _timeouts(form: Form, kind: ProviderKind) -> Timeouts:
    usual = Timeouts() if kind == "openai" else Timeouts(first_token=20.0, idle=20.0, total=120.0)
    inner = form.form("timeout")
    timeouts = Timeouts(
        connect=inner.number("connect", usual.connect, least=0.01, most=600.0),
        first_token=inner.number("first_token", usual.first_token, least=0.01, most=600.0),
        idle=inner.number("idle", usual.idle, least=0.01, most=600.0),
        total=inner.number("total", usual.total, least=0.01, most=3600.0),
    )
    inner.done()
    return timeouts


def _sampling(form: Form) -> Sampling:
    inner = form.form("options")
    fields = inner.json("extra") or {}
    for field in sorted(_OWN_FIELDS & set(fields)):
        inner.complain("extra", f"{field!r} is the gateway's to set")
    sampling = Sampling(
        temperature=inner.number("temperature", 0.0, most=2.0) if inner.node_of("temperature") else None,
        max_tokens=inner.whole("max_tokens", 1, least=1, most=10_000_000) if inner.node_of("max_tokens") else None,
        extra=fields,
    )
    inner.done()
    return sampling
