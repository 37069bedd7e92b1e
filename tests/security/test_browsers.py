"""Attack group K: what the page of another origin can make a browser do here, and what a browser keeps."""

import httpx
import pytest

from gateway.tests.door import Door

from .asks import Sender
from .conftest import ALLOWED_ORIGIN
from .matrix import REQUESTS
from .operations import OPERATIONS, Operation
from .people import Person

FOREIGN_ORIGINS = (
    *("null", "", "*", "https://evil.example", "http://chat.example", "https://chat.example:8443"),
    *("https://chat.example.evil.example", "https://evilchat.example", "https://evil-chat.example"),
    *("https://sub.chat.example", "https://chatxexample", "https://CHAT.example", "https://chat.example."),
    *("https://chat.example/", "https://chat.example/path", "https://user@chat.example", "https://chat.example,x"),
    *(f"{ALLOWED_ORIGIN} https://evil.example", f"https://evil.example {ALLOWED_ORIGIN}", "file://", "chat.example"),
)
PATHS = ("/v1/auth/me", "/v1/conversations", "/v1/files", "/v1/usage", "/v1/models", "/nowhere", "/health")
PERMISSIONS = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS, ids=repr)
def test_a_foreign_origin_gets_no_permission_whatever_the_status(origin: str, door: Door, eve: Person) -> None:
    asks = [("Origin", origin), ("Access-Control-Request-Method", "POST")]
    answers = [door.get(path, ("Origin", origin), token=token) for path in PATHS for token in (eve.token, None, "x")]
    answers += [door.send("OPTIONS", path, asks) for path in PATHS]

    assert [answer for answer in answers if any(answer.all(name) for name in PERMISSIONS)] == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("signed_in", [True, False])
def test_an_allowed_origin_may_read_every_answer_and_caches_keep_it_apart(
    path: str, signed_in: bool, door: Door, eve: Person
) -> None:
    answer = door.get(path, ("Origin", ALLOWED_ORIGIN), token=eve.token if signed_in else None)

    assert answer.header("Access-Control-Allow-Origin") == ALLOWED_ORIGIN
    assert answer.header("Access-Control-Allow-Credentials") == "true"
    assert any("origin" in value.lower() for value in answer.all("Vary"))


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if not each.is_internal], ids=str)
def test_a_preflight_of_an_allowed_origin_is_answered_before_any_credential(operation: Operation, door: Door) -> None:
    asks = [
        ("Origin", ALLOWED_ORIGIN),
        ("Access-Control-Request-Method", operation.method),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ]

    answer = door.send("OPTIONS", operation.path.replace("{", "").replace("}", ""), asks)

    assert (answer.status, answer.header("Access-Control-Allow-Origin")) == (204, ALLOWED_ORIGIN)
    assert operation.method in (answer.header("Access-Control-Allow-Methods") or "")
    assert (answer.header("Access-Control-Allow-Headers") or "").lower() == "authorization,content-type"


TAKING_JSON = [
    operation
    for operation in OPERATIONS
    if "application/json" in operation.document.get("requestBody", {}).get("content", {}) and not operation.is_internal
]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
@pytest.mark.parametrize("operation", TAKING_JSON, ids=str)
def test_a_body_that_a_form_could_send_is_refused(
    operation: Operation, kind: str | None, sender: Sender, door: Door, eve: Person
) -> None:
    ask = REQUESTS[operation.name].asks[0].by(eve)
    request = httpx.Request(operation.method, "http://x" + operation.path.format(**ask.path), json=ask.body)
    lines = [("Content-Type", kind)] if kind else []

    answer = door.send(
        operation.method, request.url.raw_path.decode(), lines, request.content or b"{}", token=eve.token
    )

    assert answer.status in (400, 415, 422), answer.body
    assert not answer.all("Set-Cookie")


# What a browser, or a cache on the way, makes of the answers

