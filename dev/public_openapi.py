"""Merges the OpenAPI documents of the services into the public one: what the gateway routes, nothing internal."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

PUBLIC_PREFIXES = ("/v1/", "/.well-known/")
REFERENCE = "#/components/schemas/"
INFO = {
    "title": "Deepthinks",
    "version": "0.1.0",
    "description": "A self-hosted chat backend; it speaks OpenAI's API and adds what that lacks.",
}

Document = Mapping[str, Any]


class ContractClash(Exception):
    """Two services publish the same path, operation id or name, so that one document cannot hold both."""


def merge(documents: Mapping[str, Document]) -> dict[str, Any]:
    """The public document of the services, named by the keys. Raises `ContractClash`."""
    published = {service: _only_public(document) for service, document in documents.items()}
    clashing = _clashing_names(published)
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    security: dict[str, Any] = {}
    for service, own in published.items():
        document = _renamed(own, {name: f"{service.capitalize()}{name}" for name in own["schemas"] if name in clashing})
        _add(paths, document["paths"], "path")
        _add(schemas, document["schemas"], "schema", same_is_fine=True)
        _add(security, document["security"], "security scheme", same_is_fine=True)
    _refuse_double_operation_ids(paths)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": security},
    }


def _only_public(document: Document) -> dict[str, Any]:
    """Public paths, and the schemas that they lead to."""
    paths = {path: item for path, item in document["paths"].items() if path.startswith(PUBLIC_PREFIXES)}
    components = document.get("components", {})
    every = components.get("schemas", {})
    found: dict[str, Any] = {}
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = every[name]
            waiting.extend(_references(every[name]))
    return {"paths": paths, "schemas": found, "security": components.get("securitySchemes", {})}


def _clashing_names(published: Mapping[str, Document]) -> set[str]:
    """Names that stand for different things: by their own content, or because they lead to such a name."""
    meanings: dict[str, list[Any]] = defaultdict(list)
    for document in published.values():
        for name, schema in document["schemas"].items():
            meanings[name].append(schema)
    shared = {name: schemas for name, schemas in meanings.items() if len(schemas) > 1}
    clashing = {name for name, schemas in shared.items() if any(schema != schemas[0] for schema in schemas)}
    while True:
        led = {
            name
            for name, schemas in shared.items()
            if name not in clashing and any(reference in clashing for reference in _references(schemas))
        }
        if not led:
            return clashing
        clashing |= led


def _renamed(document: Document, names: Mapping[str, str]) -> Document:
    if taken := set(names.values()) & set(document["schemas"]):
        raise ContractClash(f"schema names already taken: {', '.join(sorted(taken))}")
    schemas = {names.get(name, name): schema for name, schema in document["schemas"].items()}
    return {
        "paths": _rewritten(document["paths"], names),
        "schemas": _rewritten(schemas, names),
        "security": document["security"],
    }


def _rewritten(node: Any, names: Mapping[str, str]) -> Any:
    """The same JSON with references to renamed schemas put right."""
    if isinstance(node, dict):
        return {key: _rewritten(value, names) for key, value in node.items()}
    if isinstance(node, list):
        return [_rewritten(value, names) for value in node]
    if isinstance(node, str) and node.startswith(REFERENCE):
        name = node.removeprefix(REFERENCE)
        return REFERENCE + names.get(name, name)
    return node


def _references(node: Any) -> Iterator[str]:
    """Names of schemas mentioned anywhere in it: by `$ref`, or in the mapping of a discriminator."""
    if isinstance(node, dict):
        yield from _references(list(node.values()))
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
    elif isinstance(node, str) and node.startswith(REFERENCE):
        yield node.removeprefix(REFERENCE)


def _add(target: dict[str, Any], more: Mapping[str, Any], what: str, *, same_is_fine: bool = False) -> None:
    for name, value in more.items():
        if name in target and not (same_is_fine and target[name] == value):
            raise ContractClash(f"two services publish the {what} {name}")
        target[name] = value


def _refuse_double_operation_ids(paths: Mapping[str, Mapping[str, Any]]) -> None:
    ids = [
        operation["operationId"]
        for item in paths.values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ContractClash(f"operation ids used twice: {', '.join(twice)}")
