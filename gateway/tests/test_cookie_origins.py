"""What auth is told about the Origin (`X-Allowed-Origin`): only a page that may use the refresh cookie is named."""

import pytest

from .conftest import APP, LISTED
from .houses import House
from .test_cors import FOREIGN

SIGN_INS = ["signup", "login", "guest", "google", "refresh", "logout"]


def told(house: House, path: str, *headers: tuple[str, str], host: str = "localhost:8080") -> str | None:
    house.door.send("POST", path, headers, b"{}", host=host, token=house.token())
    return house.auth.last.header("X-Allowed-Origin")


@pytest.mark.parametrize("name", SIGN_INS)
@pytest.mark.parametrize("origin", LISTED.split())
def test_a_listed_origin_is_named_to_auth(origin: str, name: str, house: House) -> None:
    assert told(house, f"/v1/auth/{name}", ("Origin", origin)) == origin


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("localhost", "http://localhost"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("localhost", "https://localhost"),
    ],
    ids=["with a port", "without", "ipv6", "behind a proxy with TLS"],
)
def test_our_own_origin_is_named_to_auth_without_being_listed(host: str, origin: str, house: House) -> None:
    assert told(house, "/v1/auth/refresh", ("Origin", origin), host=host) == origin


@pytest.mark.parametrize(
    "origin",
    [
        *FOREIGN,
        "http://localhost:80801",
        "http://localhost:808",
        "http://localhost",
        "ftp://localhost:8080",
        "localhost",
    ],
)
def test_any_other_origin_is_not(origin: str, house: House) -> None:
    assert told(house, "/v1/auth/refresh", ("Origin", origin)) is None


def test_a_request_without_an_origin_names_none(house: House) -> None:
    assert told(house, "/v1/auth/refresh") is None


@pytest.mark.parametrize("name", ["X-Allowed-Origin", "x-allowed-origin", "X_Allowed_Origin"])
def test_a_clients_own_word_never_passes(name: str, house: House) -> None:
    assert told(house, "/v1/auth/refresh", (name, APP)) is None
    assert told(house, "/v1/auth/refresh", (name, APP), ("Origin", "https://evil.example")) is None
    assert told(house, "/v1/auth/refresh", (name, "https://evil.example"), ("Origin", APP)) == APP


def test_other_services_are_not_told(house: House) -> None:
    house.door.get("/v1/models", ("Origin", APP), token=house.token())

    assert house.upstreams["chat"].last.header("X-Allowed-Origin") is None
    assert house.upstreams["chat"].last.header("Origin") == APP
