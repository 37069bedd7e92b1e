"""Whose word about a client's address counts: nobody's, unless GATEWAY_TRUSTED_PROXY names somebody."""

from collections.abc import Iterator

import pytest

from .houses import House, opened


@pytest.fixture(scope="module")
def trusting_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("trusting"), {"GATEWAY_TRUSTED_PROXY": "127.0.0.1/32"}) as house:
        yield house


@pytest.fixture
def trusting(trusting_house: House) -> House:
    """Behind a load balancer, which is the tests themselves."""
    return trusting_house.reset()


def seen_from(house: House, *forwarded: str) -> list[str | None]:
    """The address that a service is told, for these X-Forwarded-For headers."""
    house.door.send("GET", "/.well-known/jwks.json", [("X-Forwarded-For", value) for value in forwarded])
    seen = house.upstreams["auth"].last
    return [seen.header("X-Forwarded-For"), seen.header("X-Real-IP")]


@pytest.mark.parametrize("forwarded", ["203.0.113.7", "127.0.0.1", "::1", "203.0.113.7, 127.0.0.1", "garbage", ""])
def test_a_clients_own_word_about_its_address_is_ignored(forwarded: str, house: House) -> None:
    assert seen_from(house, forwarded) == ["127.0.0.1"] * 2


def test_turning_x_forwarded_for_gives_no_fresh_bucket(limited: House) -> None:
    """Behind a proxy that adds the address it sees, what a client wrote before that does not count."""
    statuses = [
        limited.door.send("POST", "/v1/auth/login", [("X-Forwarded-For", f"203.0.113.{number}, 192.0.2.77")]).status
        for number in range(20)
    ]

    assert statuses.count(200) <= 6


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, 198.51.100.200"], "198.51.100.200"),
        (["203.0.113.7, 127.0.0.1"], "203.0.113.7"),
        (["203.0.113.7, 198.51.100.201, 127.0.0.1, 127.0.0.1"], "198.51.100.201"),
        (["203.0.113.7", "198.51.100.202"], "198.51.100.202"),
        (["garbage, 198.51.100.203"], "198.51.100.203"),
        (["2001:db8::7"], "2001:db8::7"),
        (["203.0.113.7:4711"], "203.0.113.7"),
        (["[2001:db8::8]:4711"], "2001:db8::8"),
        (["203.0.113.7, garbage"], "127.0.0.1"),
        (["garbage"], "127.0.0.1"),
        (["10.0.0.1\t;203.0.113.7"], "127.0.0.1"),
        (["999.1.1.1"], "127.0.0.1"),
        (["localhost"], "127.0.0.1"),
        ([""], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_a_trusted_proxy_says_where_a_request_came_from(forwarded: list[str], address: str, trusting: House) -> None:
    assert seen_from(trusting, *forwarded) == [address] * 2


@pytest.mark.parametrize("name", ["X-Real-IP", "Forwarded", "Client-IP", "True-Client-IP", "CF-Connecting-IP"])
def test_no_other_header_says_so(name: str, trusting: House) -> None:
    trusting.door.send("GET", "/.well-known/jwks.json", [(name, "203.0.113.7")])

    assert trusting.upstreams["auth"].last.header("X-Real-IP") == "127.0.0.1"
