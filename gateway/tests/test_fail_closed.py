"""Whatever happens to auth: a request without its word gets a 503 or no identity, never a pass and never a 500."""

import time
from uuid import uuid4

import pytest

from .door import Answer, Door
from .houses import House
from .upstreams import Auth, Reply, Upstream

ODD_ANSWERS = {
    "500": Reply(500),
    "502": Reply(502),
    "302": Reply(302, {"Location": "/"}),
    "404": Reply(404),
    "418": Reply(418),
    "429": Reply(429),
    "304": Reply(304),
    "closed at once": Reply(raw=b""),
    "garbage": Reply(raw=b"\x00\x01 not HTTP\r\n\r\n"),
    "huge header": Reply(204, {"X-Auth-Ok": "1", "X-Auth-Token": "a" * 40_000}),
    "refused and ok": Reply(500, {"X-Auth-Ok": "1"}),
}


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert answer.json()["code"] == "auth_unavailable"
    assert answer.header("Retry-After") == "1"


@pytest.mark.parametrize("odd", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_an_odd_answer_of_auth_is_a_503(odd: Reply, door: Door, auth: Auth, chat: Upstream) -> None:
    auth.answer = lambda _: odd

    required = door.get("/v1/models", token=uuid4().hex)
    optional = door.get("/v1/shares/abc", token=uuid4().hex)

    assert_unavailable(required)
    assert_unavailable(optional)
    assert chat.received == []


def test_a_403_of_auth_stays_a_403(door: Door, auth: Auth, chat: Upstream) -> None:
    auth.answer = lambda _: Reply(403)

    answer = door.get("/v1/models", token=uuid4().hex)

    assert (answer.status, answer.json()["code"]) == (403, "forbidden")
    assert chat.received == []


def test_auth_down_is_a_503(door: Door, auth: Auth, chat: Upstream) -> None:
    auth.stop()

    answer = door.get("/v1/models", token=uuid4().hex)

    assert_unavailable(answer)
    assert chat.received == []


def test_a_slow_auth_is_a_503_within_three_seconds(house: House, door: Door, chat: Upstream) -> None:
    token = house.token()
    house.auth.delay = 2.5
    started = time.monotonic()

    answer = door.get("/v1/models", token=token)

    assert_unavailable(answer)
    assert time.monotonic() - started < 3
    assert chat.received == []


def test_a_known_credential_outlives_a_short_absence_of_auth_and_no_longer_one(house: House, door: Door) -> None:
    token = house.token()
    house.auth.cache_control = "max-age=1, stale-if-error=1"
    door.get("/v1/models", token=token)
    house.auth.stop()
    stopped = time.monotonic()

    first = door.get("/v1/models", token=token)
    while (last := door.get("/v1/models", token=token)).status == 200:
        assert time.monotonic() - stopped < 5

    assert first.status == 200
    assert_unavailable(last)
    assert 1 <= time.monotonic() - stopped <= 3.2


def test_auth_is_asked_again_as_soon_as_it_is_back(house: House, door: Door) -> None:
    house.auth.stop()
    assert_unavailable(door.get("/v1/models", token=uuid4().hex))

    house.auth.start()

    assert door.get("/v1/models", token=house.token()).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Auth-Ok": "0"},
        {"X-Auth-Ok": "true"},
        {"X-Auth-Ok": "11"},
        {"X-Auth-Token": "stolen.token"},
        {"X-Auth-Ok": "1", "X-Auth-Token": "two words"},
        {"X-Auth-Ok": "1", "X-Auth-Token": "a,b"},
    ],
    ids=str,
)
def test_a_stranger_on_the_port_of_auth_gives_nobody_an_identity(
    headers: dict[str, str], door: Door, auth: Auth, chat: Upstream
) -> None:
    auth.answer = lambda _: Reply(200, headers, b"hello")

    door.get("/v1/models", token=uuid4().hex)

    assert [seen.header("Authorization") for seen in chat.received] == [None]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 502, 503])
def test_a_services_own_refusal_passes_as_it_is(status: int, house: House, door: Door, chat: Upstream) -> None:
    problem = {"Content-Type": "application/problem+json"}
    chat.answer = lambda _: Reply(status, problem, b'{"code":"of_the_service"}')

    answer = door.get("/v1/models", token=house.token())

    assert (answer.status, answer.json()) == (status, {"code": "of_the_service"})
    assert answer.header("Content-Type") == "application/problem+json"
