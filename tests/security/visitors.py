"""People at the door: what one can ask without being signed in, and how one becomes somebody."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from dev.stack import Stack

from .mailbox import Mailbox
from .people import PASSWORD, Person

Result = TypeVar("Result")
# there is no TLS to verify, and loading certificates costs more than most requests
PATIENT: dict[str, Any] = {"timeout": 60.0, "verify": False, "limits": httpx.Limits(max_connections=300)}


class Visitor(httpx.Client):
    """Somebody who knocks, and gets whatever the gateway answers. `address` counts where the gateway trusts a proxy."""

    def __init__(self, stack: Stack, address: str | None = None) -> None:
        headers = {"x-forwarded-for": address} if address else {}
        super().__init__(base_url=stack.url, headers=headers, **PATIENT)
        self._stack = stack

    def sign_up(self, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        return self.post("/v1/auth/signup", json={"email": email, "password": password, "username": "Ada", **more})

    def log_in(self, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        return self.post("/v1/auth/login", json={"email": email, "password": password, **more})

    def refresh(self, refresh_token: str) -> httpx.Response:
        return self.post("/v1/auth/refresh", json={"refresh_token": refresh_token})

    def log_out(self, refresh_token: str) -> httpx.Response:
        return self.post("/v1/auth/logout", json={"refresh_token": refresh_token})

    def forget(self, email: str, **request: Any) -> httpx.Response:
        """Says that the password is forgotten."""
        return self.post("/v1/auth/password/forgot", json={"email": email}, **request)

    def reset(self, token: str, password: str) -> httpx.Response:
        return self.post("/v1/auth/password/reset", json={"token": token, "new_password": password})

    def me(self, access_token: str) -> httpx.Response:
        return self.get("/v1/auth/me", headers={"authorization": f"Bearer {access_token}"})

    def account(self, email: str | None = None, password: str = PASSWORD, **more: Any) -> Person:
        """Signs up, answers the mail where one is sent, and is somebody."""
        email = email or fresh_email()
        answer = self.sign_up(email, password, **more)
        if answer.status_code == 202:
            token = Mailbox(self._stack).token("sign_up", email)
            answer = self.post("/v1/auth/verify-email", json={"token": token, **more})
        return self.became(answer, email)

    def guest(self) -> Person:
        return self.became(self.post("/v1/auth/guest"))

    def signed_in(self, email: str, password: str = PASSWORD, **more: Any) -> Person:
        return self.became(self.log_in(email, password, **more), email)

    def became(self, answer: httpx.Response, email: str | None = None) -> Person:
        """Whom the tokens in the answer make of this visitor."""
        tokens = answer.raise_for_status().json()
        headers = {**self.headers, "authorization": f"Bearer {tokens['access_token']}"}
        return Person(httpx.Client(base_url=self.base_url, headers=headers, **PATIENT), tokens, email)


def fresh_email() -> str:
    return f"{uuid4().hex}@example.com"


def anywhere() -> str:
    """A public IPv4 address that nobody else in these tests has."""
    return f"{random.randrange(11, 100)}.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}"


def at_once(count: int, act: Callable[[int], Result]) -> list[Result]:
    """What `act` returns for 0 to `count` - 1, all begun at the same moment."""
    together = threading.Barrier(count)

    def begin(number: int) -> Result:
        together.wait()
        return act(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))
