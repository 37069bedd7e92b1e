"""Every place for an id × whose id: another's is answered as one that names nothing, and changes nothing."""

import json
from typing import Any

import httpx
import pytest

from .asks import Ask, Sender
from .credentials import Forge
from .matrix import REQUESTS
from .operations import OPERATIONS, Operation
from .people import Person, missing

PLACES = [
    pytest.param(operation, ask, place, id=f"{operation}-{number}-{place}")
    for operation in OPERATIONS
    for number, ask in enumerate(REQUESTS[operation.name].asks if operation.name in REQUESTS else [])
    for place in ask.positions
]
VIEWS = (
    "/v1/auth/me",
    "/v1/auth/sessions",
    "/v1/auth/keys",
    "/v1/auth/keys/{key}",
    "/v1/conversations",
    "/v1/conversations/{conversation}",
    "/v1/conversations/{conversation}/items",
    "/v1/responses/{response}",
    "/v1/files",
    "/v1/files/{file}",
    "/v1/files/{file}/text",
    "/v1/memory/conversations/{conversation}",
    "/v1/memory/facts",
    "/v1/memory/facts/{fact}",
    "/v1/memory/facts/{fact}/history",
    "/v1/usage",
)


def belongings(person: Person) -> list[Any]:
    """All that the person sees of their own."""
    return [person.get(view.format(**person.things)) for view in VIEWS]


def token_of(person: Person, operation: Operation, forge: Forge) -> str | None:
    """Their own; where a service asks for them, the service's."""
    return forge.service(operation.callers[0], operation.service) if operation.callers else person.token


def answered(answer: httpx.Response, asked_for: str) -> tuple[int, str | None, str]:
    """All but the request's id and the id that was asked for."""
    text = answer.text
    if answer.headers.get("content-type", "").endswith("json"):
        text = json.dumps({name: value for name, value in answer.json().items() if name != "request_id"})
    return answer.status_code, answer.headers.get("content-type"), text.replace(asked_for, "…")


@pytest.fixture(scope="module")
def hers(ada: Person) -> list[Any]:
    """What Ada sees before anybody tries anything."""
    return belongings(ada)


@pytest.mark.parametrize("asker", ["eve", "guest"])
@pytest.mark.parametrize(("operation", "ask", "place"), PLACES)
def test_anothers_id_is_answered_as_one_that_names_nothing_and_changes_nothing(
    operation: Operation,
    ask: Ask,
    place: str,
    asker: str,
    request: pytest.FixtureRequest,
    sender: Sender,
    forge: Forge,
    ada: Person,
    hers: list[Any],
) -> None:
    person = request.getfixturevalue(asker)
    foreign = ada.things[ask.positions[place]]
    nothing = missing(foreign)
    token = token_of(person, operation, forge)
    refused_as_guest = asker == "guest" and "no guests" in operation.policy

    for directly in operation.doors:
        about_nothing = sender.send(operation, ask.by(person, {place: nothing}), token, directly=directly)
        about_hers = sender.send(operation, ask.by(person, {place: foreign}), token, directly=directly)

        assert answered(about_hers, foreign) == answered(about_nothing, nothing)
        assert about_hers.status_code == (403 if refused_as_guest else ask.unknown)
        assert ada.canary not in about_hers.text
    assert belongings(ada) == hers


@pytest.mark.parametrize("spelling", ["{{{0}}}", "{0}%00", "%20{0}", "{0}/", "{0}%0a", "{0}.json", "./{0}", "{0},{0}"])
@pytest.mark.parametrize("view", [view for view in VIEWS if "{" in view])
def test_another_spelling_of_anothers_id_finds_nothing_either(
    view: str, spelling: str, ada: Person, eve: Person
) -> None:
    spelled = {kind: spelling.format(each) for kind, each in ada.things.items()}

    answer = eve.http.get(view.format(**spelled))

    assert answer.status_code in (400, 404, 422)
    assert ada.canary not in answer.text
