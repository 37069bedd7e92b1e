"""Pages of other origins: those on the list may use the API from a browser, all others may not."""

from collections.abc import Iterator

import pytest

from .conftest import APP, LISTED
from .door import Answer
from .houses import House, opened
from .test_answers import QUICK, Refuse
from .upstreams import Reply

FOREIGN = [
    "null",
    "https://evil.example",
    "https://app.example.evil.example",
    "https://evilapp.example",
    "https://app.exampl",
    "ttps://app.example",
    "app.example",
    "https://app.example:443",
    "https://app.example:8443",
    "https://app.example/",
    "https://app.example.",
    "https://APP.example",
    "HTTPS://app.example",
    "http://app.example",
    "https://sub.app.example",
    "https://user@app.example",
    "https://app_example",
    "http://localhost",
    "http://localhost:30000",
    "http://localhost:300",
    "https://localhost:3000",
    "http://127.0.0.1:3000",
    "file://",
    "*",
    "|",
    "https://app.example|https://evil.example",
    f"https://evil.example {APP}",
    LISTED,
]
ASKED = ("Access-Control-Request-Method", "POST")
SDK = ", ".join(
    ["authorization", "content-type", "idempotency-key", "x-conversation-id", "x-requested-with", "openai-organization"]
    + [f"x-stainless-{name}" for name in ("arch", "helper-method", "lang", "os", "package-version", "retry-count")]
    + ["x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-timeout", "x-stainless-of-tomorrow"]
)


def granted(answer: Answer) -> dict[str, str]:
    """The headers by which a browser decides."""
    return {name.lower(): value for name, value in answer.headers if name.lower().startswith("access-control-")}


def preflight(house: House, path: str, *headers: tuple[str, str]) -> Answer:
    return house.door.send("OPTIONS", path, headers)


@pytest.mark.parametrize("origin", LISTED.split())
def test_a_page_of_a_listed_origin_may_read_the_answer(origin: str, house: House) -> None:
    answer = house.door.get("/v1/models", ("Origin", origin), token=house.token())

    assert answer.status == 200
    assert granted(answer) == {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": answer.header("Access-Control-Expose-Headers"),
    }
    exposed = {name.strip().lower() for name in (answer.header("Access-Control-Expose-Headers") or "").split(",")}
    assert {"x-request-id", "x-conversation-id", "retry-after", "x-should-retry"} <= exposed
    assert {"x-ratelimit-remaining-requests", "x-guest-turns-remaining"} <= exposed


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_any_other_origin_may_not(origin: str, house: House) -> None:
    real = house.door.get("/v1/models", ("Origin", origin), token=house.token())
    asked = preflight(house, "/v1/models", ("Origin", origin), ASKED)

    assert (real.status, asked.status) == (200, 204)
    assert granted(real) == granted(asked) == {}


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/auth/login", "/s/abc", "/health", "/nowhere"])
def test_a_preflight_is_answered_here_without_a_credential(path: str, house: House) -> None:
    answer = preflight(house, path, ("Origin", APP), ASKED, ("Access-Control-Request-Headers", SDK))

    assert (answer.status, answer.body) == (204, b"")
    assert granted(answer) == {
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": SDK,
        "access-control-max-age": "7200",
    }
    assert not any(upstream.received for upstream in house.upstreams.values())


@pytest.mark.parametrize("asked", ["x-user-id", "authorization, x-user-id", "x-auth-ok", "cookie", "a\tb", "x" * 4000])
def test_a_header_that_is_not_ours_is_not_granted(asked: str, house: House) -> None:
    answer = preflight(house, "/v1/models", ("Origin", APP), ASKED, ("Access-Control-Request-Headers", asked))

    allowed = (answer.header("Access-Control-Allow-Headers") or "").split(", ")
    assert answer.status == 204
    assert "authorization" in allowed
    assert not {"x-user-id", "x-auth-ok", "cookie", "*"} & set(allowed)


@pytest.mark.parametrize("headers", [[], [("Origin", APP)], [ASKED]], ids=["bare", "origin", "method"])
def test_options_that_are_no_preflight_go_on_to_the_service(headers: list[tuple[str, str]], house: House) -> None:
    answer = house.door.send("OPTIONS", "/v1/models", headers, token=house.token())

    assert answer.status == 200
    assert [seen.method for seen in house.upstreams["chat"].received] == ["OPTIONS"]


@pytest.mark.parametrize("refuse", QUICK.values(), ids=QUICK)
def test_every_answer_says_that_it_depends_on_the_origin(refuse: Refuse, house: House) -> None:
    assert "Origin" in refuse(house).all("Vary")


@pytest.mark.parametrize("status", [401, 413, 502, 503])
def test_a_refusal_can_be_read_by_a_listed_page(status: int, house: House) -> None:
    token, body = house.token(), b"a" * 70_000 if status == 413 else b""
    if status == 502:
        house.upstreams["chat"].stop()
    if status == 503:
        house.auth.stop()

    token = "unknown" if status == 401 else token
    answer = house.door.send("POST", "/v1/settings", [("Origin", APP)], body, token=token)

    assert answer.status == status
    assert answer.header("Access-Control-Allow-Origin") == APP


def test_what_a_service_says_about_origins_does_not_count(house: House) -> None:
    lax = {
        "Access-Control-Allow-Origin": "https://evil.example",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Allow-Methods": "*",
        "Access-Control-Expose-Headers": "*",
        "Access-Control-Max-Age": "99999",
        "Access-Control-Allow-Private-Network": "true",
    }
    house.upstreams["chat"].answer = lambda _: Reply(200, lax)

    foreign = house.door.get("/v1/models", ("Origin", "https://evil.example"), token=house.token())
    listed = house.door.get("/v1/models", ("Origin", APP), token=house.token())

    assert granted(foreign) == {}
    assert granted(listed)["access-control-allow-origin"] == APP


@pytest.mark.parametrize("origin", ["null", APP, "http://localhost:3000"])
def test_without_a_list_no_other_origin_is_allowed(origin: str, limited: House) -> None:
    answer = limited.door.get("/openapi.json", ("Origin", origin))

    assert answer.status == 200
    assert granted(answer) == {}
    assert answer.all("Vary") == []


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("open"), {"GATEWAY_ALLOWED_ORIGINS": "*"}) as house:
        yield house


@pytest.mark.parametrize("origin", [APP, "null"])
def test_a_list_that_is_a_star_allows_every_page_but_no_cookies(origin: str, open_to_all: House) -> None:
    house = open_to_all.reset()

    answer = house.door.get("/v1/models", ("Origin", origin), token=house.token())
    house.door.send("POST", "/v1/auth/refresh", [("Origin", origin)], b"{}")

    assert granted(answer)["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in granted(answer)
    assert house.auth.last.header("X-Allowed-Origin") is None
