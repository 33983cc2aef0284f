"""JSON Schemas of tools: which are taken, and checking values against them in bounded time.

A schema is taken with its local references written out, so that checking it never recurses more than it is deep, and
with the keywords of Draft 2020-12 whose cost is bounded. Sources: json-schema.org/draft/2020-12, and `jsonschema`.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from documents.hints import did_you_mean
from tools.fields import Path
from tools.patterns import compiled

DEEPEST = 32
WIDEST = 5_000
"""Values in a schema, once its references are written out."""

_SCHEMA = frozenset({"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"})
_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"$defs", "dependentSchemas", "properties"})
_PLAIN = frozenset({
    "$comment", "$schema", "const", "contentEncoding", "contentMediaType", "default", "dependentRequired",
    "deprecated", "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains",
    "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties",
    "minimum", "multipleOf", "pattern", "readOnly", "required", "title", "type", "uniqueItems", "writeOnly",
})  # fmt: skip
_KNOWN = _SCHEMA | _SCHEMAS | _NAMED | _PLAIN | {"$ref"}
_REFUSED = {
    "patternProperties": "use propertyNames with a pattern, and additionalProperties",
    "unevaluatedProperties": "use additionalProperties",
    "unevaluatedItems": "use items after prefixItems",
    "$dynamicRef": "use $ref to #/$defs/...",
    "$dynamicAnchor": "use $ref to #/$defs/...",
    "$anchor": "use $ref to #/$defs/...",
    "$id": "leave it out; references are to #/$defs/... of the same schema",
    "$vocabulary": "leave it out",
    "definitions": "call it $defs",
    "dependencies": "use dependentRequired or dependentSchemas",
    "nullable": 'use type: [..., "null"]',
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NO_FORMATS = FormatChecker(())


class BrokenSchema(ValueError):
    """`path`: where in the schema."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def written_out(schema: Any) -> dict[str, Any]:
    """The schema without references. BrokenSchema if it is none, or is not taken."""
    if not isinstance(schema, dict):
        raise BrokenSchema((), "must be a JSON Schema, which is a mapping")
    definitions = schema.get("$defs", {})
    walk = _Walk(definitions if isinstance(definitions, dict) else {})
    out = walk.schema(schema, (), ())
    for name in walk.definitions:
        walk.schema(walk.definitions[name], ("$defs", name), (name,))
    try:
        # References are gone, so the meta-schema is all that this can look up, and it is part of the library.
        Draft202012Validator.check_schema(out, format_checker=_NO_FORMATS)
    except SchemaError as error:
        raise BrokenSchema(tuple(error.absolute_path), error.message[:300]) from None
    assert isinstance(out, dict)
    return out


class _Walk:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self.definitions = definitions
        self._values = 0

    def schema(self, schema: Any, path: Path, inside: tuple[str, ...]) -> Any:
        """`inside`: names of the definitions that are being written out here."""
        self._count(path)
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise BrokenSchema(path, "must be a JSON Schema: a mapping, true or false")
        if len(path) + len(inside) > 2 * DEEPEST:
            raise BrokenSchema(path, f"is nested more than {DEEPEST} deep")
        out: dict[str, Any] = {}
        for key, value in schema.items():
            here = (*path, key)
            self._check_keyword(here, key)
            if key in _SCHEMA:
                out[key] = self.schema(value, here, inside)
            elif key in _SCHEMAS:
                if not isinstance(value, list):
                    raise BrokenSchema(here, "must be a list of schemas")
                out[key] = [self.schema(each, (*here, n), inside) for n, each in enumerate(value)]
            elif key in _NAMED:
                if not isinstance(value, dict):
                    raise BrokenSchema(here, "must be a mapping of names to schemas")
                if key != "$defs":
                    out[key] = {name: self.schema(each, (*here, name), inside) for name, each in value.items()}
            elif key != "$ref":
                self._check_plain(here, key, value)
                out[key] = value
        if "$ref" not in schema:
            return out
        target = self._referred((*path, "$ref"), schema["$ref"], inside)
        if not out or target is True:
            return out or target
        return out | {"allOf": [*out.get("allOf", []), target]}

    def _referred(self, path: Path, reference: Any, inside: tuple[str, ...]) -> Any:
        prefix = "#/$defs/"
        if not isinstance(reference, str) or not reference.startswith(prefix):
            raise BrokenSchema(path, f"refers to {str(reference)[:100]!r}; only {prefix}... of the same schema is read")
        name = reference.removeprefix(prefix).replace("~1", "/").replace("~0", "~")
        if name not in self.definitions:
            raise BrokenSchema(
                path, f"refers to {name[:100]!r}, which is not in $defs{did_you_mean(name, self.definitions)}"
            )
        if name in inside:
            raise BrokenSchema(
                path, f"refers to {name[:100]!r} from within itself; a schema that never ends is not read"
            )
        return self.schema(self.definitions[name], path, (*inside, name))

    def _check_keyword(self, path: Path, key: str) -> None:
        if key in _REFUSED:
            raise BrokenSchema(path, f"is not read; {_REFUSED[key]}")
        if key not in _KNOWN and not key.startswith("x-"):
            raise BrokenSchema(path, f"is no keyword of JSON Schema{did_you_mean(key, _KNOWN)}")

    def _check_plain(self, path: Path, key: str, value: Any) -> None:
        values = _size(value, path)
        self._values += values
        self._count(path)
        if key == "$schema" and value != _DIALECT:
            raise BrokenSchema(path, f"must be {_DIALECT}, or be left out")
        if key == "pattern" and isinstance(value, str):
            try:
                compiled(value)
            except ValueError as error:
                raise BrokenSchema(path, str(error)) from None
        if key == "multipleOf" and isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            raise BrokenSchema(path, "must be greater than 0")

    def _count(self, path: Path) -> None:
        self._values += 1
        if self._values > WIDEST:
            raise BrokenSchema(path, f"makes the schema larger than {WIDEST} values, references written out")


def _size(value: Any, path: Path) -> int:
    """How many values are in it. BrokenSchema if it is nested too deeply, or is more than JSON can hold."""
    count = 0
    level = [value]
    for _ in range(DEEPEST):
        count += len(level)
        level = [
            inner
            for each in level
            if isinstance(each, list | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return count
    raise BrokenSchema(path, f"is nested more than {DEEPEST} deep")
