"""Every published operation × who asks: only those who may are let in.

A new operation needs a row in matrix.py; the first tests say which is missing. Of ids they name: test_foreign_ids.py.
"""

from collections.abc import Callable, Iterator

import pytest

from chassis.testing import EVERY_SCOPE
from dev.stack import Stack

from .asks import Sender
from .credentials import Forge
from .matrix import REQUESTS
from .operations import OPERATIONS, Operation
from .people import Person, furnish, sign_up

OF_USERS = [operation for operation in OPERATIONS if operation.scope]
OF_SERVICES = [operation for operation in OPERATIONS if operation.callers]
OF_ANYBODY = [operation for operation in OPERATIONS if operation.policy == "public"]
REFUSING_KEYS = [operation for operation in OF_USERS if "no keys" in operation.policy]
REFUSING_GUESTS = [operation for operation in OF_USERS if "no guests" in operation.policy]

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_of_users = pytest.mark.parametrize("operation", OF_USERS, ids=str)
each_of_services = pytest.mark.parametrize("operation", OF_SERVICES, ids=str)


@pytest.fixture(scope="session")
def signed_out(stack: Stack) -> Iterator[Person]:
    """Their access token is still good for minutes; their session has ended."""
    with sign_up(stack.url) as person:
        body = {"refresh_token": person.tokens["refresh_token"]}
        person.http.post("/v1/auth/logout", json=body).raise_for_status()
        yield person


def test_every_published_operation_has_its_row() -> None:
    names = {operation.name for operation in OPERATIONS}

    assert not names - REQUESTS.keys(), f"matrix.py lacks {sorted(names - REQUESTS.keys())}"
    assert not REQUESTS.keys() - names, f"matrix.py has rows for what is gone: {sorted(REQUESTS.keys() - names)}"


@each_operation
def test_every_place_for_an_id_is_filled_in_or_explained(operation: Operation) -> None:
    row = REQUESTS[operation.name]
    filled_in = {place for ask in row.asks for place in ask.positions}

    assert not operation.id_positions - filled_in - row.no_ids.keys()
    assert row.no_ids.keys() <= operation.id_positions - filled_in


@each_operation
def test_every_policy_is_one_that_this_matrix_knows(operation: Operation) -> None:
    assert operation in OF_USERS + OF_SERVICES + OF_ANYBODY, operation.policy


@each_operation
def test_whoever_may_is_let_in(
    operation: Operation, sender: Sender, forge: Forge, eve: Person, newcomer: Callable[[], Person]
) -> None:
    for ask in REQUESTS[operation.name].asks:
        for directly in operation.doors:
            person = furnish(newcomer(), ask.positions.values()) if ask.spends else eve

            answer = sender.send(operation, ask.by(person), rightful(operation, person, forge), directly=directly)

            assert answer.status_code == ask.answers, answer.text


def rightful(operation: Operation, person: Person, forge: Forge) -> str | None:
    """The credential that the operation's policy asks for."""
    if operation.callers:
        return forge.service(operation.callers[0], operation.service)
    return person.token if operation.scope else None


NO_CREDENTIALS: dict[str, Callable[[Forge, Person], str | None]] = {
    "nobody": lambda forge, person: None,
    "garbage": lambda forge, person: "garbage.garbage.garbage",
    "an expired token": lambda forge, person: forge.expired(person.token),
    "a refresh token": lambda forge, person: str(person.tokens["refresh_token"]),
    "chat's token for memory": lambda forge, person: forge.service("chat", "memory"),
    "chat's token for files": lambda forge, person: forge.service("chat", "files"),
    "chat's token for analytics": lambda forge, person: forge.service("chat", "analytics"),
}


@pytest.mark.parametrize("who", NO_CREDENTIALS)
@each_of_users
def test_without_a_users_credential_nobody_is_let_in(
    operation: Operation, who: str, sender: Sender, forge: Forge, eve: Person
) -> None:
    for ask in REQUESTS[operation.name].asks:
        for answer in sender.everywhere(operation, ask.by(eve), NO_CREDENTIALS[who](forge, eve)):
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@each_of_users
def test_a_token_of_an_ended_session_opens_nothing_at_the_gateway(
    operation: Operation, sender: Sender, signed_out: Person, eve: Person
) -> None:
    ask = REQUESTS[operation.name].asks[0].by(eve)

    answer = sender.send(operation, ask, signed_out.token, directly=False)

    assert answer.status_code == 401


