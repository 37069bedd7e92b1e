"""An account that goes: at once here, everywhere by a saga, with a receipt that outlives it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest

from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import eventually

from ..conftest import PASSWORD, Client, Clock, MakeSettings, Start, fresh_email, refusal
from ..estates import NAMES, EstatesStandIn, running_estates
from ..kept import Kept
from .test_merges import sign_up


@pytest.fixture
def estates() -> Iterator[tuple[EstatesStandIn, dict[str, str]]]:
    with running_estates() as running:
        yield running


@pytest.fixture
def others(estates: tuple[EstatesStandIn, dict[str, str]]) -> EstatesStandIn:
    return estates[0]


@pytest.fixture
def auth(start: Start, make_settings: MakeSettings, estates: tuple[EstatesStandIn, dict[str, str]]) -> Iterator[Client]:
    with start(make_settings(saga_wait_seconds=2, **estates[1])) as client:
        yield client


def delete(auth: Client, tokens: dict[str, Any], password: str | None = PASSWORD) -> httpx.Response:
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return auth.post("/v1/auth/deletion", json={"password": password} if password else {}, headers=headers)


def test_a_deletion_answers_what_every_service_erased(auth: Client, others: EstatesStandIn) -> None:
    tokens = auth.sign_up()

    answer = delete(auth, tokens)

    assert answer.status_code == 202
    receipt = answer.json()
    assert receipt["status"] == "completed"
    assert set(receipt["erased"]) == {*NAMES, "auth"}
    assert all(counts == {"things": number} for number, counts in enumerate(_in_order(receipt, others), 1))
    pseudonyms = {body["pseudonym"] for _, _, body in others.told}
    assert len(pseudonyms) == 1
    assert tokens["user"]["id"] not in pseudonyms
    assert {path for _, path, _ in others.told} == {ERASE_PATH}


def _in_order(receipt: dict[str, Any], others: EstatesStandIn) -> list[dict[str, int]]:
    return [receipt["erased"][name] for name, _, _ in others.told]


def test_the_receipt_is_shown_to_who_has_its_token_and_nobody_else(auth: Client) -> None:
    receipt = delete(auth, auth.sign_up()).json()
    token = receipt.pop("token")

    assert auth.get(f"/v1/auth/deletions/{token}").json() == receipt
    for other in (receipt["id"], token[:-1], token + "x", "x" * 128):
        assert auth.get(f"/v1/auth/deletions/{other}").json()["code"] == "deletion_not_found"


def test_nothing_signs_in_afterwards(auth: Client, email: str) -> None:
    tokens = auth.sign_up(email)
    second = auth.log_in(email).json()

    delete(auth, tokens)

    for each in (tokens, second):
        assert auth.check(each["access_token"]).status_code == 401
        assert auth.refresh(each["refresh_token"]).status_code == 401
        assert auth.me(each["access_token"]).status_code == 401
    assert auth.log_in(email).status_code == 401


def test_the_address_is_free_again_and_the_new_account_is_another_one(auth: Client, email: str) -> None:
    first = auth.sign_up(email)
    delete(auth, first)

    second = auth.sign_up(email)

    assert second["user"]["id"] != first["user"]["id"]


@pytest.mark.parametrize("password", [None, "not the password"])
def test_a_stolen_token_alone_deletes_nothing(auth: Client, others: EstatesStandIn, password: str | None) -> None:
    tokens = auth.sign_up()

    answer = delete(auth, tokens, password)

    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    assert auth.me(tokens["access_token"]).status_code == 200
    assert others.told == []


def test_guesses_at_the_password_are_throttled(auth: Client) -> None:
    tokens = auth.sign_up()

    answers = [delete(auth, tokens, f"guess number {n}").status_code for n in range(12)]

    assert answers == [403] * 10 + [429] * 2


def test_a_session_that_ends_while_it_deletes_the_account_deletes_nothing(
    auth: Client, others: EstatesStandIn, tmp_path: Path, email: str
) -> None:
    tokens = auth.sign_up(email)

    with ThreadPoolExecutor(1) as pool:
        with Kept(tmp_path).changing() as change:
            deleting = pool.submit(delete, auth, tokens)
            time.sleep(0.3)  # it has been confirmed, and waits to write
            change("update sessions set ended_at = 1 where user_id = ?", (tokens["user"]["id"],))
        answer = deleting.result()

    assert refusal(answer) == (401, "invalid_token")
    assert auth.log_in(email).status_code == 200
    assert others.told == []


def test_a_guest_goes_without_a_password(auth: Client, others: EstatesStandIn) -> None:
    guest = auth.guest()

    assert delete(auth, guest, None).json()["status"] == "completed"
    assert others.of("files")[0][1]["owner"] == guest["user"]["id"]


def test_a_guest_who_became_an_account_is_gone_already(auth: Client) -> None:
    guest = auth.guest()
    sign_up(auth, guest)

    assert delete(auth, guest, None).status_code == 401


def test_twenty_deletions_at_once_are_one(auth: Client, others: EstatesStandIn) -> None:
    tokens = auth.sign_up()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: delete(auth, tokens).status_code, range(20)))

    assert answers.count(202) == 1
    assert set(answers) <= {202, 401}
    assert len(others.of("chat")) == 1


def test_a_service_that_is_down_erases_when_it_is_back(
    start: Start, make_settings: MakeSettings, estates: tuple[EstatesStandIn, dict[str, str]]
) -> None:
    others, urls = estates
    others.down = {"files"}
    with start(make_settings(saga_wait_seconds=0.2, **urls)) as auth:
        receipt = delete(auth, auth.sign_up()).json()
        assert receipt["status"] == "in_progress"
        assert receipt["completed_at"] is None
        assert receipt["erased"]["files"] is None

        others.down = set()

        path = f"/v1/auth/deletions/{receipt['token']}"
        eventually(lambda: auth.get(path).json()["status"] == "completed")
        assert auth.get(path).json()["erased"]["files"] == {"things": 4}


def test_a_clock_that_was_put_back_holds_up_no_deletion(
    start: Start,
    make_settings: MakeSettings,
    clock: Clock,
    tmp_path: Path,
    estates: tuple[EstatesStandIn, dict[str, str]],
) -> None:
    others, urls = estates
    others.down = {"files"}
    with start(make_settings(saga_wait_seconds=0.2, **urls)) as auth:
        delete(auth, auth.sign_up())
        clock.ahead = 86_400
        assert eventually(lambda: _next_try(tmp_path) > time.time() + 80_000)

        clock.ahead = 0
        others.down = set()

        assert eventually(lambda: len(others.told) == 4)


def _next_try(folder: Path) -> float:
    kept = apsw.Connection(str(folder / "data.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return float(next(iter(kept.execute("select max(next_try_at) from saga_steps where done_at is null")))[0])
    finally:
        kept.close()


def test_no_service_erases_an_account_before_its_guest_has_come_in_there(
    start: Start, make_settings: MakeSettings, estates: tuple[EstatesStandIn, dict[str, str]]
) -> None:
    others, urls = estates
    others.down = {"memory"}
    with start(make_settings(saga_wait_seconds=0.2, **urls)) as auth:
        tokens = sign_up(auth, auth.guest()).json()
        delete(auth, tokens)
        eventually(lambda: [path for path, _ in others.of("chat")] == [MERGE_PATH, ERASE_PATH])
        assert others.of("memory") == []

        others.down = set()

        eventually(lambda: len(others.told) == 8)
        assert [path for path, _ in others.of("memory")] == [MERGE_PATH, ERASE_PATH]


def test_nothing_about_the_person_is_left_in_any_file(auth: Client, tmp_path: Path, clock: Clock) -> None:
    email = fresh_email()
    body = {"email": email, "password": PASSWORD, "username": "Canarinha Amarela"}
    tokens = auth.post("/v1/auth/signup", json=body, headers={"user-agent": "a browser like no other"}).json()
    canaries = [email.encode(), b"Canarinha Amarela", b"a browser like no other"]
    assert all(_occurs(canary, tmp_path) for canary in canaries)

    delete(auth, tokens)

    assert [canary for canary in canaries if _occurs(canary, tmp_path)] == []


def _occurs(text: bytes, folder: Path) -> bool:
    return any(text in file.read_bytes() for file in folder.rglob("*") if file.is_file())
