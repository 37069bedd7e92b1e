"""How often one address may ask: four buckets, apart from each other, in front of the question to auth."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from uuid import uuid4

import pytest

from .conftest import LIMITS
from .door import Answer
from .houses import House

# each test sends from addresses of its own, so none finds a bucket that another has filled
ADDRESSES = (f"198.51.100.{number}" for number in count(1))
BUCKETS = {
    "AUTH": [
        ("POST", "/v1/auth/login"),
        ("POST", "/v1/auth/signup"),
        ("POST", "/v1/auth/guest"),
        ("POST", "/v1/auth/google"),
        ("POST", "/v1/auth/google/nonce"),
        ("POST", "/v1/auth/verify-email"),
        ("POST", "/v1/auth/verify-email/resend"),
        ("POST", "/v1/auth/email/confirm"),
        ("POST", "/v1/auth/password/forgot"),
        ("POST", "/v1/auth/password/reset"),
        ("POST", "/v1/auth/password"),
        ("POST", "/v1/auth/keys"),
        ("PATCH", "/v1/auth/me"),
        ("DELETE", "/v1/auth/me"),
        ("POST", "/v1/shares/share_1/unlock"),
    ],
    "TURNS": [("POST", "/v1/responses"), ("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings")],
    "UPLOADS": [("POST", "/v1/files")],
    "REST": [
        ("GET", "/v1/auth/me"),
        ("GET", "/v1/auth/sessions"),
        ("POST", "/v1/auth/refresh"),
        ("POST", "/v1/auth/logout"),
        ("GET", "/v1/auth/deletions/del_1"),
        ("GET", "/.well-known/jwks.json"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1"),
        ("GET", "/v1/files"),
        ("DELETE", "/v1/files/file_1"),
        ("POST", "/v1/files/file_1"),
        ("GET", "/v1/models"),
        ("GET", "/v1/shares/share_1"),
    ],
}
CASES = [(bucket, *route) for bucket, routes in BUCKETS.items() for route in routes]
Ask = Callable[..., Answer]


def asking(house: House) -> Ask:
    """Sends a request with a good credential from one address, or from a given one."""
    token, own = house.token(), next(ADDRESSES)

    def ask(method: str, path: str, address: str = own, *headers: tuple[str, str]) -> Answer:
        return house.door.send(method, path, [("X-Forwarded-For", address), *headers], token=token)

    return ask


@pytest.mark.parametrize(("bucket", "method", "path"), CASES)
def test_a_whole_minutes_number_passes_at_once_and_then_no_more(
    bucket: str, method: str, path: str, limited: House
) -> None:
    ask = asking(limited)

    statuses = [ask(method, path).status for _ in range(LIMITS[bucket] + 3)]

    # one more than the number passes, and another one when the test is slow
    assert statuses[: LIMITS[bucket] + 1] == [200] * (LIMITS[bucket] + 1)
    assert 429 in statuses[LIMITS[bucket] + 1 :]


@pytest.mark.parametrize("full", BUCKETS)
def test_a_full_bucket_leaves_the_others_open(full: str, limited: House) -> None:
    ask = asking(limited)
    while ask(*BUCKETS[full][0]).status == 200:
        pass

    others = {bucket: ask(*routes[0]).status for bucket, routes in BUCKETS.items() if bucket != full}

    assert set(others.values()) == {200}


def test_the_routes_of_one_bucket_share_it(limited: House) -> None:
    ask = asking(limited)

    statuses = [ask(*route).status for route in BUCKETS["AUTH"]]

    assert statuses.count(200) in (LIMITS["AUTH"] + 1, LIMITS["AUTH"] + 2)


def test_another_address_has_buckets_of_its_own(limited: House) -> None:
    ask = asking(limited)
    while ask("POST", "/v1/auth/login").status == 200:
        pass

    assert ask("POST", "/v1/auth/login", next(ADDRESSES)).status == 200


def test_a_full_bucket_is_a_problem_that_says_when_to_come_back(limited: House) -> None:
    ask = asking(limited)
    while (answer := ask("POST", "/v1/auth/login")).status == 200:
        pass

    assert (answer.status, answer.json()["code"]) == (429, "rate_limited")
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("Retry-After") == "5"


@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/nowhere")])
def test_what_the_gateway_answers_itself_is_not_counted(method: str, path: str, limited: House) -> None:
    ask = asking(limited)

    statuses = {ask(method, path).status for _ in range(3 * LIMITS["REST"])}

    assert statuses <= {200, 404}
    assert ask("GET", "/v1/models").status == 200


def test_a_preflight_is_not_counted(limited: House) -> None:
    ask, address = asking(limited), next(ADDRESSES)
    preflight = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST")]

    statuses = {ask("OPTIONS", "/v1/auth/login", address, *preflight).status for _ in range(20)}

    assert statuses == {204}
    assert ask("POST", "/v1/auth/login", address).status == 200


def test_a_flood_of_made_up_credentials_reaches_auth_no_more_often_than_the_bucket_lets_it(limited: House) -> None:
    address = next(ADDRESSES)

    for _ in range(30):
        limited.door.get("/v1/models", ("X-Forwarded-For", address), token=uuid4().hex)

    assert LIMITS["REST"] <= len(limited.auth.received) <= LIMITS["REST"] + 2


def test_a_bucket_refills_evenly(limited: House) -> None:
    ask = asking(limited)
    while ask("POST", "/v1/responses").status == 200:
        pass
    full = time.monotonic()

    while ask("POST", "/v1/responses").status == 429:
        time.sleep(0.02)
    waited, next_one = time.monotonic() - full, ask("POST", "/v1/responses")

    # 60 a minute are one a second, not sixty after a minute
    assert waited < 1.5
    assert next_one.status == 429


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:db8:3::1", "2001:db8:3::1:2:3:4"),
        ("2001:db8:0:5::1", "2001:db8:0:5:1:2:3:4"),
        ("2001:db8::1", "2001:db8:0:0:a::1"),
        ("2001:db8:7:a::a0a:a0a", "2001:db8:7:a:a0a:a0a:a0a:a0a"),
        ("[2001:db8:8::1]:443", "2001:DB8:8:0:0:0:0:2"),
    ],
)
def test_all_addresses_of_one_ipv6_network_share_a_bucket(first: str, second: str, limited: House) -> None:
    ask = asking(limited)
    while ask("POST", "/v1/auth/login", first).status == 200:
        pass

    assert ask("POST", "/v1/auth/login", second).status == 429


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:a:1::1", "2001:db8:a:2::1"),
        ("::ffff:203.0.113.1", "::ffff:203.0.113.2"),
        ("203.0.113.3", "2001:db8:b::203.0.113.3"),
    ],
)
def test_networks_that_are_not_the_same_share_nothing(first: str, second: str, limited: House) -> None:
    ask = asking(limited)
    while ask("POST", "/v1/auth/login", first).status == 200:
        pass

    assert ask("POST", "/v1/auth/login", second).status == 200


def test_an_ipv4_address_in_ipv6_clothes_is_the_same_address(limited: House) -> None:
    ask = asking(limited)
    while ask("POST", "/v1/auth/login", "203.0.113.9").status == 200:
        pass

    assert ask("POST", "/v1/auth/login", "::ffff:203.0.113.9").status == 429


def test_an_address_cannot_hold_more_requests_open_than_it_may(limited: House) -> None:
    ask, address = asking(limited), next(ADDRESSES)
    head = f"POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address}\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as dribbling:
        for _ in range(3):
            dribbling.enter_context(limited.door.connect()).sendall(head.encode())

        full = until(429, lambda: ask("POST", "/v1/responses", address))
        other = ask("POST", "/v1/responses")

    assert (full.status, full.json()["code"]) == (429, "rate_limited")
    assert other.status == 200
    assert until(200, lambda: ask("POST", "/v1/responses", address)).status == 200


def until(status: int, ask: Callable[[], Answer]) -> Answer:
    """The first answer with that status, or the one after 40 tries."""
    for _ in range(40):
        if (answer := ask()).status == status:
            break
        time.sleep(0.01)
    return answer
