"""Reads a document of tools: everything that is wrong with it is told at once, by line and column."""

from __future__ import annotations

import pathlib
import re
from typing import Any, cast

from documents.composing import compose
from documents.hints import did_you_mean
from documents.nodes import plain_value
from documents.problems import Problems
from fetching.headers import broken_header
from fetching.pinned import Allowed
from schemas.errors import ConfigurationError
from schemas.tools import ToolSpec
from tools import secrets, urls
from tools.checking import Checker
from tools.confirming import holes
from tools.declarations import Declarations, Http, Method, Tool
from tools.fields import Fields, Path
from tools.json_schema import BrokenSchema, written_out

SHIPPED = pathlib.Path(__file__).parent / "shipped" / "demo_shop.yaml"
MOST_TOOLS = 128  # that a model can be offered at once (OpenAI's limit)
TIMEOUT_S, LONGEST_TIMEOUT_S = 10.0, 120.0
RESULT_BYTES, MOST_RESULT_BYTES = 64 * 1024, 1024 * 1024
LANGUAGES = ("en", "zh")

_KEYS = (
    "name", "description", "parameters", "result", "http", "python", "timeout_s", "max_result_bytes", "confirm",
    "offered", "tenants", "idempotent", "read_only", "reconcile",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FUNCTION = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*:[A-Za-z]\w*", re.ASCII)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# With one of these, what may be there is not in `properties` alone.
_COMBINING = frozenset({"$ref", "allOf", "anyOf", "dependentSchemas", "if", "oneOf"})
_OWN_HEADERS = frozenset({"idempotency-key", "x-kefu-session", "content-type", "accept", "user-agent"})


def read(text: str, *, source: str = "tools") -> Declarations:
    """Raises InvalidDefinition with a line for each problem. Pure, and takes CPU: up to a second for 256 KB.

    `source` names the document in messages. Whether the functions and secrets that it names are there shows in calls.
    """
    problems = Problems(source)
    root = compose(text, problems)
    data = plain_value(root, problems)
    problems.raise_any()
    reading = _Reading(root, problems)
    tools: dict[str, Tool] = {}
    if reading.mapping((), data, ("tools",)):
        listed = data.get("tools")
        if not isinstance(listed, list) or not listed:
            reading.add(("tools",), "must be a list of tools")
        elif len(listed) > MOST_TOOLS:
            reading.add(("tools",), f"has {len(listed)} tools; {MOST_TOOLS} are allowed")
        else:
            for number, given in enumerate(listed):
                tool = reading.tool(("tools", number), given)
                if tool is None:
                    continue
                if tool.spec.name in tools:
                    reading.add(("tools", number, "name"), f"{tool.spec.name!r} is declared twice")
                tools[tool.spec.name] = tool
    problems.raise_any()
    return Declarations(tools)


def shipped() -> Declarations:
    """The demo shop's tools, as they come with Kefu."""
    return read(SHIPPED.read_text(encoding="utf-8"), source=SHIPPED.name)


class _Reading(Fields):
    """Tools, one after the other."""

    def tool(self, path: Path, given: Any) -> Tool | None:
        """None if anything in it is wrong."""
        before = self.failed
        if not self.mapping(path, given, _KEYS):
            return None
        name = self._name((*path, "name"), given.get("name"))
        description = self.text((*path, "description"), given.get("description"), 2_000)
        parameters = self._parameters((*path, "parameters"), given.get("parameters", {"type": "object"}))
        result = self._schema((*path, "result"), given["result"]) if "result" in given else None
        http = self._http(path, given, parameters) if "http" in given else None
        python = self._python((*path, "python"), given["python"], parameters) if "python" in given else ""
        if ("http" in given) == ("python" in given):
            self.add(path, "needs http or python, and not both: where it is served")
        if "reconcile" in given and "http" not in given:
            self.add((*path, "reconcile"), "is for tools with http; a Python function says idempotent: true")
        confirm = self._confirm((*path, "confirm"), given.get("confirm", {}), parameters)
        timeout_s = self.number((*path, "timeout_s"), given.get("timeout_s", TIMEOUT_S), 0.1, LONGEST_TIMEOUT_S)
        most = self.number(
            (*path, "max_result_bytes"), given.get("max_result_bytes", RESULT_BYTES), 64, MOST_RESULT_BYTES
        )
        flags = {
            flag: self.truth((*path, flag), given.get(flag, default))
            for flag, default in (
                ("offered", True),
                ("idempotent", False),
                # GET is safe by definition (RFC 9110, 9.2.1); an endpoint that breaks this has to be declared so.
                ("read_only", http is not None and http.method == "GET"),
            )
        }
        tenants = self.texts((*path, "tenants"), given.get("tenants", []))
        if "tenants" in given and not tenants:
            self.add((*path, "tenants"), "must name a tenant; leave it out if all of them may call it")
        if self.failed > before:
            return None
        return Tool(
            spec=ToolSpec(name, description, parameters),
            parameters=Checker(written_out(parameters)),
            result=result,
            http=http,
            python=python,
            timeout_s=float(timeout_s),
            max_result_bytes=int(most),
            confirm=confirm,
            tenants=frozenset(tenants),
            **flags,
        )

    def _name(self, path: Path, given: Any) -> str:
        if not isinstance(given, str) or not _NAME.fullmatch(given):
            self.add(path, "must be 1 to 64 letters, digits, _ and -")
            return ""
        return given

    def _parameters(self, path: Path, given: Any) -> dict[str, Any]:
        if self._schema(path, given) is None:
            return {}
        if not isinstance(given, dict) or given.get("type") != "object":
            self.add(path, "must have type: object; a tool takes named arguments")
            return {}
        closed: dict[str, Any] = {"properties": {}}
        if not given.keys() & _COMBINING:
            # What was not declared would reach the endpoint unchecked.
            closed["additionalProperties"] = False
        return closed | given

    def _schema(self, path: Path, given: Any) -> Checker | None:
        try:
            return Checker(written_out(given))
        except BrokenSchema as error:
            self.add((*path, *error.path), str(error))
            return None

    def _http(self, tool: Path, given: Any, parameters: dict[str, Any]) -> Http | None:
        path, given_http = (*tool, "http"), given["http"]
        if not self.mapping(path, given_http, ("url", "method", "headers", "allow")):
            return None
        method = given_http.get("method", "POST")
        if method not in _METHODS:
            self.add((*path, "method"), f"must be one of {', '.join(_METHODS)}")
            method = "POST"
        url = self._url((*path, "url"), given_http.get("url"), parameters, ())
        reconcile = (
            self._reconcile((*tool, "reconcile"), given["reconcile"], parameters) if "reconcile" in given else ""
        )
        headers = self._headers((*path, "headers"), given_http.get("headers", {}))
        allow = self.texts((*path, "allow"), given_http.get("allow", []))
        try:
            Allowed(allow)
        except ConfigurationError as error:
            self.add((*path, "allow"), error.detail)
        return Http(url, cast(Method, method), headers, allow, reconcile)

    def _reconcile(self, path: Path, given: Any, parameters: dict[str, Any]) -> str:
        if not self.mapping(path, given, ("url", "method")):
            return ""
        if given.get("method", "GET") != "GET":
            self.add((*path, "method"), "must be GET: to ask must change nothing")
        url = self._url((*path, "url"), given.get("url"), parameters, (urls.KEY,))
        if url and urls.KEY not in urls.holes(url):
            self.add((*path, "url"), f"must contain {{{urls.KEY}}}: what it asks about")
        return url

    def _url(self, path: Path, given: Any, parameters: dict[str, Any], known: tuple[str, ...]) -> str:
        url = self.text(path, given, 2_000)
        if not url:
            return ""
        try:
            named = urls.holes(url)
        except ValueError as error:
            self.add(path, str(error))
            return ""
        for name in named:
            if name not in known and name not in parameters.get("required", ()):
                self.add(path, f"{{{name}}} must be among the required parameters")
        return url

    def _headers(self, path: Path, given: Any) -> dict[str, str]:
        if not isinstance(given, dict):
            self.add(path, "must be a mapping of names to texts")
            return {}
        for name, value in given.items():
            if why := self._header(name, value):
                self.add((*path, name), why)
        return {name: value for name, value in given.items() if isinstance(value, str)}

    def _header(self, name: str, value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be text; put it in quotes"
        if name.lower() in _OWN_HEADERS:
            return "is set by Kefu"
        try:
            secrets.names_in(value)
        except ValueError as error:
            return str(error)
        if secrets.looks_secret(name, value):
            return "seems to be a key written out; name it, as ${KEFU_TOOL_NAME} or ${file:name}: this text is kept"
        return broken_header(name, secrets.NAMED.sub("x", value))

    def _python(self, path: Path, given: Any, parameters: dict[str, Any]) -> str:
        if not isinstance(given, str) or not _FUNCTION.fullmatch(given):
            self.add(path, "must be package.module:function, and no name in it may begin with _")
            return ""
        for name in parameters.get("properties", {}):
            if not name.isidentifier() or name == "context":
                self.add(path, f"parameter {name[:60]!r} cannot be passed to a Python function; rename it")
        return given

    def _confirm(self, path: Path, given: Any, parameters: dict[str, Any]) -> dict[str, str]:
        if not self.mapping(path, given, LANGUAGES):
            return {}
        return {
            language: self._hole_text((*path, language), text, parameters)
            for language, text in given.items()
            if language in LANGUAGES
        }

    def _hole_text(self, path: Path, given: Any, parameters: dict[str, Any]) -> str:
        text = self.text(path, given, 1_000)
        try:
            named = holes(text)
        except ValueError as error:
            self.add(path, str(error))
            return ""
        known = parameters.get("properties", {})
        for first, *_ in named:
            if first not in known:
                self.add(path, f"{{{{ arguments.{first} }}}} is no parameter of the tool{did_you_mean(first, known)}")
        return text
