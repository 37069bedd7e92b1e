"""Attack group K: the refresh token as a cookie, which a browser sends along whoever's page asks."""

from typing import Any

import httpx
import pytest

from dev.stack import Stack

from .conftest import ALLOWED_ORIGIN
from .test_browsers import FOREIGN_ORIGINS

COOKIE = "__Host-refresh_token"
PROOF = {"origin": ALLOWED_ORIGIN, "x-requested-with": "deepthinks"}


class Browser:
    """Keeps the cookie, which plain HTTP on loopback would not get from a real client."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http = http
        self._url = url
        answer = http.post(f"{url}/v1/auth/guest", json={"transport": "cookie"})
        self.tokens: dict[str, Any] = answer.raise_for_status().json()
        self.set_cookie = answer.headers.get_list("set-cookie")
        self.value = self.set_cookie[0].partition(";")[0].partition("=")[2]

    def post(self, path: str, headers: dict[str, str], **content: Any) -> httpx.Response:
        cookie = {"cookie": f"{COOKIE}={self.value}"}
        return self._http.post(self._url + path, headers={**cookie, **headers}, **content)

    def refresh(self, headers: dict[str, str]) -> httpx.Response:
        answer = self.post("/v1/auth/refresh", headers)
        if answer.is_success:
            self.value = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
        return answer


@pytest.fixture
def browser(http: httpx.Client, stack: Stack) -> Browser:
    return Browser(http, stack.url)


def test_the_refresh_token_goes_into_a_cookie_that_scripts_and_other_sites_cannot_use(browser: Browser) -> None:
    (set_cookie,) = browser.set_cookie
    attributes = {part.strip().lower() for part in set_cookie.split(";")[1:]}

    assert set_cookie.startswith(f"{COOKIE}=")
    assert {"httponly", "secure", "path=/"} <= attributes
    assert attributes & {"samesite=strict", "samesite=lax"}
    assert not any(part.startswith("domain") for part in attributes)
    assert not browser.tokens.get("refresh_token")


def test_an_allowed_page_refreshes_with_the_cookie_and_signs_out_with_it(browser: Browser) -> None:
    first, second = browser.refresh(PROOF), browser.refresh(PROOF)
    out = browser.post("/v1/auth/logout", PROOF)

    assert (first.status_code, second.status_code, out.status_code) == (200, 200, 204)
    assert first.headers["set-cookie"] != second.headers["set-cookie"]
    assert first.headers["access-control-allow-credentials"] == "true"
    assert not first.json().get("refresh_token")
    assert "max-age=0" in out.headers["set-cookie"].lower()
    assert browser.refresh(PROOF).status_code == 401


def without(name: str) -> dict[str, str]:
    return {header: value for header, value in PROOF.items() if header != name}


CROSS_SITE: dict[str, dict[str, str]] = {
    "nothing": {},
    "no origin": without("origin"),
    "no header of its own": without("x-requested-with"),
    "an empty header of its own": {**PROOF, "x-requested-with": ""},
    **{f"origin {origin!r}": {**PROOF, "origin": origin} for origin in FOREIGN_ORIGINS if origin},
    "an allowed referrer": {**without("origin"), "referer": f"{ALLOWED_ORIGIN}/"},
    "its own word that it is allowed": {
        **PROOF,
        "origin": "https://evil.example",
        "x-allowed-origin": "https://evil.example",
    },
    "another's word": {**without("origin"), "x-allowed-origin": ALLOWED_ORIGIN},
    "same-site": {**without("origin"), "sec-fetch-site": "same-origin"},
    "a host of its own": {**PROOF, "origin": "https://evil.example", "x-forwarded-host": "evil.example"},
}


@pytest.mark.parametrize("path", ["/v1/auth/refresh", "/v1/auth/logout"])
@pytest.mark.parametrize("how", CROSS_SITE)
def test_a_request_that_another_site_could_cause_spends_nothing_and_ends_nothing(
    how: str, path: str, browser: Browser
) -> None:
    bodies: list[dict[str, Any]] = [{}, {"json": {}}, {"data": {"a": "b"}}]
    for content in bodies:
        answer = browser.post(path, CROSS_SITE[how], **content)

        assert answer.status_code in (400, 403, 415, 422), answer.text
        assert "set-cookie" not in answer.headers
        assert "access_token" not in answer.text
    assert browser.refresh(PROOF).status_code == 200


@pytest.mark.parametrize("path", ["/v1/auth/me", "/v1/auth/sessions", "/v1/conversations", "/v1/files", "/v1/usage"])
def test_the_cookie_is_no_credential_anywhere_else(
    path: str, browser: Browser, stack: Stack, http: httpx.Client
) -> None:
    answer = http.get(stack.url + path, headers={**PROOF, "cookie": f"{COOKIE}={browser.value}"})

    assert answer.status_code == 401


def test_two_refresh_cookies_in_one_request_are_refused(browser: Browser) -> None:
    answer = browser.post("/v1/auth/refresh", {**PROOF, "cookie": f"{COOKIE}=theirs; {COOKIE}={browser.value}"})

    assert answer.status_code == 400
    assert browser.refresh(PROOF).status_code == 200
