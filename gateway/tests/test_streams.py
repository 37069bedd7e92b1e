"""Bytes that must not wait: events on their way out, uploads on their way in."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .door import read_answer
from .houses import House
from .upstreams import Reply

STREAMED = [
    ("POST", "/v1/responses", "chat"),
    ("GET", "/v1/responses/resp_1?stream=true", "chat"),
    ("POST", "/v1/chat/completions", "chat"),
    ("GET", "/v1/files/file_1/events", "files"),
]


def head(house: House, method: str, path: str, *headers: str) -> bytes:
    """A request up to its body, with a good credential."""
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {house.token()}", *headers, "", "")
    return "\r\n".join(lines).encode()


def stored_by_the_gateway(house: House) -> list[Path]:
    """Bodies that lie in nginx's temporary folders."""
    return [path for name in ("body", "proxy") for path in (house.directory / name).rglob("*") if path.is_file()]


@pytest.mark.parametrize("framing", ["keep-alive", "close"])
@pytest.mark.parametrize(("method", "path", "service"), STREAMED)
def test_an_event_arrives_before_the_next_one_is_made(
    method: str, path: str, service: str, framing: str, house: House
) -> None:
    arrived = [threading.Event() for _ in range(3)]
    in_time = []

    def events() -> Iterator[bytes]:
        for number, event in enumerate(arrived):
            yield b"data: event %d\n\n" % number
            in_time.append(event.wait(5))

    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "Connection": framing}
    house.upstreams[service].answer = lambda _: Reply(headers=headers, chunks=events())

    with house.door.connect() as connection:
        connection.sendall(head(house, method, path, "Accept-Encoding: gzip", "Content-Length: 0"))
        received = b""
        for number, event in enumerate(arrived):
            while b"data: event %d\n\n" % number not in received:
                received += connection.recv(65536)
            event.set()
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(65536)

    assert in_time == [True] * 3
    assert received.lower().count(b"cache-control:") == 1
    assert b"cache-control: no-store\r\n" in received.lower()
    assert b"content-encoding" not in received.lower()


@pytest.mark.parametrize(("path", "service"), [("/v1/responses/a", "chat"), ("/v1/files/a/content", "files")])
def test_an_answer_that_nobody_reads_holds_the_service_back(path: str, service: str, house: House) -> None:
    made = 0

    def events() -> Iterator[bytes]:
        nonlocal made
        for _ in range(2000):
            made += 1
            yield b"data: %b\n\n" % (b"x" * 16_000)

    house.upstreams[service].answer = lambda _: Reply(chunks=events())

    with house.door.connect() as connection:
        connection.sendall(head(house, "GET", path))
        before = -1
        while before != made or made == 0:
            before = made
            time.sleep(0.1)

    assert made < 2000
    assert not stored_by_the_gateway(house)


def test_a_stream_that_breaks_off_does_not_look_finished(house: House) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    house.upstreams["chat"].answer = lambda _: Reply(raw=raw)

    with house.door.connect() as connection:
        connection.sendall(head(house, "GET", "/v1/responses/a"))
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert b"hello" in received
    assert not received.endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_is_felt_by_the_service(house: House) -> None:
    left = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b": keep-alive\n\n"
                time.sleep(0.01)
        finally:
            left.set()

    house.upstreams["chat"].answer = lambda _: Reply(headers={"Content-Type": "text/event-stream"}, chunks=endless())

    with house.door.connect() as connection:
        connection.sendall(head(house, "GET", "/v1/responses/a"))
        connection.recv(1024)

    assert left.wait(5)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_reaches_the_service_while_it_is_still_being_sent(chunked: bool, house: House) -> None:
    half = b"u" * 100_000
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {2 * len(half)}"
    piece = b"%x\r\n%b\r\n" % (len(half), half) if chunked else half
    files = house.upstreams["files"]

    with house.door.connect() as connection:
        connection.sendall(head(house, "POST", "/v1/files", framing) + piece)
        assert files.first_bytes.wait(5)
        connection.sendall(piece + (b"0\r\n\r\n" if chunked else b""))
        answer = read_answer(connection)

    assert answer.status == 200
    assert files.last.body == half * 2


def test_an_announced_upload_over_the_limit_is_refused_at_once(house: House) -> None:

    answer = house.door.exchange(head(house, "POST", "/v1/files", "Content-Length: 1048577"))

    assert (answer.status, answer.json()["code"]) == (413, "payload_too_large")
    assert house.upstreams["files"].received == []


def test_an_unannounced_upload_over_the_limit_is_cut(house: House) -> None:
    chunk = b"%x\r\n%b\r\n" % (300_000, b"u" * 300_000)

    start = head(house, "POST", "/v1/files", "Transfer-Encoding: chunked")
    answer = house.door.exchange(start + chunk * 4 + b"0\r\n\r\n")

    assert (answer.status, answer.json()["code"]) == (413, "payload_too_large")
    assert house.upstreams["files"].received == []


def test_an_upload_up_to_the_limit_passes_and_leaves_nothing_on_the_gateways_disk(house: House) -> None:
    answer = house.door.send("POST", "/v1/files", (), b"u" * 1048576, token=house.token())

    assert answer.status == 200
    assert len(house.upstreams["files"].last.body) == 1048576
    assert not stored_by_the_gateway(house)


def test_a_refused_upload_never_reaches_the_service(house: House) -> None:
    answer = house.door.send("POST", "/v1/files", (), b"u" * 1000, token="unknown")

    assert answer.status == 401
    assert house.upstreams["files"].received == []
