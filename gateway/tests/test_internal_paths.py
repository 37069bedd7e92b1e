"""What services keep among themselves (`/internal`, `/metrics`, `/health/ready`) has no spelling that gets through."""

import posixpath
import re
from itertools import product
from urllib.parse import unquote

import pytest

from .houses import House

HIDDEN = ("/internal/gateway/check", "/metrics", "/health/ready")
SLASHES = ("/", "//", "/./", "%2f", "%2F", "\\", "%5c", "%5C", "%252f", "%255c", "/%2e/", ";/", "/;x=1/", "%c0%af")
CLIMBS = ("..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "..;", "..;x=1", "%2e%2e%00", "..%01", ".%00.", "..%0a")
SEPARATORS = ("/", "%2f", "%5c", "\\", "%252f")
DOORS = ("/v1/auth/me", "/v1/models/a", "/v1/files/a", "/v1/memory/a", "/v1/usage/a", "/s/a", "/.well-known/jwks.json")


def spellings() -> list[str]:
    """Every way we know to write a hidden path so that one reader sees another path than the next."""
    direct = [slash + path[1:] for slash, path in product(SLASHES, HIDDEN)]
    cased = [spell(path) for spell, path in product((str.upper, str.title, str.swapcase), HIDDEN)]
    encoded = ["/" + "".join(f"%{ord(c):02x}" for c in path[1:]) for path in HIDDEN]
    twice = [path.replace("%", "%25") for path in encoded]
    ends = [
        path + end
        for path, end in product(HIDDEN, ("/", "/.", "/x/..", "?a=b", ";x", "%20", "%00", "%0d%0a", "#", "."))
    ]
    climbing = [
        f"{door}{slash}{slash.join([climb] * (door.count('/') + more))}{slash}{path[1:]}"
        for door, climb, slash, more, path in product(DOORS, CLIMBS, SEPARATORS, (0, 3), HIDDEN)
    ]
    whole = [f"http://localhost{path}" for path in HIDDEN] + [f"http://localhost/v1/models/..%2f..%2f..{HIDDEN[0]}"]
    return direct + cased + encoded + twice + ends + climbing + whole


def readings(target: str) -> set[str]:
    """The paths that a lenient reader might make of a target: decoded up to three times, tidied in each way."""
    found, path = set(), target.partition("?")[0]
    for _ in range(4):
        tidy = re.sub(r";[^/]*", "", path.replace("\\", "/"))
        tidy = re.sub(r"[\x00-\x20]", "", tidy).replace("\xc0\xaf", "/")
        found.add(posixpath.normpath(re.sub("/+", "/", "/" + tidy)).lower())
        path = unquote(path, "latin-1")
    return found


def is_hidden(path: str) -> bool:
    return re.match(r"/(internal|metrics|health)(/|$)", path) is not None


def test_there_are_enough_spellings_and_each_means_a_hidden_path() -> None:
    # `http://localhost` and `#` are undone before a path is read, `.` at the end is another name
    meant = [one for one in spellings() if any(is_hidden(reading) for reading in readings(one))]

    assert len(set(meant)) >= 500


@pytest.mark.parametrize("start", [*DOORS, "/"])
def test_no_spelling_of_a_hidden_path_reaches_a_service(start: str, house: House) -> None:
    token = house.token()
    mine = [one for one in spellings() if (one.startswith(start) if start != "/" else not one.startswith(DOORS))]
    assert mine

    for spelling in mine:
        answer = house.door.get(spelling, token=token)
        assert answer.status in (400, 404), spelling

    for upstream in house.upstreams.values():
        for seen in upstream.received:
            if seen.header("Host") == "auth":
                continue
            assert not any(is_hidden(reading) for reading in readings(seen.target)), seen.target


@pytest.mark.parametrize("path", ["/_auth/required", "/_auth/optional", "/_problem", "/@problem", "/conf/nginx.conf"])
def test_the_gateways_own_places_are_unknown_paths(path: str, house: House) -> None:
    answer = house.door.get(path, token=house.token())

    assert (answer.status, answer.json()["code"]) == (404, "not_found")
    assert answer.header("X-Auth-Ok") is None


@pytest.mark.parametrize("path", ["/v1/models/%2e%2e", "/v1/models/a%2fb", "/v1//models", "/v1/./models/../models"])
def test_a_service_gets_the_path_that_was_decided_on(path: str, house: House) -> None:
    house.door.get(path + "?q=%2e%2e%2f&r=a+b", token=house.token())

    targets = [seen.target for seen in house.upstreams["chat"].received]
    assert targets in ([], ["/v1/models/a/b?q=%2e%2e%2f&r=a+b"], ["/v1/models?q=%2e%2e%2f&r=a+b"])


@pytest.mark.parametrize(
    ("sent", "received"),
    [("a%3Fb", "a%3Fb"), ("a%23b", "a%23b"), ("a%20b", "a%20b"), ("%C3%A4", "%C3%A4"), ("a+b", "a+b")],
)
def test_characters_that_mean_something_in_a_path_stay_encoded(sent: str, received: str, house: House) -> None:
    house.door.get(f"/v1/models/{sent}?x=1", token=house.token())

    assert house.upstreams["chat"].last.target == f"/v1/models/{received}?x=1"
