"""Every operation that the services publish, and every place in it where a caller may put an id."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SERVICES = ("auth", "chat", "memory", "files", "analytics")
HOLDS_AN_ID = re.compile(r"(.+[_-])?ids?(\[\])?|conversation|replaces|after|before|tail\[\]|parent|key")
"""Names of parameters and properties that hold, or may hold, the id of something that belongs to somebody."""


@dataclass(frozen=True)
class Operation:
    """One operation of one service's OpenAPI document."""

    service: str
    method: str
    path: str
    document: dict[str, Any]
    schemas: dict[str, Any]

    @property
    def name(self) -> str:
        """Operation ids are unique within a service only."""
        return f"{self.service}.{self.document['operationId']}"

    @property
    def policy(self) -> str:
        return str(self.document["x-policy"])

    @property
    def is_internal(self) -> bool:
        return self.path.startswith("/internal/")

    @property
    def doors(self) -> list[bool]:
        """Through the gateway (False), which leads to nothing internal, and directly (True)."""
        return [True] if self.is_internal else [False, True]

    @property
    def scope(self) -> str:
        """What `user <scope>[, no keys][, no guests]` names; empty for other policies."""
        found = re.match(r"user ([a-z:]+)", self.policy)
        return found[1] if found else ""

    @property
    def callers(self) -> list[str]:
        """The services that may call it."""
        return self.policy.split()[1:] if self.policy.startswith("service ") else []

    @cached_property
    def id_positions(self) -> set[str]:
        """Such as `path.file_id`, `query.after`, `body.input[].content[].file_id`."""
        found = {f"{one['in']}.{one['name']}" for one in self.document.get("parameters", [])}
        for content in self.document.get("requestBody", {}).get("content", {}).values():
            found |= set(self._properties(content["schema"], "body", frozenset()))
        return {position for position in found if HOLDS_AN_ID.fullmatch(position.rpartition(".")[2].lower())}

    def _properties(self, schema: dict[str, Any], at: str, seen: frozenset[str]) -> Iterator[str]:
        name = schema.get("$ref", "").rpartition("/")[2]
        if name in seen:
            return
        if name:
            schema, seen = self.schemas[name], seen | {name}
        if at != "body" and schema.get("type") != "array":
            yield at
        for key, inner in schema.get("properties", {}).items():
            yield from self._properties(inner, f"{at}.{key}", seen)
        for kind in ("anyOf", "oneOf", "allOf"):
            for inner in schema.get(kind, []):
                yield from self._properties(inner, at, seen)
        if isinstance(schema.get("items"), dict):
            yield from self._properties(schema["items"], f"{at}[]", seen)

    def __str__(self) -> str:
        return self.name


def published() -> list[Operation]:
    """All operations of all documents."""
    found = []
    for service in SERVICES:
        document = json.loads((ROOT / f"{service}-service/contracts/openapi.json").read_text())
        schemas = document.get("components", {}).get("schemas", {})
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                found.append(Operation(service, method.upper(), path, operation, schemas))
    return found


OPERATIONS = published()