@each_of_users
def test_a_credential_that_lacks_the_scope_is_refused(
    operation: Operation, sender: Sender, forge: Forge, eve: Person
) -> None:
    others = [scope for scope in [*EVERY_SCOPE.split(), "admin"] if scope != operation.scope]
    lacking = forge.anew(eve.token, scope=" ".join(others))

    for answer in sender.everywhere(operation, REQUESTS[operation.name].asks[0].by(eve), lacking):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("operation", REFUSING_KEYS, ids=str)
def test_what_refuses_api_keys_refuses_them_whatever_their_scopes(
    operation: Operation, sender: Sender, forge: Forge, eve: Person
) -> None:
    ask = REQUESTS[operation.name].asks[0].by(eve)
    with_every_scope = forge.anew(eve.token, key=eve.things["key"])

    assert sender.send(operation, ask, eve.api_key, directly=False).status_code == 403
    assert sender.send(operation, ask, with_every_scope, directly=True).status_code == 403


@pytest.mark.parametrize("operation", [each for each in OF_USERS if each not in REFUSING_KEYS], ids=str)
def test_an_api_key_opens_what_its_scopes_say_at_the_gateway_alone(
    operation: Operation, sender: Sender, eve: Person, newcomer: Callable[[], Person]
) -> None:
    plain = REQUESTS[operation.name].asks[0]
    person = furnish(newcomer(), {"key", *plain.positions.values()}) if plain.spends else eve

    assert sender.send(operation, plain.by(person), person.api_key, directly=True).status_code == 401
    assert sender.send(operation, plain.by(person), person.api_key, directly=False).status_code == plain.answers


@pytest.mark.parametrize("operation", REFUSING_GUESTS, ids=str)
def test_what_refuses_guests_refuses_them(operation: Operation, sender: Sender, eve: Person, guest: Person) -> None:
    for answer in sender.everywhere(operation, REQUESTS[operation.name].asks[0].by(eve), guest.token):
        assert answer.status_code == 403


WRONG_SERVICES: dict[str, Callable[[Forge, Person, Operation], str | None]] = {
    "nobody": lambda forge, person, operation: None,
    "garbage": lambda forge, person, operation: "garbage.garbage.garbage",
    "a user": lambda forge, person, operation: person.token,
    "an API key": lambda forge, person, operation: person.api_key,
    "a user named like the service": lambda forge, person, operation: forge.anew(
        person.token, sub=operation.callers[0], aud=operation.service
    ),
    "the service itself": lambda forge, person, operation: forge.service(
        operation.service, operation.service, pair=pair_of(operation)
    ),
    "a service with another pair's secret": lambda forge, person, operation: forge.service(
        *pair_of(operation), pair=next(pair for pair in forge.pairs if pair != pair_of(operation))
    ),
    "a service on its way to another": lambda forge, person, operation: forge.service(
        operation.callers[0], "another", pair=pair_of(operation)
    ),
    "a service under another's name": lambda forge, person, operation: forge.service(
        "gateway", operation.service, pair=pair_of(operation)
    ),
}


def pair_of(operation: Operation) -> tuple[str, str]:
    return operation.callers[0], operation.service


@pytest.mark.parametrize("who", WRONG_SERVICES)
@each_of_services
def test_only_the_named_services_are_let_in(
    operation: Operation, who: str, sender: Sender, forge: Forge, eve: Person
) -> None:
    ask = REQUESTS[operation.name].asks[0].by(eve)

    answer = sender.send(operation, ask, WRONG_SERVICES[who](forge, eve, operation), directly=True)

    assert answer.status_code == 401


@each_of_services
def test_a_neighbour_that_is_known_but_not_named_is_refused(
    operation: Operation, sender: Sender, forge: Forge, eve: Person
) -> None:
    ask = REQUESTS[operation.name].asks[0].by(eve)
    others = [pair for pair in forge.pairs if pair[1] == operation.service and pair[0] not in operation.callers]

    for pair in others:
        assert sender.send(operation, ask, forge.service(*pair), directly=True).status_code == 403


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.is_internal], ids=str)
def test_the_gateway_leads_to_no_internal_operation(
    operation: Operation, sender: Sender, forge: Forge, eve: Person
) -> None:
    ask = REQUESTS[operation.name].asks[0].by(eve)
    for token in (None, eve.token, rightful(operation, eve, forge)):
        answer = sender.send(operation, ask, token, directly=False)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
