"""Attack group A: nothing but an access token that auth signed opens a door, neither the gateway's nor a service's."""

import pytest

from dev.stack import Stack
from gateway.tests.door import Answer, Door

from .credentials import Forge
from .forgeries import FORGERIES
from .people import Person

DOORS = {
    "gateway": "/v1/models",
    "auth": "/v1/auth/me",
    "chat": "/v1/conversations",
    "memory": "/v1/memory/search?q=x",
    "files": "/v1/files",
    "analytics": "/v1/usage",
}
NOT_HTTP = (400, 431)

each_door = pytest.mark.parametrize("name", DOORS)


@pytest.fixture(scope="session")
def doors(stack: Stack) -> dict[str, Door]:
    """The gateway and the five services, none of which trusts another's word."""
    return {name: Door(stack.port if name == "gateway" else stack.addresses[name]) for name in DOORS}


def knock(doors: dict[str, Door], name: str, *lines: tuple[str, str], query: str = "") -> Answer:
    """A request with exactly these header lines. A door that hangs up while we still talk has refused."""
    target = DOORS[name] + (("&" if "?" in DOORS[name] else "?") + query if query else "")
    try:
        return doors[name].send("GET", target, lines)
    except ConnectionError:
        return Answer(NOT_HTTP[0], [], b"")


@each_door
def test_the_genuine_token_opens_every_door(name: str, doors: dict[str, Door], eve: Person, forge: Forge) -> None:
    for token in (eve.token, forge.anew(eve.token), forge.headed(eve.token)):
        assert knock(doors, name, ("Authorization", f"Bearer {token}")).status == 200


@each_door
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_forged_or_ill_formed_token_opens_a_door(
    forgery: str, name: str, doors: dict[str, Door], eve: Person, forge: Forge
) -> None:
    token = FORGERIES[forgery](forge, eve.token)

    answer = knock(doors, name, ("Authorization", f"Bearer {token}"))

    assert answer.status == 401 or answer.status in NOT_HTTP
    assert eve.id.encode() not in answer.body


def test_there_are_forgeries_enough() -> None:
    assert len(FORGERIES) >= 60


CREDENTIALS_OF_OTHER_KINDS = {
    "a refresh token": lambda forge, person: person.tokens["refresh_token"],
    "chat's token for memory": lambda forge, person: forge.service("chat", "memory"),
    "chat's token for files": lambda forge, person: forge.service("chat", "files"),
    "the signing secret itself": lambda forge, person: forge.secrets["JWT_SECRET_KEY"],
    "a password": lambda forge, person: "a%20long%20enough%20passphrase",
    "a user's id": lambda forge, person: person.id,
    "a session's id": lambda forge, person: person.tokens["refresh_token"].partition(".")[0],
}


@each_door
@pytest.mark.parametrize("kind", CREDENTIALS_OF_OTHER_KINDS)
def test_a_credential_of_another_kind_opens_no_door(
    kind: str, name: str, doors: dict[str, Door], eve: Person, forge: Forge
) -> None:
    credential = CREDENTIALS_OF_OTHER_KINDS[kind](forge, eve)

    assert knock(doors, name, ("Authorization", f"Bearer {credential}")).status == 401


OTHER_HEADERS = (
    "X-Authorization",
    "X-Auth-Token",
    "X-Access-Token",
    "X-Forwarded-Authorization",
    "X-Api-Key",
    "Api-Key",
)
ODD_HEADERS = {
    "two headers": lambda token: [("Authorization", f"Bearer {token}")] * 2,
    "two headers, one garbage": lambda token: [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")],
    "two headers, garbage first": lambda token: [("Authorization", "Bearer x"), ("authorization", f"Bearer {token}")],
    "two in one": lambda token: [("Authorization", f"Bearer {token}, Bearer {token}")],
    "folded over two lines": lambda token: [("Authorization", f"Bearer\r\n {token}")],
    "another scheme": lambda token: [("Authorization", f"Basic {token}")],
    "no scheme": lambda token: [("Authorization", token)],
    "no token": lambda token: [("Authorization", "Bearer")],
    "a colon": lambda token: [("Authorization", f"Bearer: {token}")],
    "a tab": lambda token: [("Authorization", f"Bearer\t{token}")],
    "two spaces": lambda token: [("Authorization", f"Bearer  {token}")],
    "a word too many": lambda token: [("Authorization", f"Bearer {token} {token}")],
    "a word in front": lambda token: [("Authorization", f"x Bearer {token}")],
    "a scheme twice": lambda token: [("Authorization", f"Bearer Bearer {token}")],
    "an underscore for a name": lambda token: [("Authorization_", f"Bearer {token}")],
    "a proxy's header": lambda token: [("Proxy-Authorization", f"Bearer {token}")],
    "other headers": lambda token: [
        (header, value) for header in OTHER_HEADERS for value in (token, f"Bearer {token}")
    ],
    "a cookie": lambda token: [
        ("Cookie", f"access_token={token}; Authorization=Bearer {token}; token={token}; __Host-refresh_token={token}")
    ],
}


@each_door
@pytest.mark.parametrize("how", ODD_HEADERS)
def test_a_genuine_token_counts_only_in_the_one_header_it_belongs_in(
    how: str, name: str, doors: dict[str, Door], eve: Person
) -> None:
    answer = knock(doors, name, *ODD_HEADERS[how](eve.token))

    assert answer.status == 401 or answer.status in NOT_HTTP


@each_door
def test_a_token_in_the_query_or_the_body_counts_for_nothing(name: str, doors: dict[str, Door], eve: Person) -> None:
    query = f"access_token={eve.token}&token={eve.token}&authorization=Bearer%20{eve.token}"
    body = f"access_token={eve.token}".encode()
    form = [("Content-Type", "application/x-www-form-urlencoded")]

    assert knock(doors, name, query=query).status == 401
    assert doors[name].send("GET", DOORS[name], form, body).status == 401


@each_door
@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
def test_the_schemes_case_does_not_matter(scheme: str, name: str, doors: dict[str, Door], eve: Person) -> None:
    assert knock(doors, name, ("Authorization", f"{scheme} {eve.token}")).status == 200
    assert knock(doors, name, ("Authorization", f"{scheme} {eve.token}x")).status == 401