EVERY_STATUS: dict[int, tuple[str, str, dict[str, str], bytes]] = {
    200: ("GET", "/v1/auth/me", {}, b""),
    201: ("POST", "/v1/auth/guest", {"Content-Type": "application/json"}, b"{}"),
    204: ("OPTIONS", "/v1/models", {"Origin": ALLOWED_ORIGIN, "Access-Control-Request-Method": "GET"}, b""),
    400: ("GET", "/v1/models/a%5cb", {}, b""),
    401: ("GET", "/v1/models", {"Authorization": "Bearer x"}, b""),
    404: ("GET", "/nowhere", {}, b""),
    405: ("TRACE", "/v1/models", {}, b""),
    413: ("POST", "/v1/auth/login", {"Content-Length": "99999999"}, b"{}"),
    414: ("GET", "/" + "x" * 9000, {}, b""),
    421: ("GET", "/v1/models", {"Host": "evil.example"}, b""),
    422: ("POST", "/v1/responses", {"Content-Type": "application/json"}, b'{"input": 7}'),
    431: ("GET", "/v1/models", {"X-Long": "x" * 40_000}, b""),
    505: ("GET", "/v1/models HTTP/3.0\r\nX:", {}, b""),
}


@pytest.mark.parametrize("status", EVERY_STATUS)
def test_every_status_carries_the_security_headers_once(status: int, door: Door, eve: Person) -> None:
    method, target, headers, body = EVERY_STATUS[status]
    token = None if "Authorization" in headers else eve.token
    host = headers.get("Host", "localhost")
    lines = [(name, value) for name, value in headers.items() if name != "Host"]

    answer = door.send(method, target, lines, body, token=token, host=host)

    assert answer.status == status
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("X-Frame-Options") == "DENY"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert "default-src 'none'" in (answer.header("Content-Security-Policy") or "")
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("Server") == "nginx"
    assert not answer.all("X-Powered-By")


READING = [operation for operation in OPERATIONS if operation.method == "GET" and operation.scope]


@pytest.mark.parametrize("operation", READING, ids=str)
def test_nothing_that_was_read_with_a_credential_is_kept(operation: Operation, sender: Sender, eve: Person) -> None:
    for ask in REQUESTS[operation.name].asks:
        answer = sender.send(operation, ask.by(eve), eve.token, directly=False)

        assert "no-store" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


LIKE_A_FILE = (
    *("{0}/x.css", "{0};x.css", "{0}%3bx.css", "{0}%0a.css", "{0}%00.css", "{0}%3fx.css", "{0}%23x.css", "{0}.css"),
    *("{0}/..%2fx.css", "/x.css/..%2f..{0}", "{0}%2fx.css", "{0}/;/x.css", "{0}\\x.css", "{0}%5cx.css", "{0}/x.css?a"),
)
BY_ANOTHER_WAY = ("/static/../{0}", "/x.css/../{0}", "/x.css/%2e%2e/{0}", "{0}?x.css", "{0}?/x.css", "{0}/.", "/.{0}")
READ = ("/v1/auth/me", "/v1/conversations", "/v1/usage")


@pytest.mark.parametrize("deception", LIKE_A_FILE)
@pytest.mark.parametrize("path", READ)
def test_a_path_that_looks_like_a_file_shows_nothing(path: str, deception: str, door: Door, eve: Person) -> None:
    answer = door.get(deception.format(path), token=eve.token)

    assert answer.status in (400, 404)
    assert answer.header("Cache-Control") == "no-store"
    assert eve.id.encode() not in answer.body


@pytest.mark.parametrize("deception", BY_ANOTHER_WAY)
@pytest.mark.parametrize("path", READ)
def test_what_is_reached_by_another_way_may_not_be_kept_either(
    path: str, deception: str, door: Door, eve: Person
) -> None:
    answer = door.get(deception.format(path), token=eve.token)

    assert answer.status in (200, 400, 404)
    assert "no-store" in (answer.header("Cache-Control") or "")
