"""Attack group D: line ends and other characters in what people name, which must not become headers of their own."""

import pytest

from gateway.tests.door import Door

from .people import Person

ME = "/v1/auth/me"
LINE_ENDS = ("\r\n", "\n", "\r", "\u2028", "\x85", "\0", '"\r\n', "%0d%0a", "\u560a\u560d")


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=repr)
def test_line_ends_in_names_reach_no_header(line_end: str, eve: Person) -> None:
    text = f"a{line_end}X-Injected: 1"
    content = {"file": (f"{text}.txt", b"words of mine", "text/plain")}
    answer = eve.http.post("/v1/files", files=content, data={"purpose": "user_data"})
    account = {"email": f"a{line_end}@example.com", "password": text, "username": text}
    signed_up = eve.http.post("/v1/auth/signup", json=account)
    found = [answer, signed_up]
    if answer.is_success:
        found.append(eve.http.get(f"/v1/files/{answer.json()['id']}/content"))

    for each in found:
        assert each.status_code < 500
        assert "x-injected" not in each.headers


@pytest.mark.parametrize("line_end", ["%0d%0a", "%0a", "%0d", "%E5%98%8A%E5%98%8D", "%250d%250a"])
@pytest.mark.parametrize("path", ["/{0}X-Injected:1", "/v1/models/{0}X-Injected:1", "/v1/files/a?q={0}X-Injected:1"])
def test_line_ends_in_a_path_reach_no_header(path: str, line_end: str, door: Door, eve: Person) -> None:
    answer = door.get(path.format(line_end), token=eve.token)

    assert answer.status in (400, 404)
    assert not answer.all("X-Injected")


@pytest.mark.parametrize("given", ["a b c d e", "12345678\t", "<script>", "x" * 65, "short", "ümlaut12", "a;b;c;d;e;f"])
def test_a_request_id_that_is_none_is_not_repeated(given: str, door: Door, eve: Person) -> None:
    answer = door.get(ME, ("X-Request-Id", given), token=eve.token)

    assert answer.header("X-Request-Id") not in (None, given, given.strip() + "\t")
