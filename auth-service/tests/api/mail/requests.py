"""The requests that tests about mail begin with."""

from typing import Any

import httpx

from ...conftest import PASSWORD, Client, bearer
from .conftest import MailClient

NEW_PASSWORD = "five loud magpies"


def sign_up(auth: Client, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    return auth.post("/v1/auth/signup", json={"email": email, "password": password, "username": "Ada", **more})


def verify(auth: Client, token: str, **more: Any) -> httpx.Response:
    return auth.post("/v1/auth/verify-email", json={"token": token, **more})


def verified(auth: MailClient, email: str, password: str = PASSWORD) -> dict[str, Any]:
    """The tokens of an account that began with a mail."""
    sign_up(auth, email, password)
    answer = verify(auth, auth.letters.token(email))
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def forgot(auth: Client, email: str) -> httpx.Response:
    return auth.post("/v1/auth/password/forgot", json={"email": email})


def reset(auth: Client, token: str, password: str = NEW_PASSWORD) -> httpx.Response:
    return auth.post("/v1/auth/password/reset", json={"token": token, "new_password": password})


def change_password(auth: Client, tokens: dict[str, Any], password: str = NEW_PASSWORD, **more: Any) -> httpx.Response:
    body = {"current_password": PASSWORD, "new_password": password, **more}
    return auth.post("/v1/auth/password", json=body, headers=bearer(tokens))


def change_email(auth: Client, tokens: dict[str, Any], email: str, password: str = PASSWORD) -> httpx.Response:
    return auth.post("/v1/auth/email", json={"email": email, "password": password}, headers=bearer(tokens))


def confirm_email(auth: Client, token: str) -> httpx.Response:
    return auth.post("/v1/auth/email/confirm", json={"token": token})
