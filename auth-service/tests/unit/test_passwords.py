"""Hashes: a bounded number at once, the same work with and without an account, and what they cost."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters

from auth_service.main import create_app
from auth_service.passwords import NICENESS, Passwords
from auth_service.problems import SignInBusy, WeakPassword
from auth_service.settings import Settings

from ..conftest import PASSWORD

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class CountingHasher(PasswordHasher):
    """A real hasher that notes how many of its hashes are computed at the same time, and of what."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=4096, parallelism=1)
        self.verified: list[str] = []
        self.most_at_once = 0
        self.niceness: list[int] = []
        self.holds_up = threading.Event()
        self.holds_up.set()
        self._now = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self._lock:
            self._now += 1
            self.verified.append(str(hash))
            self.most_at_once = max(self.most_at_once, self._now)
            self.niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        try:
            self.holds_up.wait(5)
            return super().verify(hash, password)
        finally:
            with self._lock:
                self._now -= 1


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def passwords(hasher: CountingHasher) -> Iterator[Passwords]:
    with Passwords(hasher, minimum_length=8, at_once=2, waiting=4) as opened:
        yield opened


async def test_no_more_hashes_than_allowed_are_computed_at_once_and_the_rest_is_refused(
    passwords: Passwords, hasher: CountingHasher
) -> None:
    stored = await passwords.hash(PASSWORD)

    answers = await asyncio.gather(*(passwords.verify(stored, PASSWORD) for _ in range(20)), return_exceptions=True)

    assert answers.count(True) == 6
    refused = [answer for answer in answers if isinstance(answer, SignInBusy)]
    assert len(refused) == 14
    assert (refused[0].status, refused[0].headers["retry-after"]) == (503, "2")
    assert hasher.most_at_once == 2


async def test_there_is_room_again_once_the_rush_is_over(passwords: Passwords) -> None:
    stored = await passwords.hash(PASSWORD)
    await asyncio.gather(*(passwords.verify(stored, PASSWORD) for _ in range(20)), return_exceptions=True)

    assert await passwords.verify(stored, PASSWORD)


async def test_who_has_waited_too_long_is_refused_and_costs_no_hash(hasher: CountingHasher) -> None:
    with Passwords(hasher, minimum_length=8, at_once=1, waiting=4, patience=0.2) as passwords:
        stored = await passwords.hash(PASSWORD)
        hasher.holds_up.clear()
        verifying = [asyncio.create_task(passwords.verify(stored, PASSWORD)) for _ in range(3)]
        late = await asyncio.gather(*verifying[1:], return_exceptions=True)
        hasher.holds_up.set()

        assert [type(answer) for answer in late] == [SignInBusy, SignInBusy]
        assert await verifying[0]
        assert await passwords.verify(stored, PASSWORD)
        assert len(hasher.verified) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own only on Linux")
async def test_hashes_step_back_behind_what_must_be_answered_at_once(
    passwords: Passwords, hasher: CountingHasher
) -> None:
    stored = await passwords.hash(PASSWORD)

    await passwords.verify(stored, PASSWORD)

    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert hasher.niceness == [min(own + NICENESS, 19)]
    assert threading.get_native_id() == os.getpid()  # and the priority read was that of the event loop's thread


async def test_without_an_account_a_hash_of_the_same_cost_is_computed(
    passwords: Passwords, hasher: CountingHasher
) -> None:
    stored = await passwords.hash(PASSWORD)

    answers = [await passwords.verify(stored, PASSWORD), await passwords.verify(None, PASSWORD)]

    assert answers == [True, False]
    costs = [extract_parameters(compared) for compared in hasher.verified]
    assert costs[0] == costs[1]


def test_a_hash_costs_what_was_decided_unless_set_otherwise() -> None:
    settings = Settings()

    cost = (settings.argon2_memory_kib, settings.argon2_iterations, settings.argon2_lanes)

    assert cost == (64 * 1024, 3, 4)
    assert extract_parameters(CHEAP.hash(PASSWORD)).type.name == "ID"
    assert create_app(settings)  # and making the app computes none


@pytest.mark.parametrize(
    "password", ["elevenchars", "QWERTYUIOP123", "Correct-Horse-Battery-Staple", "ÀÀÀÀÀÀÀÀÀÀÀÀÀÀÀ"]
)
def test_the_least_length_is_a_setting_and_well_known_ones_are_refused_in_any_case(password: str) -> None:
    with Passwords(CHEAP, minimum_length=12, at_once=1, waiting=0) as passwords, pytest.raises(WeakPassword):
        passwords.refuse_weak(password, email="ada@example.org", username="Ada")


def test_a_good_password_passes() -> None:
    with Passwords(CHEAP, minimum_length=8, at_once=1, waiting=0) as passwords:
        passwords.refuse_weak(PASSWORD, email="ada@example.org", username="Ada")
