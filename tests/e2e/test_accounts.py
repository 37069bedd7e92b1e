"""Accounts as everybody uses them: through the gateway, with mails answered, and the official SDK where it fits."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest
from openai import OpenAI

from chassis.testing import eventually
from dev.stack import ROOT, Stack

from .people import PASSWORD, Person, signed_in

NEW_PASSWORD = "another long passphrase"


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system where an account begins with a mail."""
    os.environ.pop("TOGETHER_API_KEY", None)
    settings = {"EMAIL_VERIFICATION": "required", "OFFLINE_LLM_TOKENS_PER_SECOND": "2000"}
    with Stack(tmp_path_factory.mktemp("verified"), environment=settings) as running:
        yield running


@pytest.fixture
def door(verified: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{verified.url}/v1/auth/", timeout=30.0) as client:
        yield client


@pytest.fixture
def email() -> str:
    return f"{uuid4().hex}@example.com"


def mail(stack: Stack, kind: str, to: str) -> EmailMessage:
    """The mail of that kind, from the folder that stands for a mail server."""

    def look() -> EmailMessage | None:
        for file in (stack.folder / "auth" / "mail").glob(f"[!.]*-{kind}-*.eml"):
            letter = message_from_bytes(file.read_bytes(), policy=policy.default)
            if letter["to"] == to and isinstance(letter, EmailMessage):
                return letter
        return None

    letter: EmailMessage = eventually(look)
    return letter


def token(stack: Stack, kind: str, to: str) -> str:
    body = mail(stack, kind, to).get_body(("plain",))
    assert body is not None
    [found] = re.findall(r"with the token ([A-Za-z0-9_-]+)", str(body.get_content()))
    return str(found)


def arrive(stack: Stack, door: httpx.Client, email: str, **more: str) -> Person:
    """Signs up and answers the mail."""
    body = {"email": email, "password": PASSWORD, "username": "Ada"}
    door.post("signup", json=body).raise_for_status()
    answer = door.post("verify-email", json={"token": token(stack, "sign_up", email), **more})
    return signed_in(stack.url, email, answer.raise_for_status().json())


def log_in(stack: Stack, door: httpx.Client, email: str, password: str = PASSWORD, **more: str) -> Person:
    answer = door.post("login", json={"email": email, "password": password, **more})
    return signed_in(stack.url, email, answer.raise_for_status().json())


def operate(stack: Stack, *arguments: str, password: str = "") -> Any:
    """What the operators' command line prints."""
    done = subprocess.run(
        [sys.executable, "-m", "auth_service", *arguments],
        env={"PATH": os.environ["PATH"], "SERVICE_DATA": str(stack.folder / "auth")},
        cwd=ROOT,
        input=password,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_account_begins_when_its_mail_is_answered(verified: Stack, door: httpx.Client, email: str) -> None:
    signed_up = door.post("signup", json={"email": email, "password": PASSWORD, "username": "Ada"})
    too_early = door.post("login", json={"email": email, "password": PASSWORD})

    answered = door.post("verify-email", json={"token": token(verified, "sign_up", email)})
    with log_in(verified, door, email) as person:
        me = person.http.get("/v1/auth/me").json()

    assert (signed_up.status_code, signed_up.json()["status"]) == (202, "verification_sent")
    assert (too_early.status_code, too_early.json()["code"]) == (403, "email_not_verified")
    assert answered.json()["user"]["id"] == me["id"]
    assert (me["email"], me["email_verified"], me["role"]) == (email, True, "user")


def test_a_forgotten_password_is_reset_by_mail_and_signs_out_everywhere(
    verified: Stack, door: httpx.Client, email: str
) -> None:
    with arrive(verified, door, email) as person:
        asked = door.post("password/forgot", json={"email": email})
        link = token(verified, "reset_password", email)
        reset = door.post("password/reset", json={"token": link, "new_password": NEW_PASSWORD})

        assert [asked.status_code, reset.status_code] == [202, 204]
        assert door.post("login", json={"email": email, "password": PASSWORD}).status_code == 401
        assert door.post("refresh", json={"refresh_token": person.tokens["refresh_token"]}).status_code == 401
        log_in(verified, door, email, NEW_PASSWORD).close()
        assert "was reset" in str(mail(verified, "password_reset", email)["subject"])


def test_an_address_is_changed_by_the_mail_to_the_new_one(verified: Stack, door: httpx.Client, email: str) -> None:
    new = f"new.{email}"
    with arrive(verified, door, email) as person:
        asked = person.http.post("/v1/auth/email", json={"email": new, "password": PASSWORD})
        before = person.http.get("/v1/auth/me").json()["email"]
        door.post("email/confirm", json={"token": token(verified, "change_email", new)}).raise_for_status()

        assert (asked.status_code, asked.json()["status"], before) == (202, "verification_sent", email)
        assert person.http.get("/v1/auth/me").json()["email"] == new
        assert door.post("login", json={"email": email, "password": PASSWORD}).status_code == 401
        log_in(verified, door, new).close()
        assert mail(verified, "email_changed", email)


def test_what_one_is_called_and_looks_like_can_be_changed(verified: Stack, door: httpx.Client, email: str) -> None:
    with arrive(verified, door, email) as person:
        person.http.patch("/v1/auth/me", json={"username": "Grace", "picture": "https://example.com/grace.png"})
        person.http.patch("/v1/auth/me", json={"picture": None})
        me = person.http.get("/v1/auth/me").json()

    assert (me["username"], me["picture"]) == ("Grace", None)


def test_an_api_key_is_all_that_the_official_sdk_needs(verified: Stack, door: httpx.Client, email: str) -> None:
    with arrive(verified, door, email) as person:
        wish = {"name": "my program", "scopes": ["chat:read", "chat:write"]}
        made = person.http.post("/v1/auth/keys", json=wish).raise_for_status().json()
        sdk = OpenAI(base_url=f"{verified.url}/v1", api_key=made["key"], max_retries=0)

        conversation = sdk.conversations.create()
        events = list(
            sdk.responses.create(
                model="deepthinks", conversation=conversation.id, input="My cat is called Turing.", stream=True
            )
        )
        with pytest.raises(openai.PermissionDeniedError) as beyond_its_scopes:
            sdk.files.list()
        account = httpx.get(f"{verified.url}/v1/auth/me", headers={"authorization": f"Bearer {made['key']}"})
        shown = person.http.get("/v1/auth/keys").json()["data"]
        usage = eventually(lambda: (seen := person.usage())["total"]["calls"] and seen)

        assert events[-1].type == "response.completed"
        assert beyond_its_scopes.value.status_code == account.status_code == 403
        assert [(key["id"], key["last_four"], "key" in key) for key in shown] == [(made["id"], made["key"][-4:], False)]
        assert usage["total"]["output_tokens"] == events[-1].response.usage.output_tokens
        assert person.sdk.conversations.retrieve(conversation.id).id == conversation.id


def test_a_revoked_api_key_is_refused_within_two_seconds(verified: Stack, door: httpx.Client, email: str) -> None:
    with arrive(verified, door, email) as person:
        made = person.http.post("/v1/auth/keys", json={"name": "my program", "scopes": ["chat:read"]}).json()
        sdk = OpenAI(base_url=f"{verified.url}/v1", api_key=made["key"], max_retries=0)
        sdk.models.list()

        person.http.delete(f"/v1/auth/keys/{made['id']}").raise_for_status()

        def is_refused() -> bool:
            try:
                sdk.models.list()
            except openai.AuthenticationError:
                return True
            return False

        eventually(is_refused, seconds=2.1)


def test_one_sees_where_one_is_signed_in_and_signs_out_elsewhere(
    verified: Stack, door: httpx.Client, email: str
) -> None:
    with arrive(verified, door, email) as here, log_in(verified, door, email) as there:
        listed = here.http.get("/v1/auth/sessions").json()["data"]
        here.http.delete("/v1/auth/sessions", params={"keep_current": "true"}).raise_for_status()

        assert [session["current"] for session in listed] == [False, True]
        assert {session["device"] for session in listed} == {door.headers["user-agent"]}
        assert [session["current"] for session in here.http.get("/v1/auth/sessions").json()["data"]] == [True]
        assert there.http.get("/v1/auth/me").status_code == 401
        assert door.post("refresh", json={"refresh_token": there.tokens["refresh_token"]}).status_code == 401


def test_a_guest_signs_up_and_goes_on_where_they_were(verified: Stack, door: httpx.Client, email: str) -> None:
    with signed_in(verified.url, "", door.post("guest").raise_for_status().json()) as guest:
        conversation = guest.sdk.conversations.create().id
        guest.say(conversation, "My boat is called Marguerite.")
        spent = eventually(lambda: (seen := guest.usage())["total"]["calls"] and seen)["total"]

        with arrive(verified, door, email, guest_token=guest.tokens["access_token"]) as person:
            answer = person.say(conversation, "What is my boat called?")
            usage = eventually(lambda: (seen := person.usage())["total"]["calls"] == spent["calls"] + 1 and seen)

    assert "Marguerite" in answer
    assert usage["total"]["input_tokens"] > spent["input_tokens"]


def test_an_account_is_deleted_with_a_receipt(verified: Stack, door: httpx.Client, email: str) -> None:
    with arrive(verified, door, email) as person:
        conversation = person.sdk.conversations.create().id
        person.say(conversation, "I keep bees on the roof.")
        receipt = person.http.post("/v1/auth/deletion", json={"password": PASSWORD}).raise_for_status().json()

        done = eventually(
            lambda: (seen := door.get(f"deletions/{receipt['token']}").json())["status"] == "completed" and seen
        )

    assert done["erased"]["chat"]["conversations"] == 1
    assert set(done["erased"]) >= {"chat", "memory", "files", "analytics"}
    assert door.post("login", json={"email": email, "password": PASSWORD}).status_code == 401


def test_an_operator_makes_shows_shuts_out_and_deletes_accounts(
    verified: Stack, door: httpx.Client, email: str
) -> None:
    made = operate(verified, "create", email, "--username", "Grace", "--password-stdin", password=f"{NEW_PASSWORD}\n")
    with log_in(verified, door, email, NEW_PASSWORD) as person:
        disabled = operate(verified, "disable", email)
        shut_out = door.post("login", json={"email": email, "password": NEW_PASSWORD})
        operate(verified, "enable", email)
        audit = [entry["event"] for entry in operate(verified, "audit", email)["data"]]
        deleted = operate(verified, "delete", email, "--yes")

        assert made["account"]["id"] == person.tokens["user"]["id"]
        assert (disabled["sessions"], shut_out.json()["code"]) == (0, "account_disabled")
        assert {"account_created:user", "signed_in", "account_disabled", "account_enabled"} <= set(audit)
        assert deleted["object"] == "account.deletion"
        assert door.post("login", json={"email": email, "password": NEW_PASSWORD}).status_code == 401
