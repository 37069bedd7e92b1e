"""Attack group D: requests that two readers could divide differently. Nothing of them may be done, by anybody."""

from collections.abc import Callable
from contextlib import closing

import pytest

from gateway.tests.door import Door

from .people import Person

PATH = "/v1/conversations"
BODY = b'{"metadata":{"title":"smuggled"}}'
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def post(token: str, *lines: str, version: str = "1.1") -> bytes:
    """The head of a request that would open a conversation."""
    own = ["Host: localhost", f"Authorization: Bearer {token}", "Content-Type: application/json"]
    return "\r\n".join([f"POST {PATH} HTTP/{version}", *own, *lines, "", ""]).encode("latin-1")


def inner(token: str) -> bytes:
    """A whole request that hides in the body of another."""
    return post(token, f"Content-Length: {len(BODY)}", "Connection: close") + BODY


def statuses(door: Door, data: bytes) -> list[int]:
    """Sends the bytes, and reads all answers until the gateway hangs up, or is silent."""
    received = b""
    with closing(door.connect()) as connection:
        connection.settimeout(0.3)
        try:
            connection.sendall(data)
            while piece := connection.recv(65536):
                received += piece
        except (TimeoutError, ConnectionError):
            pass
    return [int(part.split(b" ", 1)[0]) for part in received.split(b"HTTP/1.1 ")[1:]]


def conversations(person: Person) -> int:
    return len(person.get(f"{PATH}?limit=100")["data"])


def lengths(*lines: str) -> Callable[[str], bytes]:
    """A body that is as long as one of two lines says, with a request behind it."""
    return lambda token: post(token, *lines) + BODY + inner(token)


def transfers(*lines: str, body: bytes = CHUNKED) -> Callable[[str], bytes]:
    return lambda token: post(token, *lines) + body + inner(token)


LENGTH = f"Content-Length: {len(BODY)}"
TE = "Transfer-Encoding: chunked"

