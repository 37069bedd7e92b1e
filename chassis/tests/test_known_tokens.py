"""What is remembered of tokens, and what must not be."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import SecretStr

from chassis.identity import Identity
from chassis.known_tokens import KnownTokens
from chassis.problems import Unauthenticated
from chassis.testing import FakeAuth, service_token


class Keys:
    """Keys that can be taken back, and how often somebody asked for one."""

    def __init__(self, auth: FakeAuth) -> None:
        self.published: dict[str, Ed25519PublicKey] = {auth.kid: auth.private_key.public_key()}

    async def find(self, kid: str) -> Ed25519PublicKey | None:
        return self.published.get(kid)


class Now:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def test_a_known_token_is_taken_until_it_expires() -> None:
    auth, now = FakeAuth(), Now()
    identity = Identity("beta", Keys(auth), {}, now)
    token = auth.access_token("user_1")

    first, again = await identity.user(token), await identity.user(token)
    now.ahead = 601
    known = identity._users.find(token, now())

    assert again is first
    assert known is None


async def test_a_known_token_is_refused_once_its_key_is_taken_back() -> None:
    auth = FakeAuth()
    keys = Keys(auth)
    identity = Identity("beta", keys, {})
    token = auth.access_token()
    await identity.user(token)

    keys.published.clear()

    with pytest.raises(Unauthenticated):
        await identity.user(token)


async def test_a_known_token_with_another_signature_is_another_token() -> None:
    auth = FakeAuth()
    identity = Identity("beta", Keys(auth), {})
    token = auth.access_token()
    await identity.user(token)

    with pytest.raises(Unauthenticated):
        await identity.user(token[:-4] + "AAAA")


def test_a_service_token_serves_for_half_its_life() -> None:
    now = Now()
    identity = Identity("alpha", Keys(FakeAuth()), {"beta": SecretStr("s" * 32)}, now)
    first = identity.token_for("beta")

    now.ahead = 25
    same = identity.token_for("beta")
    now.ahead = 35
    other = identity.token_for("beta")

    assert first == same != other


def test_a_known_service_token_is_no_longer_taken_when_it_has_expired() -> None:
    now = Now()
    identity = Identity("beta", Keys(FakeAuth()), {"alpha": SecretStr("s" * 32)}, now)
    token = service_token("alpha", "beta", "s" * 32)
    caller = identity.service(token)

    now.ahead = 61

    assert caller == "alpha"
    assert identity._callers.find(token, now()) is None


def test_of_too_many_tokens_the_one_used_least_recently_is_forgotten() -> None:
    known: KnownTokens[int] = KnownTokens(2)
    known.keep("a", 1, 100)
    known.keep("b", 2, 100)
    known.find("a", 0)

    known.keep("c", 3, 100)

    assert [known.find(token, 0) for token in "abc"] == [1, None, 3]
