"""Every answer, whoever made it: problems for nginx's own refusals, the same headers on every status."""

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack
from uuid import uuid4

import pytest

from .door import Answer
from .houses import House
from .upstreams import Reply

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
Refuse = Callable[[House], Answer]


def with_auth(status: int) -> Refuse:
    def refuse(house: House) -> Answer:
        house.auth.answer = lambda _: Reply(status)
        return house.door.get("/v1/models", token=uuid4().hex)

    return refuse


def with_service(raw: bytes | None) -> Refuse:
    def refuse(house: House) -> Answer:
        if raw is None:
            house.upstreams["memory"].stop()
        house.upstreams["memory"].answer = lambda _: Reply(raw=raw)
        return house.door.get("/v1/memory/a", token=house.token())

    return refuse


def with_service_that_accepts_nobody(house: House) -> Answer:
    """A full queue of connections: a connect then waits until nginx gives up."""
    memory = house.upstreams["memory"]
    memory.stop()
    with ExitStack() as open_sockets:
        full = open_sockets.enter_context(socket.create_server(("127.0.0.1", memory.port), backlog=0))
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        return house.door.get("/v1/memory/a", token=house.token())


def sent(request: bytes) -> Refuse:
    return lambda house: house.door.exchange(request)


LARGE = [("X-Large", "a" * 9000)]
TWO_LENGTHS = [("Content-Length", "1"), ("Content-Length", "2")]
LENGTH_AND_CHUNKS = [("Content-Length", "5"), ("Transfer-Encoding", "chunked")]
REFUSALS: dict[str, tuple[int, Refuse]] = {
    "bad request line": (400, sent(b"GARBAGE\r\n\r\n")),
    "no host": (400, sent(b"GET /health HTTP/1.1\r\n\r\n")),
    "two hosts": (400, lambda h: h.door.get("/health", ("Host", "localhost"))),
    "two lengths": (400, lambda h: h.door.send("POST", "/v1/models", TWO_LENGTHS, b"a")),
    "length and chunks": (400, lambda h: h.door.send("POST", "/v1/models", LENGTH_AND_CHUNKS, b"0\r\n\r\n")),
    "ambiguous path": (400, lambda h: h.door.get("/v1/models;x")),
    "refused credential": (401, lambda h: h.door.get("/v1/models", token=uuid4().hex)),
    "forbidden": (403, with_auth(403)),
    "unknown path": (404, lambda h: h.door.get("/nowhere")),
    "trace": (405, lambda h: h.door.send("TRACE", "/v1/models")),
    "made-up method": (405, lambda h: h.door.send("FOO", "/v1/models")),
    "contract posted": (405, lambda h: h.door.send("POST", "/openapi.json")),
    "large body": (413, lambda h: h.door.send("POST", "/v1/settings", (), b"a" * 70_000)),
    "long target": (414, lambda h: h.door.get("/v1/models?q=" + "a" * 9000)),
    "foreign host": (421, lambda h: h.door.send("GET", "/", host="evil.example")),
    "large header": (431, lambda h: h.door.send("GET", "/v1/models", LARGE)),
    "many headers": (431, lambda h: h.door.get("/health", *[(f"X-{n}", "a" * 4000) for n in range(12)])),
    "large sign-in": (413, lambda h: h.door.send("POST", "/v1/auth/login", (), b"a" * 16_385)),
    "unknown coding": (501, lambda h: h.door.send("POST", "/v1/models", [("Transfer-Encoding", "gzip")])),
    "service down": (502, with_service(None)),
    "service closes": (502, with_service(b"")),
    "service sends huge headers": (502, with_service(b"HTTP/1.1 200 OK\r\nX-Large: %b\r\n\r\n" % (b"a" * 20_000))),
    "auth fails": (503, with_auth(500)),
    "service hangs": (504, with_service_that_accepts_nobody),
    "next version": (505, sent(b"GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n")),
}
MEANINGS = {
    400: ("Bad Request", "malformed_request", "invalid_request_error"),
    401: ("Unauthorized", "invalid_token", "authentication_error"),
    403: ("Forbidden", "forbidden", "permission_error"),
    404: ("Not Found", "not_found", "not_found_error"),
    405: ("Method Not Allowed", "method_not_allowed", "invalid_request_error"),
    413: ("Content Too Large", "payload_too_large", "invalid_request_error"),
    414: ("URI Too Long", "path_too_long", "invalid_request_error"),
    421: ("Misdirected Request", "foreign_host", "invalid_request_error"),
    431: ("Request Header Fields Too Large", "headers_too_large", "invalid_request_error"),
    501: ("Not Implemented", "not_implemented", "server_error"),
    502: ("Bad Gateway", "service_unreachable", "server_error"),
    503: ("Service Unavailable", "auth_unavailable", "server_error"),
    504: ("Gateway Timeout", "service_timeout", "server_error"),
    505: ("HTTP Version Not Supported", "http_version_not_supported", "server_error"),
}
QUICK = {name: refuse for name, (status, refuse) in REFUSALS.items() if status != 504}


