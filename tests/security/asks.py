"""How an operation is asked for: requests with places for ids in them, and what sends them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import httpx

from dev.stack import Stack

from .operations import Operation
from .people import Person


@dataclass(frozen=True)
class Id:
    """The id of a thing of this kind: the asker's own, another's, or one that names nothing."""

    kind: str


@dataclass(frozen=True)
class Of:
    """Something else that depends on who asks."""

    value: Callable[[Person], Any]


@dataclass(frozen=True)
class Ask:
    """A request. `{name}` in the operation's path is replaced by `path[name]`; `form` makes it multipart."""

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, Any] | None = None
    answers: int = 200
    """What whoever may gets, with things of their own."""
    unknown: int = 404
    """What an id that names nothing gets, and therefore another's."""
    spends: bool = False
    """It takes away something that other tests may still want."""
    headers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def positions(self) -> dict[str, str]:
        """Where it holds ids, and of what kind."""
        return {place: leaf.kind for place, leaf in _leaves(self._parts) if isinstance(leaf, Id)}

    @property
    def _parts(self) -> dict[str, Any]:
        return {"path": self.path, "query": self.query, "body": self.body, "header": self.headers}

    def by(self, person: Person, instead: Mapping[str, str] | None = None) -> "Ask":
        """The request as `person` makes it; `instead` holds other ids for some of its positions."""

        def choose(place: str, leaf: Any) -> Any:
            if isinstance(leaf, Id):
                return (instead or {}).get(place) or person.things[leaf.kind]
            return leaf.value(person) if isinstance(leaf, Of) else leaf

        parts = {name: _replaced(part, name, choose) for name, part in self._parts.items()}
        return replace(self, path=parts["path"], query=parts["query"], body=parts["body"], headers=parts["header"])


class Row(NamedTuple):
    """All requests for one operation; `no_ids` are its places that look like ids and name nobody's thing, and why."""

    asks: list[Ask]
    no_ids: Mapping[str, str]


def ask(*asks: Ask, no_ids: Mapping[str, str] | None = None) -> Row:
    return Row(list(asks) or [Ask()], no_ids or {})


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{at}[]")
    else:
        yield at, value


def _replaced(value: Any, at: str, choose: Callable[[str, Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _replaced(inner, f"{at}.{name}", choose) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, f"{at}[]", choose) for inner in value]
    return choose(at, value)


class Sender:
    """Sends filled-in requests, through the gateway or directly to the service."""

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        self._stack = stack
        self._http = http

    def send(self, operation: Operation, ask: Ask, token: str | None, *, directly: bool) -> httpx.Response:
        base = f"http://127.0.0.1:{self._stack.addresses[operation.service]}" if directly else self._stack.url
        return self._http.request(
            operation.method,
            base + operation.path.format(**ask.path),
            params=dict(ask.query),
            json=ask.body,
            data=ask.form,
            files={"file": ("mine.txt", b"mine")} if ask.form is not None else None,
            headers={**ask.headers, **({"authorization": f"Bearer {token}"} if token else {})},
        )

    def everywhere(self, operation: Operation, ask: Ask, token: str | None) -> list[httpx.Response]:
        return [self.send(operation, ask, token, directly=directly) for directly in operation.doors]