REFUSED: dict[str, Callable[[str], bytes]] = {
    "length and chunks": transfers(LENGTH, TE),
    "chunks and length": transfers(TE, LENGTH),
    "length of the chunks, and chunks": transfers(f"Content-Length: {len(CHUNKED)}", TE),
    "length 0 and chunks": transfers("Content-Length: 0", TE),
    "two lengths": lengths("Content-Length: 5", LENGTH),
    "two lengths, the shorter last": lengths(LENGTH, "Content-Length: 5"),
    "the same length twice": lengths(LENGTH, LENGTH),
    "two lengths in one line": lengths(f"Content-Length: {len(BODY)}, {len(BODY)}"),
    "a sign before the length": lengths(f"Content-Length: +{len(BODY)}"),
    "a negative length": lengths("Content-Length: -1"),
    "a length in hex": lengths(f"Content-Length: {hex(len(BODY))}"),
    "a length beyond 64 bits": lengths(f"Content-Length: {2**64 + len(BODY)}"),
    "a length with a space inside": lengths("Content-Length: 3 3"),
    "no length after the name": lengths("Content-Length:"),
    "a length and a letter": lengths(f"Content-Length: {len(BODY)}a"),
    "a space before the length's colon": lengths(f"Content-Length : {len(BODY)}"),
    "an unknown coding": transfers("Transfer-Encoding: xchunked"),
    "a coding before chunked": transfers("Transfer-Encoding: gzip, chunked"),
    "identity after chunked": transfers("Transfer-Encoding: chunked, identity"),
    "chunked twice": transfers("Transfer-Encoding: chunked, chunked"),
    "two encodings": transfers(TE, "Transfer-Encoding: identity"),
    "two encodings, chunked last": transfers("Transfer-Encoding: identity", TE),
    "chunked in two lines": transfers(TE, TE),
    "a space before the encoding's colon": transfers("Transfer-Encoding : chunked"),
    "a tab before the encoding's colon": transfers("Transfer-Encoding\t: chunked"),
    "a vertical tab": transfers("Transfer-Encoding:\x0bchunked"),
    "a NUL in the encoding": transfers("Transfer-Encoding: chunked\0"),
    "quotes": transfers('Transfer-Encoding: "chunked"'),
    "a semicolon": transfers("Transfer-Encoding: chunked;q=1"),
    "a folded line": transfers("X-A: b", " Transfer-Encoding: chunked"),
    "a folded encoding": transfers("Transfer-Encoding:", " chunked"),
    "an empty encoding": transfers("Transfer-Encoding:"),
    "a bare CR before the encoding": transfers("X-A: b\rTransfer-Encoding: chunked", LENGTH),
    "a negative chunk": transfers(TE, body=b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk in 0x": transfers(TE, body=b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk beyond 64 bits": transfers(TE, body=b"ffffffffffffffff5\r\nhello\r\n0\r\n\r\n"),
    "a chunk that is too short": transfers(TE, body=b"3\r\nhello\r\n0\r\n\r\n"),
    "a chunk without its length": transfers(TE, body=b"\r\nhello\r\n0\r\n\r\n"),
    "a chunk of letters": transfers(TE, body=b"xyz\r\nhello\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": lambda token: post(token, TE, version="1.0") + CHUNKED + inner(token),
    "HTTP/2.0 in a line": lambda token: post(token, LENGTH, version="2.0") + BODY,
    "HTTP/1.1 twice": lambda token: post(token, LENGTH, version="1.1 HTTP/1.1") + BODY,
    "the preface of HTTP/2": lambda token: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + inner(token),
    "a colon in front": lambda token: post(token, ":authority: localhost", LENGTH) + BODY,
    "a header without a name": lambda token: post(token, ": x", LENGTH) + BODY,
    "a line without a colon": lambda token: post(token, "Content-Length", TE) + CHUNKED,
    "a NUL in a header": lambda token: post(token, "X-A: a\0b", LENGTH) + BODY,
}


@pytest.mark.parametrize("how", REFUSED)
def test_nothing_is_done_of_a_request_that_can_be_divided_differently(
    how: str, door: Door, eve: Person, ada: Person
) -> None:
    before = conversations(eve)

    answers = statuses(door, REFUSED[how](eve.token))

    assert answers
    assert all(400 <= status <= 505 and status != 500 for status in answers), answers
    assert conversations(eve) == before
    # nothing is left on a connection to a service that the next person's request could be added to
    assert [ada.get("/v1/auth/me")["id"] for _ in range(4)] == [ada.id] * 4


ONE_REQUEST: dict[str, Callable[[str], bytes]] = {
    "chunks": lambda token: post(token, TE, "Connection: close") + CHUNKED,
    "chunks, another case": lambda token: post(token, "tRANSFER-eNCODING: ChunkeD", "Connection: close") + CHUNKED,
    "a chunk extension": lambda token: (
        post(token, TE, "Connection: close") + CHUNKED.replace(b"\r\n", b';a="b";c\r\n', 1)
    ),
    "trailers": lambda token: (
        post(token, TE, "Connection: close") + CHUNKED[:-2] + b"Authorization: Bearer x\r\nContent-Length: 3\r\n\r\n"
    ),
    "line feeds for line ends": lambda token: inner(token).replace(b"\r\n", b"\n"),
    "an empty line in front": lambda token: b"\r\n" + inner(token),
    "an underscore for a length": lambda token: post(token, "Content_Length: 5", LENGTH, "Connection: close") + BODY,
    "an underscore for an encoding": lambda token: (
        post(token, "Transfer_Encoding: chunked", LENGTH, "Connection: close") + BODY
    ),
}


@pytest.mark.parametrize("how", ONE_REQUEST)
def test_what_is_odd_but_clear_is_one_request(how: str, door: Door, eve: Person) -> None:
    before = conversations(eve)

    answers = statuses(door, ONE_REQUEST[how](eve.token))

    assert answers in ([200], [400])
    assert conversations(eve) == before + (answers == [200])


LAST = "Connection: close"


def me(*lines: str) -> bytes:
    return "\r\n".join(["GET /v1/auth/me HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def answers_to(door: Door, *requests: bytes) -> bytes:
    """All that comes back on one connection until the last request's answer is complete."""
    with closing(door.connect()) as connection:
        connection.sendall(b"".join(requests))
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_two_requests_in_one_packet_are_two_people(door: Door, eve: Person, ada: Person) -> None:
    received = answers_to(
        door, me(f"Authorization: Bearer {eve.token}"), me(f"Authorization: Bearer {ada.token}", LAST)
    )

    assert 0 < received.index(eve.id.encode()) < received.index(ada.id.encode())


def test_a_second_request_without_a_credential_is_nobodys(door: Door, eve: Person) -> None:
    received = answers_to(door, me(f"Authorization: Bearer {eve.token}"), me(LAST))

    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401"]
    assert received.count(eve.id.encode()) == 1