@pytest.mark.parametrize(("status", "refuse"), REFUSALS.values(), ids=REFUSALS)
def test_nginxs_own_refusal_is_a_problem_with_its_real_status(status: int, refuse: Refuse, house: House) -> None:
    answer = refuse(house)

    document = answer.json()
    title, code, kind = MEANINGS[status]
    assert answer.status == status
    assert answer.header("Content-Type") == "application/problem+json"
    assert document == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": document["detail"],
        "code": code,
        "request_id": answer.header("X-Request-Id"),
        "error": {"message": document["detail"], "type": kind, "param": None, "code": code},
    }
    assert answer.header("Retry-After") == ("1" if status in (502, 503) else None)
    assert ("Allow" in dict(answer.headers)) == (status == 405)


@pytest.mark.parametrize("refuse", QUICK.values(), ids=QUICK)
def test_a_refusal_carries_the_security_headers(refuse: Refuse, house: House) -> None:
    answer = refuse(house)

    assert {name: answer.header(name) for name in EVERYWHERE} == EVERYWHERE
    assert answer.header("Server") == "nginx"


@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 401, 404, 409, 422, 429, 500, 503])
def test_a_services_answer_carries_the_security_headers_on_every_status(status: int, house: House) -> None:
    house.upstreams["chat"].answer = lambda _: Reply(status, {"Server": "uvicorn", "X-Powered-By": "x"})

    answer = house.door.get("/v1/models", token=house.token())

    assert answer.status == status
    assert {name: answer.header(name) for name in EVERYWHERE} == EVERYWHERE
    assert (answer.header("Server"), answer.header("X-Powered-By")) == ("nginx", None)
    assert answer.header("X-Request-Id")


def test_a_services_own_policy_wins_and_comes_once(house: House) -> None:
    own = {
        "Cache-Control": "private, max-age=60",
        "Content-Security-Policy": "sandbox",
        "Referrer-Policy": "origin",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cross-Origin-Opener-Policy": "unsafe-none",
        "Permissions-Policy": "fullscreen=(self)",
        "X-Frame-Options": "SAMEORIGIN",
        "X-Content-Type-Options": "nosniff",
        "Retry-After": "7",
        "Allow": "GET",
        "Content-Disposition": "attachment",
    }
    house.upstreams["files"].answer = lambda _: Reply(429, own)

    answer = house.door.get("/v1/files/file_1/content", token=house.token())

    assert {name: answer.header(name) for name in own} == own


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("", "no-store"),
        ("public, max-age=600", "no-store"),
        ("max-age=600", "no-store"),
        ("no-cache", "no-store"),
        ("private, max-age=60", "private, max-age=60"),
        ("private, no-store", "private, no-store"),
    ],
)
def test_what_was_answered_to_somebody_is_kept_by_nobody_else(said: str, sent: str, house: House) -> None:
    house.upstreams["chat"].answer = lambda _: Reply(200, {"Cache-Control": said} if said else {})

    known = house.door.get("/v1/models/a.css", token=house.token())
    unknown = house.door.get("/s/abc")

    assert known.header("Cache-Control") == sent
    assert unknown.header("Cache-Control") == (said or "no-store")


@pytest.mark.parametrize("spelling", ["/x.css", "%2fx.css", "/..;/x.css", ";x.css", "%3bx.css", "%0ax.css", "%23x.css"])
def test_a_path_made_to_look_like_a_file_gives_nothing_that_may_be_stored(spelling: str, house: House) -> None:
    answer = house.door.get(f"/v1/auth/me{spelling}", token=house.token())

    assert answer.header("Cache-Control") == "no-store"


def test_a_refusal_repeats_the_callers_request_id_and_nothing_else_of_the_request(house: House) -> None:
    answer = house.door.get('/v1/"<canary>?canary', ("X-Request-Id", "my-request-1"), ("X-Other", "canary"))

    assert answer.json()["request_id"] == answer.header("X-Request-Id") == "my-request-1"
    assert b"canary" not in answer.body


def test_a_refused_head_request_has_no_body(house: House) -> None:
    answer = house.door.send("HEAD", "/nowhere")

    assert (answer.status, answer.body) == (404, b"")


def test_connect_opens_no_tunnel(house: House) -> None:
    answer = house.door.exchange(b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST")

    assert answer.status in (400, 405)


def test_a_large_body_is_refused_before_auth_is_asked(house: House) -> None:
    answer = house.door.send("POST", "/v1/settings", (), b"a" * 70_000, token=house.token())

    assert answer.status == 413
    assert house.auth.received == []


def test_a_service_cannot_send_a_client_into_the_gateways_own_places(house: House) -> None:
    house.upstreams["chat"].answer = lambda _: Reply(200, {"X-Accel-Redirect": "/_auth/required"}, b"mine")

    answer = house.door.get("/v1/models", token=house.token())

    assert (answer.status, answer.body) == (200, b"mine")


def test_json_is_compressed_for_those_who_ask(house: House) -> None:
    text = json.dumps(["deepthinks"] * 1000).encode()
    house.upstreams["chat"].answer = lambda _: Reply(200, {"Content-Type": "application/json"}, text)
    token = house.token()

    packed = house.door.get("/v1/models", ("Accept-Encoding", "gzip"), token=token)
    plain = house.door.get("/v1/models", token=token)

    assert packed.header("Content-Encoding") == "gzip"
    assert "Accept-Encoding" in packed.all("Vary")
    assert plain.body == text
