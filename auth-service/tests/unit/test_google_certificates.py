"""How Google's certificates are fetched and read, without a service around."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import get_args

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from auth_service.clients.google import GoogleCertificates, NoCertificates, fresh_seconds, parse_certificates
from auth_service.problems import GoogleUnavailable
from chassis.neighbours import neighbour_client
from chassis.testing import serve
from dev.fake_google import CERTIFICATES_PATH, FakeGoogle, Mood, SigningKey

from ..conftest import Clock

HOUR = 3600
FRESH = 22021 - 31
EVERY_BAD_MOOD = [mood for mood in get_args(Mood) if mood != "fine"]


@pytest.fixture(scope="module")
def signing_key() -> SigningKey:
    return SigningKey()


@pytest.fixture
def google(signing_key: SigningKey) -> FakeGoogle:
    return FakeGoogle(signing_key)


@pytest.fixture
async def certificates(google: FakeGoogle, clock: Clock) -> AsyncIterator[GoogleCertificates]:
    with serve(google.app) as url:
        async with neighbour_client() as http:
            yield GoogleCertificates(url + CERTIFICATES_PATH, http, clock, deadline=0.3)


async def test_what_google_publishes_is_found_and_nothing_else(
    certificates: GoogleCertificates, signing_key: SigningKey
) -> None:
    assert await certificates.find(signing_key.kid) == signing_key.certificate
    assert await certificates.find("another") is None


@pytest.mark.parametrize("mood", EVERY_BAD_MOOD)
async def test_a_google_that_does_not_answer_well_is_asked_again_after_a_while(
    certificates: GoogleCertificates, google: FakeGoogle, signing_key: SigningKey, clock: Clock, mood: Mood
) -> None:
    google.mood = mood
    for _ in range(3):
        with pytest.raises(GoogleUnavailable):
            await certificates.find(signing_key.kid)
    asked = google.requests

    google.mood = "fine"
    clock.ahead = 11
    found = await certificates.find(signing_key.kid)

    assert asked == 1
    assert found == signing_key.certificate


@pytest.mark.parametrize("mood", EVERY_BAD_MOOD)
async def test_what_was_known_is_good_for_hours_of_a_bad_mood(
    certificates: GoogleCertificates, google: FakeGoogle, signing_key: SigningKey, clock: Clock, mood: Mood
) -> None:
    await certificates.find(signing_key.kid)
    google.mood = mood

    clock.ahead = FRESH + 6 * HOUR - 60
    assert await certificates.find(signing_key.kid) == signing_key.certificate
    clock.ahead = FRESH + 6 * HOUR + 60
    with pytest.raises(GoogleUnavailable):
        await certificates.find(signing_key.kid)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/certs", "no address at all", "http://[::bad/", "ftp://127.0.0.1/"])
async def test_where_nobody_answers_there_are_none(url: str, clock: Clock) -> None:
    async with neighbour_client() as http:
        with pytest.raises(GoogleUnavailable):
            await GoogleCertificates(url, http, clock).find("any")


async def test_one_who_goes_away_takes_the_answer_from_nobody_else(
    certificates: GoogleCertificates, google: FakeGoogle, signing_key: SigningKey
) -> None:
    google.mood = "hang"
    first, second = (asyncio.create_task(certificates.find(signing_key.kid)) for _ in range(2))
    while google.requests == 0:  # noqa: ASYNC110 - counted in another thread
        await asyncio.sleep(0.01)

    first.cancel()
    google.mood = "fine"

    assert await second == signing_key.certificate


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=22021, must-revalidate", "age": "21"}, 22000),
        ({"cache-control": "Max-Age=1000"}, 1000),
        ({"cache-control": "max-age=99999999"}, 86_400),
        ({"cache-control": "no-store"}, 300),
        ({"cache-control": "s-maxage=9000"}, 300),
        ({"cache-control": "max-age=1000", "age": "5000"}, 300),
        ({"cache-control": "max-age=1000", "age": "²"}, 1000),
        ({}, 300),
    ],
)
def test_how_long_they_are_fresh_is_within_our_bounds(headers: dict[str, str], seconds: float) -> None:
    assert fresh_seconds(httpx.Headers(headers, encoding="utf-8")) == seconds


def test_what_is_no_certificate_is_passed_over(signing_key: SigningKey) -> None:
    entries = {"bad": "-----BEGIN CERTIFICATE-----", "worse": 7, signing_key.kid: signing_key.certificate}

    found = parse_certificates(json.dumps(entries).encode())

    assert found == {signing_key.kid: signing_key.certificate}


def test_a_certificate_of_a_weak_key_is_passed_over() -> None:
    weak = SigningKey(rsa.generate_private_key(65537, 1024))

    with pytest.raises(NoCertificates):
        parse_certificates(json.dumps({weak.kid: weak.certificate}).encode())


@pytest.mark.parametrize("document", [b"", b"[]", b"null", b"{}", b"[" * 9000, b"\xff", b'{"keys": [{"kty": "RSA"}]}'])
def test_a_document_without_certificates_is_none(document: bytes) -> None:
    with pytest.raises(NoCertificates):
        parse_certificates(document)
