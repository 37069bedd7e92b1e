"""An account that is deleted: nothing answers for it, no byte of it is left on disk, what was spent still adds up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from dev.stack import Stack

from .belongings import settle_in, spent
from .command_line import operate
from .people import PASSWORD, Person
from .streams import first_words, slow_answers, streamed
from .visitors import Visitor, anywhere

SERVICES = {"chat", "memory", "files", "analytics"}
QUESTION = "Please count slowly to nobody."


@pytest.fixture
def visitor(careful: Stack) -> Iterator[Visitor]:
    with Visitor(careful, anywhere()) as client:
        yield client


def delete(person: Person) -> dict[str, Any]:
    """The receipt."""
    return dict(person.post("/v1/auth/deletion", json={"password": PASSWORD} if person.email else {}))


def receipt(visitor: Visitor, token: str) -> dict[str, Any]:
    return dict(visitor.get(f"/v1/auth/deletions/{token}").raise_for_status().json())


def completed(visitor: Visitor, token: str) -> dict[str, Any]:
    """The receipt, once every service has erased its part."""
    found: dict[str, Any] = eventually(
        lambda: (seen := receipt(visitor, token))["status"] == "completed" and seen, seconds=30.0
    )
    return found


def refuses(visitor: Visitor, credential: str) -> bool:
    headers = {"authorization": f"Bearer {credential}"}
    return visitor.get("/v1/conversations", headers=headers).status_code == 401


@contextmanager
def down(stack: Stack, *names: str) -> Iterator[None]:
    for name in names:
        stack.processes[name].kill()
    try:
        yield
    finally:
        for name in names:
            stack.processes[name].start()
        for name in names:
            stack.processes[name].wait_until_ready()


def everywhere_but_in_mails(stack: Stack, word: str) -> list[str]:
    """Files of all services that hold it, their logs included; mails that have left are in somebody else's hands."""
    files = [file for file in stack.folder.rglob("*") if file.is_file() and file.parent.name != "mail"]
    return [str(file.relative_to(stack.folder)) for file in files if word in file.name or holds(file, word)]


def holds(file: Path, word: str) -> bool:
    try:
        return word.encode() in file.read_bytes()
    except FileNotFoundError:  # it went in the meantime
        return False


def test_no_byte_of_a_deleted_person_is_left_in_any_file_and_the_sums_stay(careful: Stack, visitor: Visitor) -> None:
    person = visitor.guest()
    canary = person.canary
    account = visitor.account(f"{canary}@example.com", guest_token=person.token)  # partly under a name of before
    account.canary = canary
    account.http.patch("/v1/auth/me", json={"username": canary, "picture": f"https://example.com/{canary}.png"})
    account.http.post("/v1/auth/keys", json={"name": canary, "scopes": ["chat:read"]})
    account.http.headers["user-agent"] = canary
    visitor.forget(f"{canary}@example.com")
    settle_in(account)
    before = [spent(careful, service) for service in ("chat", "analytics")]
    assert {name.partition("/")[0] for name in everywhere_but_in_mails(careful, canary)} >= {"auth", *SERVICES} - {
        "analytics"
    }

    done = completed(visitor, delete(account)["token"])

    assert everywhere_but_in_mails(careful, canary) == []
    assert set(done["erased"]) >= SERVICES
    assert [spent(careful, service) for service in ("chat", "analytics")] == before


def test_after_a_deletion_nothing_answers(careful: Stack, visitor: Visitor) -> None:
    person = settle_in(visitor.account())
    key = person.post("/v1/auth/keys", json={"name": "a program", "scopes": ["chat:read"]})["key"]

    delete(person)

    assert visitor.log_in(person.email or "").json()["code"] == "invalid_credentials"
    assert visitor.refresh(person.tokens["refresh_token"]).status_code == 401
    eventually(lambda: refuses(visitor, person.token) and refuses(visitor, key))
    for service, path in (
        ("chat", f"/v1/conversations/{person.things['conversation']}"),
        ("memory", f"/v1/memory/conversations/{person.things['conversation']}"),
        ("files", f"/v1/files/{person.things['file']}/content"),
    ):
        url = f"http://127.0.0.1:{careful.addresses[service]}{path}"
        assert httpx.get(url, headers={"authorization": f"Bearer {person.token}"}).status_code in (401, 404)


def test_what_a_deleted_persons_token_still_asks_of_a_service_makes_nothing(careful: Stack, visitor: Visitor) -> None:
    person = visitor.account()
    delete(person)
    headers = {"authorization": f"Bearer {person.token}"}
    url = {name: f"http://127.0.0.1:{careful.addresses[name]}" for name in ("chat", "files")}

    answers = [
        httpx.post(f"{url['chat']}/v1/conversations", json={}, headers=headers),
        httpx.post(f"{url['chat']}/v1/responses", json={"model": "deepthinks", "input": "Hi."}, headers=headers),
        httpx.post(
            f"{url['files']}/v1/files",
            files={"file": ("a.txt", b"hello")},
            data={"purpose": "user_data"},
            headers=headers,
        ),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


def test_a_guest_and_somebody_without_a_password_can_go_too(visitor: Visitor) -> None:
    guest = visitor.guest()
    guest.post("/v1/conversations", json={})

    gone = completed(visitor, delete(guest)["token"])

    assert gone["erased"]["chat"]["conversations"] == 1
    assert visitor.me(guest.token).status_code == 401


def test_a_deletion_needs_the_password_and_happens_once(visitor: Visitor) -> None:
    person = visitor.account()

    wrong = [person.http.post("/v1/auth/deletion", json=body).json()["code"] for body in ({}, {"password": "wrong"})]
    stays = visitor.me(person.token).status_code

    assert wrong == ["wrong_password"] * 2
    assert stays == 200
    receipts = [person.http.post("/v1/auth/deletion", json={"password": PASSWORD}) for _ in range(2)]
    assert [answer.status_code for answer in receipts] == [202, 401]


@pytest.mark.parametrize("who", ["the owner", "an operator"])
def test_a_turn_that_runs_is_stopped_and_billed_to_nobody(who: str, careful: Stack, visitor: Visitor) -> None:
    person = visitor.account()
    asked: dict[str, Callable[[], Any]] = {
        "the owner": lambda: delete(person),
        "an operator": lambda: operate(careful, "delete", person.email or "", "--yes"),
    }
    with slow_answers(careful, QUESTION, words=400, words_per_second=20), streamed(person, QUESTION) as events:
        first_words(events)

        done = completed(visitor, asked[who]()["token"])
        rest = list(events)

    assert "response.completed" not in {event["type"] for event in rest}
    assert done["erased"]["chat"]["responses"] == 1


def test_services_that_are_down_erase_when_they_are_back_and_the_receipt_says_so(
    careful: Stack, visitor: Visitor
) -> None:
    person = settle_in(visitor.account())
    with down(careful, "files", "analytics"):
        token = delete(person)["token"]
        waiting = receipt(visitor, token)

    done = completed(visitor, token)

    assert (waiting["status"], waiting["completed_at"]) == ("in_progress", None)
    assert {name for name, counts in waiting["erased"].items() if counts is None} >= {"files", "analytics"}
    assert waiting["erased"]["chat"] == done["erased"]["chat"]
    assert done["erased"]["files"]["files"] == 1
    assert everywhere_but_in_mails(careful, person.canary) == []
