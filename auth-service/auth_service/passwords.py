"""Passwords: which are good enough, and their argon2id hashes, a bounded number at once."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Self, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from auth_service.problems import SignInBusy, WeakPassword
from auth_service.settings import Settings

RETRY_AFTER_SECONDS = 2
PATIENCE = 30.0
"""Seconds: with what comes after it, well within the time that the gateway gives a sign-in."""

NICENESS = 10

T = TypeVar("T")


class Passwords:
    """Open it with `with Passwords(...)`; leaving ends its threads.

    `at_once` hashes are computed in parallel and `waiting` more may queue, each for `patience` seconds; beyond that
    `SignInBusy`: a hash for somebody who has been sent away already would only keep the next one waiting.
    """

    def __init__(
        self, hasher: PasswordHasher, *, minimum_length: int, at_once: int, waiting: int, patience: float = PATIENCE
    ) -> None:
        self._hasher = hasher
        self._minimum_length = minimum_length
        self._room = at_once + waiting
        self._inside = 0
        self._patience = patience
        self._turns = asyncio.Semaphore(at_once)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2", initializer=_step_back)
        self._blocked = _blocked_passwords()
        self._decoy = hasher.hash(secrets.token_hex())

    @classmethod
    def from_settings(cls, settings: Settings) -> "Passwords":
        hasher = PasswordHasher(
            time_cost=settings.argon2_iterations,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_lanes,
        )
        return cls(
            hasher,
            minimum_length=settings.password_min_length,
            at_once=settings.argon2_at_once,
            waiting=settings.argon2_waiting,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def refuse_weak(self, password: str, *, email: str, username: str, param: str = "password") -> None:
        """Raises `WeakPassword` for one that is short, well known, or the user's own name."""
        if len(password) < self._minimum_length:
            raise WeakPassword(f"A password has at least {self._minimum_length} characters.", param=param)
        known = {email, email.partition("@")[0], username.casefold()} | self._blocked
        if password.casefold() in known or len(set(password)) == 1:
            raise WeakPassword(param=param)

    async def hash(self, password: str) -> str:
        """In PHC form, which names its own cost."""
        return await self._in_turn(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Without a stored hash it costs as much and is false: time does not tell who has an account."""
        matches = await self._in_turn(lambda: self._matches(stored or self._decoy, password))
        return matches and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with another cost than is set now."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._inside >= self._room:
            raise _busy()
        self._inside += 1
        try:
            await self._wait_for_turn()
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
            finally:
                self._turns.release()
        finally:
            self._inside -= 1

    async def _wait_for_turn(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise _busy() from None


def _busy() -> SignInBusy:
    return SignInBusy(headers={"retry-after": str(RETRY_AFTER_SECONDS)})


def _step_back() -> None:
    """Lets the event loop go before this thread, and the lanes it starts: the gateway's questions cannot wait."""
    if sys.platform == "linux":  # elsewhere it is the whole process that steps back
        os.nice(NICENESS)


def _blocked_passwords() -> frozenset[str]:
    text = files("auth_service").joinpath("blocked_passwords.txt").read_text("utf-8")
    return frozenset(text.split())
