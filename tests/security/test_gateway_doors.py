"""Attack group D: what the gateway lets through to the services, and as whom."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import pytest

from dev.stack import Stack
from gateway.tests.door import Door
from gateway.tests.test_internal_paths import spellings

from .credentials import Forge
from .people import Person, enter_as_guest, furnish

ME = "/v1/auth/me"
PATHS = (ME, "/v1/conversations", "/v1/files", "/v1/memory/search?q=x", "/v1/usage", "/v1/models")
IDENTITY_HEADERS = (
    *("X-User-Id", "X-User", "X-User-Email", "X-User-Role", "X-Username", "X-Owner", "X-Owner-Id", "X-Scope"),
    *("X-Auth-User", "X-Auth-Request-User", "X-Auth-Ok", "X-Auth-Token", "X-Auth-Mode", "X-Session-Id", "X-Sub"),
    *("X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Service-Token", "X-Authenticated-Userid"),
)
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "lower case": str.lower,
    "upper case": str.upper,
    "underscores": lambda name: name.replace("-", "_"),
    "a space at the end": lambda name: name + " ",
}
HOW_OFTEN = {
    "once": lambda lines: lines,
    "twice": lambda lines: lines + lines,
    "named in Connection": lambda lines: [*lines, ("Connection", ", ".join(name for name, _ in lines))],
}


def forged_identity(person: Person) -> list[tuple[str, str]]:
    """Everything a careless service might believe."""
    values = {"X-Auth-Ok": "1", "X-Auth-Token": person.token, "X-Auth-Mode": "optional", "X-User-Role": "operator"}
    return [(name, values.get(name, person.id)) for name in IDENTITY_HEADERS]


@pytest.mark.parametrize("often", HOW_OFTEN)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_forged_identity_headers_change_nobodys_identity(
    spelling: str, often: str, door: Door, ada: Person, eve: Person
) -> None:
    lines = HOW_OFTEN[often]([(SPELLINGS[spelling](name), value) for name, value in forged_identity(ada)])

    as_eve = door.send("GET", ME, lines, token=eve.token)
    as_nobody = [door.send("GET", path, lines).status for path in PATHS]

    assert as_eve.status == 400 or as_eve.json()["id"] == eve.id
    assert set(as_nobody) <= {400, 401}


@pytest.mark.parametrize("named", ["Authorization", "authorization, X-Request-Id", "close, Authorization", "Host"])
def test_naming_a_header_in_connection_makes_nobody_of_anybody_else(named: str, door: Door, eve: Person) -> None:
    answer = door.send("GET", ME, [("Connection", named)], token=eve.token)

    assert (answer.status, answer.json()["id"]) == (200, eve.id)


def test_services_believe_no_identity_header_even_without_the_gateway(stack: Stack, ada: Person) -> None:
    doors = {"auth": ME, "chat": "/v1/conversations", "memory": "/v1/memory/search?q=x", "files": "/v1/files"}
    for service, path in {**doors, "analytics": "/v1/usage"}.items():
        for spell in SPELLINGS.values():
            lines = [(spell(name), value) for name, value in forged_identity(ada)]

            answer = Door(stack.addresses[service]).send("GET", path, lines)

            assert answer.status in (400, 401), service


ADDRESS_HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")


@pytest.mark.parametrize("often", HOW_OFTEN)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_nobody_says_for_themselves_where_they_come_from(spelling: str, often: str, door: Door) -> None:
    claims = {"Forwarded": "for=203.0.113.7", "X-Forwarded-For": "203.0.113.7, 127.0.0.1"}
    lines = [(SPELLINGS[spelling](name), claims.get(name, "203.0.113.7")) for name in ADDRESS_HEADERS]

    entered = door.send("POST", "/v1/auth/guest", HOW_OFTEN[often](lines))

    if entered.status != 400:
        sessions = door.get("/v1/auth/sessions", token=entered.json()["access_token"]).json()["data"]
        assert [session["address"] for session in sessions] == ["127.0.0.1"]


WEBSOCKET = ("Sec-WebSocket-Version", "13")
OURS = ("localhost", "LOCALHOST", "127.0.0.1", "localhost:8080", "[::1]:1", "localhost.")
FOREIGN = ("evil.example", "localhost.evil.example", "evil.example:80", "127.0.0.2", "0", "169.254.169.254", "-")
BROKEN = (
    *("localhost/evil", "localhost@evil.example", "evil.example@localhost", "local host", ""),
    *(
        "localhost\x00",
        "localhost\t.evil.example",
        "localhost, evil.example",
        "http://localhost",
        "localhost#",
        "lo%63",
    ),
)


@pytest.mark.parametrize("host", OURS)
def test_our_own_names_are_answered_with_or_without_a_port(host: str, door: Door, eve: Person) -> None:
    assert door.send("GET", ME, token=eve.token, host=host).status == 200


@pytest.mark.parametrize("host", [*FOREIGN, *BROKEN], ids=repr)
def test_no_other_host_is_served(host: str, door: Door, eve: Person) -> None:
    answer = door.send("GET", ME, token=eve.token, host=host)

    assert answer.status in (400, 421)
    assert eve.id.encode() not in answer.body


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://evil.example/v1/auth/me", "localhost"),
        ("http://evil.example:80/v1/auth/me", "localhost"),
        ("http://localhost@evil.example/v1/auth/me", "localhost"),
        ("//evil.example/v1/auth/me", "localhost"),
        ("evil.example:80", "localhost"),
        ("*", "localhost"),
        ("v1/auth/me", "localhost"),
        ("file:///etc/passwd", "localhost"),
        ("http:///v1/auth/me", "localhost"),
    ],
)
def test_a_target_that_names_another_host_is_not_served(target: str, host: str, door: Door, eve: Person) -> None:
    answer = door.send("GET", target, token=eve.token, host=host)

    assert answer.status in (400, 404, 421)


def test_an_absolute_target_of_our_own_means_the_same_as_its_path(door: Door, eve: Person) -> None:
    answer = door.send("GET", f"http://localhost{ME}", token=eve.token)

    assert (answer.status, answer.json()["id"]) == (200, eve.id)


@pytest.mark.parametrize("lines", [[("Host", "localhost")], [("Host", "evil.example")]], ids=["the same", "another"])
def test_two_hosts_in_one_request_are_refused(lines: list[tuple[str, str]], door: Door, eve: Person) -> None:
    assert door.send("GET", ME, lines, token=eve.token).status == 400


def test_no_spelling_leads_to_what_services_keep_among_themselves(door: Door, forge: Forge, eve: Person) -> None:
    tokens = cycle([eve.token, forge.service("chat", "memory"), None])
    asked = list(zip(sorted(set(spellings())), tokens, strict=False))
    assert len(asked) >= 72

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda ask: door.send("GET", ask[0], token=ask[1]), asked))

    # 401: a spelling under a path of ours, asked for without a user's credential
    let_in = {ask[0]: answer.status for ask, answer in zip(asked, answers, strict=True) if answer.status < 400}
    assert let_in == {}
    assert {answer.status for answer in answers} <= {400, 401, 404}
    assert not any(answer.all("X-Auth-Ok") for answer in answers)


@pytest.mark.parametrize(
    "method",
    ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND", "MKCOL", "COPY", "LOCK", "PURGE", "get", "G\tET", "\x01"],
)
def test_methods_of_other_times_are_refused(method: str, door: Door, eve: Person) -> None:
    target = "localhost:80" if method == "CONNECT" else ME

    answer = door.send(method, target, [("X-Secret", "canary")], token=eve.token)

    assert answer.status in (400, 405)
    assert b"canary" not in answer.body


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_header_or_parameter_makes_another_method_of_a_request(
    header: str, method: str, door: Door, eve: Person
) -> None:
    path = f"/v1/conversations/{eve.things['conversation']}"
    lines = [(header, "DELETE"), ("Content-Type", "application/json")]
    body = b'{"metadata":{"_method":"DELETE"}}' if method == "POST" else b""

    door.send(method, f"{path}?_method=DELETE&{header}=DELETE", lines, body, token=eve.token)

    assert eve.http.get(path).status_code == 200


def test_no_answer_crosses_to_another_credential_under_parallel_load(
    stack: Stack, door: Door, forge: Forge, newcomer: Callable[[], Person]
) -> None:
    people = [newcomer() for _ in range(8)]
    expected: dict[str, str | None] = {}
    for person in people:
        person.post("/v1/conversations", json={"metadata": {"title": person.canary}})
        furnish(person, {"key"})
        expected |= {person.token: person.canary, str(person.api_key): person.canary, forge.expired(person.token): None}
        expected |= {f"{person.api_key}x": None, signed_out(stack): None}
    order = [*expected] * 5
    random.Random(7).shuffle(order)

    def titles(credential: str) -> tuple[str, Any]:
        answer = door.get("/v1/conversations", token=credential)
        found = [conversation["metadata"]["title"] for conversation in answer.json().get("data", [])]
        return credential, found[0] if answer.status == 200 else None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(titles, order))

    assert [seen for credential, seen in answers if seen != expected[credential]] == []


def signed_out(stack: Stack) -> str:
    """An access token that is good for minutes, of a session that has ended."""
    with enter_as_guest(stack.url) as person:
        body = {"refresh_token": person.tokens["refresh_token"]}
        person.http.post("/v1/auth/logout", json=body).raise_for_status()
        return person.token


@pytest.mark.parametrize(
    "lines",
    [
        [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "eA=="),
        ],
        [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")],
        [("Connection", "Upgrade"), ("Upgrade", "TLS/1.0, HTTP/2.0")],
    ],
    ids=["websocket", "h2c", "several"],
)
@pytest.mark.parametrize("path", PATHS)
def test_no_upgrade_goes_past_the_gateway(path: str, lines: list[tuple[str, str]], door: Door, eve: Person) -> None:
    with_token = door.send("GET", path, lines, token=eve.token)
    without = door.send("GET", path, lines)

    assert (with_token.status, without.status) == (200, 401)
    assert not with_token.all("Upgrade")
