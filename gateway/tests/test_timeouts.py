"""How long the gateway waits for services and for clients. A timeout's seconds are fiftieths here: 15 s are 300 ms."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from .door import read_answer
from .houses import House, opened
from .upstreams import Received, Reply, plain

HURRY = 50


@pytest.fixture(scope="module")
def hurried_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("hurried"), {}, hurry=HURRY) as house:
        yield house


@pytest.fixture
def hurried(hurried_house: House) -> House:
    return hurried_house.reset()


def answer_after(seconds: float, house: House) -> None:
    """Every service thinks for so long; auth's checks are at once."""

    def slow(received: Received) -> Reply:
        time.sleep(seconds)
        return plain(received)

    for name, upstream in house.upstreams.items():
        if name != "auth":
            upstream.answer = slow
    check = house.auth.check
    house.auth.answer = lambda asked: check(asked) if asked.target.startswith("/internal") else slow(asked)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/usage"),
        ("GET", "/v1/conversations"),
        ("GET", "/v1/memory/facts"),
        ("GET", "/v1/files/file_1"),
        ("GET", "/.well-known/jwks.json"),
    ],
)
def test_a_plain_route_does_not_wait_for_a_service_that_hangs(method: str, path: str, hurried: House) -> None:
    answer_after(4, hurried)
    started = time.monotonic()

    answer = hurried.door.send(method, path, token=hurried.token())

    assert (answer.status, answer.json()["code"]) == (504, "service_timeout")
    assert 15 / HURRY <= time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/auth/login"),
        ("PATCH", "/v1/auth/me"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/files"),
        ("POST", "/v1/imports"),
        ("GET", "/v1/files/file_1/events"),
    ],
)
def test_a_route_whose_work_takes_long_is_waited_for(method: str, path: str, hurried: House) -> None:
    answer_after(20 / HURRY, hurried)

    assert hurried.door.send(method, path, token=hurried.token()).status == 200


def test_the_queue_of_password_hashes_is_not_waited_for_for_ever(hurried: House) -> None:
    answer_after(4, hurried)

    answer = hurried.door.send("POST", "/v1/auth/login", (), b"{}")

    assert (answer.status, answer.json()["code"]) == (504, "service_timeout")


def test_headers_that_dribble_in_are_cut(hurried: House) -> None:
    started = time.monotonic()

    with hurried.door.connect() as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n")
        connection.settimeout(0.05)
        received = b"..."
        while received and time.monotonic() - started < 5:
            try:
                connection.sendall(b"X")
                received = connection.recv(1024)
            except TimeoutError:
                continue
            except ConnectionError:
                break

    assert 10 / HURRY <= time.monotonic() - started < 5


def test_a_body_that_stops_coming_is_cut_and_never_reaches_a_service(hurried: House) -> None:
    started = time.monotonic()

    with hurried.door.connect() as connection:
        connection.sendall(b"POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        rest = b""
        with suppress(ConnectionResetError):
            rest = connection.recv(1024)

    assert rest == b""
    assert 15 / HURRY <= time.monotonic() - started < 5
    assert hurried.auth.received == []


def test_a_connection_that_asks_nothing_is_closed(hurried: House) -> None:
    with hurried.door.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection).status == 200

        assert connection.recv(1) == b""
