"""What a service gets to see of a request: what nginx says about the caller, never what the caller says."""

from collections.abc import Callable

import pytest

from .houses import House
from .upstreams import Reply, Upstream

FORGED = {
    "X-User-Id": "1",
    "X-User-Email": "admin@example.com",
    "X-User-Role": "operator",
    "X-Auth-Ok": "1",
    "X-Auth-Token": "forged",
    "X-Auth-Mode": "optional",
    "X-Auth-Request-User": "1",
    "X-Forwarded-User": "1",
    "X-Remote-User": "1",
    "Remote-User": "1",
    "X-Owner": "1",
    "X-Scope": "admin",
    "X-Service-Token": "forged",
    "Proxy-Authorization": "Basic Zm9v",
    "Forwarded": "for=10.0.0.1;host=evil.example",
    "X-Original-URL": "/internal/gateway/check",
    "X-Rewrite-URL": "/internal/gateway/check",
    "X-HTTP-Method-Override": "DELETE",
    "X-Method-Override": "DELETE",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA",
    "Proxy": "http://evil.example",
}
SET_ANEW = {
    "X-Forwarded-For": "10.9.8.7",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Real-IP": "10.9.8.7",
}
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda name: name,
    "lower": str.lower,
    "upper": str.upper,
    "mixed": lambda name: "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(name)),
    "underscores": lambda name: name.replace("-", "_"),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_forged_identity_headers_are_dropped_in_every_spelling(
    spell: Callable[[str], str], house: House, chat: Upstream
) -> None:
    forged = [(spell(name), value) for name, value in {**FORGED, **SET_ANEW}.items()]

    house.door.send("GET", "/v1/models", forged + forged, token=house.token())

    names = {name.replace("_", "-") for name in chat.last.header_names}
    assert not names & {name.lower() for name in FORGED}
    assert not set(SET_ANEW.values()) & {value for _, value in chat.last.headers}


def test_where_a_request_came_from_is_said_by_nginx(house: House, chat: Upstream) -> None:
    house.door.send("GET", "/v1/models", list(SET_ANEW.items()), token=house.token())

    seen = {name: chat.last.header(name) for name in ("Host", *SET_ANEW)}
    assert seen == {
        "Host": "localhost",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "localhost",
        "X-Forwarded-Proto": "http",
        "X-Real-IP": "127.0.0.1",
    }


@pytest.mark.parametrize("named", ["Authorization", "X-Forwarded-For, X-Request-Id", "X-User-Id, upgrade"])
def test_naming_a_header_in_connection_neither_removes_nor_adds_one(named: str, house: House, chat: Upstream) -> None:
    token = house.token()

    house.door.send("GET", "/v1/models", [("Connection", named), ("X-User-Id", "1"), ("Upgrade", "h2c")], token=token)

    assert chat.last.header("Authorization") == f"Bearer {token}"
    assert chat.last.header("X-Forwarded-For") == "127.0.0.1"
    assert chat.last.header("X-Request-Id")
    assert not chat.last.header_names & {"connection", "upgrade", "x-user-id"}


def test_what_clients_of_the_api_send_arrives(house: House, chat: Upstream) -> None:
    sent = {
        "Accept": "text/event-stream",
        "Accept-Language": "de",
        "Content-Encoding": "br",
        "Content-Type": "application/json",
        "Idempotency-Key": "abc",
        "If-None-Match": '"1"',
        "Origin": "http://localhost:3000",
        "Range": "bytes=0-1",
        "User-Agent": "OpenAI/Python 3.54",
        "X-Conversation-Id": "conv_1",
        "X-OpenWebUI-Chat-Id": "chat",
        "X-OpenWebUI-User-Jwt": "a.b.c",
        "X-Requested-With": "deepthinks",
        "X-Stainless-Retry-Count": "1",
    }

    house.door.send("POST", "/v1/responses?stream=true&a=%2F", list(sent.items()), b"{}", token=house.token())

    assert {name: chat.last.header(name) for name in sent} == sent
    assert (chat.last.target, chat.last.body) == ("/v1/responses?stream=true&a=%2F", b"{}")


def test_the_refresh_cookie_reaches_the_two_routes_that_read_it_and_no_other(house: House) -> None:
    cookie = ("Cookie", "__Host-refresh=secret")
    for path in ("/v1/auth/refresh", "/v1/auth/logout", "/v1/auth/login", "/v1/auth/me"):
        house.door.send("POST", path, [cookie], b"{}", token=house.token())

    with_cookie = {seen.target for seen in house.auth.received if seen.header("Cookie")}
    assert with_cookie == {"/v1/auth/refresh", "/v1/auth/logout"}


@pytest.mark.parametrize("good", ["abcdefgh", "a-b_C-123", "x" * 64])
def test_a_well_formed_request_id_is_kept(good: str, house: House, chat: Upstream) -> None:
    answer = house.door.send("GET", "/v1/models", [("X-Request-Id", good)], token=house.token())

    assert (chat.last.header("X-Request-Id"), answer.header("X-Request-Id")) == (good, good)


@pytest.mark.parametrize("bad", ["short", "x" * 65, "with space", 'quote"quote', "umlaut-äöü", "a" * 8 + "\\n", ""])
def test_any_other_request_id_is_replaced(bad: str, house: House, chat: Upstream) -> None:
    answer = house.door.send("GET", "/v1/models", [("X-Request-Id", bad)], token=house.token())

    made = answer.header("X-Request-Id")
    assert made != bad
    assert len(made or "") == 32
    assert chat.last.header("X-Request-Id") == made


def test_a_service_cannot_say_the_request_id_twice(house: House, chat: Upstream) -> None:
    from_service = {"X-Request-Id": "made-by-the-service"}
    chat.answer = lambda _: Reply(200, from_service)

    answer = house.door.send("GET", "/v1/models", [("X-Request-Id", "asked-for-this")], token=house.token())

    assert answer.all("X-Request-Id") == ["asked-for-this"]
