"""Fills any JSON schema with a valid value, its texts and numbers taken from the conversation where they fit."""

import re
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any

from dev.offline_llm.errors import InvalidRequest
from dev.offline_llm.language import content_stems, squeezed

Schema = dict[str, Any]

_DEEPEST = 12  # below this only what is required is filled, and arrays stay as short as they may
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)")
_NAME = re.compile(r"\b[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")
_FILE = re.compile(r"(?<![\w./-])(?:[\w-]+/)*[\w-]{2,}\.[A-Za-z]\w{0,4}\b")
_FILE_NAMES = frozenset(("name", "file", "filename", "file_name", "path"))
_PLAIN_FORMATS = {
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "date-time": "2026-01-01T00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_CANDIDATES = (
    "a",
    "A",
    "0",
    "1",
    "00",
    "000",
    "0000",
    "aa",
    "AA",
    "a1",
    "A1",
    "AAA",
    "aaaa",
    "#000000",
    "1.0.0",
    "1.0",
)
_NAMED_THINGS = frozenset(("city", "location", "place", "person", "name", "country", "town", "who", "destination"))


@dataclass
class Source:
    """What values are made of: sentences by relevance, used up in turn, and the words of the question."""

    texts: list[str]
    question: str = ""
    taken: int = field(default=0, init=False)

    def next_text(self) -> str:
        """The next most relevant sentence; starts again when all were used."""
        if not self.texts:
            return "Nothing in the conversation bears on this."
        self.taken += 1
        return squeezed(self.texts[(self.taken - 1) % len(self.texts)])

    def everything(self) -> str:
        """All of it, the question first."""
        return "\n".join([self.question, *self.texts])


def filled(schema: Schema, source: Source, param: str) -> Any:
    """A value that the schema accepts. Patterns are tried against what the text offers, not generated."""
    try:
        return _Filler(schema, source).value(schema, "", 0)
    except (RecursionError, LookupError, AttributeError, TypeError, ValueError, re.error) as error:
        raise InvalidRequest(f"The JSON schema cannot be satisfied: {error}", param) from None


@dataclass(frozen=True)
class _Filler:
    root: Schema
    source: Source

    def value(self, schema: Any, name: str, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._chosen(schema["enum"])
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number" as kind:
                return self._number(schema, kind)
            case "boolean":
                return False
            case "null":
                return None
        return self._string(schema, name)

    def _resolved(self, schema: Any, depth: int) -> Schema:
        """References followed, alternatives chosen, allOf merged."""
        if not isinstance(schema, dict):
            return {}
        if "$ref" in schema:
            found: Any = self.root
            for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
                found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if step else found
            return self._resolved({**found, **{k: v for k, v in schema.items() if k != "$ref"}}, depth)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                rest = {k: v for k, v in schema.items() if k != word}
                return _merged(rest, self._resolved(self._alternative(schema[word], depth), depth))
        for part in schema.get("allOf", ()):
            schema = _merged({k: v for k, v in schema.items() if k != "allOf"}, self._resolved(part, depth))
        return schema

    def _alternative(self, choices: list[Schema], depth: int) -> Schema:
        """The first that says something; null as soon as the value is deep, so that recursion ends."""
        nulls = [choice for choice in choices if choice.get("type") == "null"]
        others = [choice for choice in choices if choice not in nulls]
        return nulls[0] if nulls and (depth >= _DEEPEST // 2 or not others) else others[0]

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        wanted = properties if depth < _DEEPEST // 3 else [name for name in properties if name in required]
        value = {name: self.value(properties[name], name, depth + 1) for name in wanted}
        extra = schema.get("additionalProperties", {})
        for name in required:
            if name not in value:
                value[name] = self.value(extra, name, depth + 1)
        while len(value) < schema.get("minProperties", 0):
            value[f"key_{len(value) + 1}"] = self.value(extra, "", depth + 1)
        return value

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        length = least if depth >= _DEEPEST else max(1, least)
        first = schema.get("prefixItems", [])
        length = min(max(length, len(first)), schema.get("maxItems", length + len(first)))
        items = schema.get("items", {})
        values: list[Any] = []
        for index in range(length):
            value = self.value(first[index] if index < len(first) else items, name, depth + 1)
            values.append(_unlike(values, value, items) if schema.get("uniqueItems") else value)
        return values

    def _chosen(self, options: list[Any]) -> Any:
        """The option the text speaks of, or the first."""
        stems = set(content_stems(self.source.everything()))
        return next((o for o in options if isinstance(o, str) and set(content_stems(o)) & stems), options[0])

    def _number(self, schema: Schema, kind: str) -> int | float:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        step = schema.get("multipleOf", 1 if kind == "integer" else None)
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        for found in [*map(float, _NUMBER.findall(self.source.question)), 0.0]:
            inside = (low is None or found >= low) and (high is None or found <= high)
            if inside and found not in (above, below) and (step is None or found % step == 0):
                return int(found) if kind == "integer" else found
        return _at_the_bound(low, high, step, above, below)

    def _string(self, schema: Schema, name: str) -> str:
        if schema.get("format") in _PLAIN_FORMATS:
            return _PLAIN_FORMATS[schema["format"]]
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            return self._matching(schema["pattern"], least, most)
        if name in _FILE_NAMES and (file := _FILE.search(self.source.question)) and least <= len(file[0]):
            return file[0] if most is None else file[0][:most]
        names = _NAME.findall(self.source.question[1:]) if set(content_stems(name.replace("_", " "))) & _NAMED else []
        text = max(names, key=len) if names else self.source.next_text()
        while len(text) < least:
            text = f"{text} {text}" if text else "-"
        return text if most is None else text[:most]

    def _matching(self, pattern: str, least: int, most: int | None) -> str:
        told = self.source.everything()
        found = [match.group() for match in re.finditer(pattern.strip("^$") or ".", told)]
        for text in [*found, *told.split(), *_CANDIDATES, *self.source.texts]:
            if re.search(pattern, text) and least <= len(text) and (most is None or len(text) <= most):
                return text
        return self.source.next_text()


_NAMED = frozenset(stem for word in _NAMED_THINGS for stem in content_stems(word))


def _at_the_bound(low: Any, high: Any, step: Any, above: Any, below: Any) -> Any:
    """The smallest number allowed, or the largest where there is no smallest."""
    if step is None:
        if low is not None and high is not None:
            return (low + high) / 2
        return low + (low == above) if low is not None else high - (high == below)
    value = ceil(low / step) * step if low is not None else floor(high / step) * step
    return value + step * (value == above) - step * (value == below)


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _merged(left: Schema, right: Schema) -> Schema:
    both = {**left, **right}
    if "properties" in left and "properties" in right:
        both["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        both["required"] = [*left["required"], *right["required"]]
    return both


def _unlike(values: list[Any], value: Any, schema: Schema) -> Any:
    """Another value when this one is there already: the next option, the next number, the text with a number."""
    options = schema.get("enum", [])
    for number in range(1, len(values) + 2):
        if value not in values:
            break
        if options:
            value = next((option for option in options if option not in values), value)
        else:
            value = value + 1 if isinstance(value, int | float) else f"{value} {number}"
    return value
