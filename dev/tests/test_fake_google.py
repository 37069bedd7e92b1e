"""The stand-in for Google does what Google does, as far as its own library can tell, and misbehaves when asked to."""

from collections.abc import Iterator
from typing import get_args

import httpx
import pytest
from google.auth import jwt

from chassis.testing import serve
from dev.fake_google import CERTIFICATES_PATH, CLIENT_ID, LONG, FakeGoogle, Mood


@pytest.fixture(scope="module")
def google() -> FakeGoogle:
    return FakeGoogle()


@pytest.fixture(scope="module")
def url(google: FakeGoogle) -> Iterator[str]:
    with serve(google.app) as address:
        yield address + CERTIFICATES_PATH


def test_googles_own_library_accepts_its_tokens_by_its_certificates(google: FakeGoogle, url: str) -> None:
    certificates = httpx.get(url, trust_env=False).json()

    claims = jwt.decode(google.id_token("42", email="ada@example.org"), certs=certificates, audience=CLIENT_ID)

    assert (claims["sub"], claims["email"], claims["iss"]) == ("42", "ada@example.org", "https://accounts.google.com")


def test_the_answer_says_for_how_long_it_is_good(url: str) -> None:
    answer = httpx.get(url, trust_env=False)

    assert "max-age=22021" in answer.headers["cache-control"]


def test_a_rotation_keeps_one_key_and_brings_a_new_one() -> None:
    google = FakeGoogle()
    before = google.certificates()
    old = google.id_token()

    google.rotate()

    after = google.certificates()
    assert len(before) == len(after) == 2
    assert len(before.keys() & after.keys()) == 1
    assert jwt.decode(google.id_token(), certs=before)
    with pytest.raises(ValueError, match="not found"):
        jwt.decode(old, certs=after)


@pytest.mark.parametrize("mood", [mood for mood in get_args(Mood) if mood != "fine"])
def test_in_any_other_mood_there_are_no_certificates_to_be_had(google: FakeGoogle, url: str, mood: Mood) -> None:
    google.mood = mood
    found = b""
    try:
        with httpx.stream("GET", url, trust_env=False, timeout=0.3) as answer:
            for piece in answer.iter_raw():
                found += piece
                if len(found) > LONG:
                    found = found[:LONG]  # beyond that nobody reads
                    break
            if answer.status_code != httpx.codes.OK:
                found = b"an error"
    except httpx.TimeoutException:
        found += b" in time"
    finally:
        google.mood = "fine"

    assert b"BEGIN CERTIFICATE" not in found
