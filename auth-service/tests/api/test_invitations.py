"""Where new accounts need an invitation: each makes one account, and a refusal uses none up."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from auth_service.opaque_tokens import hash_of, new_token

from ..conftest import PASSWORD, Client, Clock, MakeSettings, Start, fresh_email, refusal
from ..kept import Kept

DAY = 86_400

Invite = Callable[..., str]


@pytest.fixture
def invite(tmp_path: Path, clock: Clock) -> Invite:
    """Makes an invitation, as the operators' command line does, and returns its code."""

    def made(email: str | None = None) -> str:
        code, now = new_token(), int(clock())
        Kept(tmp_path).change(
            "insert into invitations (hash, email, created_at, expires_at) values (?, ?, ?, ?)",
            hash_of(code),
            email,
            now,
            now + DAY,
        )
        return code

    return made


def sign_up(auth: Client, code: object, email: str | None = None, password: str = PASSWORD) -> httpx.Response:
    body: dict[str, Any] = {"email": email or fresh_email(), "password": password, "username": "Ada"}
    return auth.post("/v1/auth/signup", json=body | {"invitation": code})


def test_an_invitation_lets_one_person_in(start: Start, make_settings: MakeSettings, invite: Invite) -> None:
    with start(make_settings(signup="invite")) as auth:
        code = invite()

        answers = [sign_up(auth, code), sign_up(auth, code)]

    assert answers[0].status_code == 201
    assert refusal(answers[1]) == (403, "invalid_invitation")


@pytest.mark.parametrize("code", [None, "", "x", "A" * 43])
def test_without_an_invitation_nobody_gets_in(start: Start, make_settings: MakeSettings, code: str | None) -> None:
    with start(make_settings(signup="invite")) as auth:
        assert refusal(sign_up(auth, code)) == (403, "invalid_invitation")
        assert auth.guest()["user"]["role"] == "guest"


def test_of_twenty_who_share_a_code_one_gets_in(start: Start, make_settings: MakeSettings, invite: Invite) -> None:
    with start(make_settings(signup="invite")) as auth, ThreadPoolExecutor(20) as pool:
        code = invite()

        answers = list(pool.map(lambda _: sign_up(auth, code), range(20)))

    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 19


def test_a_refused_sign_up_leaves_the_invitation(
    start: Start, make_settings: MakeSettings, invite: Invite, email: str
) -> None:
    with start(make_settings(signup="invite")) as auth:
        sign_up(auth, invite(), email)
        code = invite()

        refused = [sign_up(auth, code, email), sign_up(auth, code, password="short")]

        assert [answer.status_code for answer in refused] == [409, 422]
        assert sign_up(auth, code).status_code == 201


def test_an_invitation_for_one_address_is_good_for_no_other(
    start: Start, make_settings: MakeSettings, invite: Invite, email: str
) -> None:
    with start(make_settings(signup="invite")) as auth:
        code = invite(email)

        refused = sign_up(auth, code)

        assert refusal(refused) == (403, "invalid_invitation")
        assert sign_up(auth, code, email.upper()).status_code == 201


def test_an_invitation_ends(start: Start, make_settings: MakeSettings, clock: Clock, invite: Invite) -> None:
    with start(make_settings(signup="invite")) as auth:
        code = invite()
        clock.ahead += DAY + 1

        assert refusal(sign_up(auth, code)) == (403, "invalid_invitation")


def test_where_addresses_are_verified_the_waiting_sign_up_uses_it(
    start: Start, make_settings: MakeSettings, invite: Invite
) -> None:
    with start(make_settings(signup="invite", email_verification="required")) as auth:
        code = invite()

        answers = [sign_up(auth, code), sign_up(auth, code)]

    assert [answer.status_code for answer in answers] == [202, 403]


def test_a_bad_code_is_refused_also_to_a_mailbox_that_had_its_mails(
    start: Start, make_settings: MakeSettings, invite: Invite, email: str
) -> None:
    with start(make_settings(signup="invite", email_verification="required", mails_per_mailbox_per_hour=1)) as auth:
        answers = [sign_up(auth, code, email) for code in (invite(), "bad", invite())]

    assert [answer.status_code for answer in answers] == [202, 403, 202]


def test_nobody_gets_in_where_it_is_closed(start: Start, make_settings: MakeSettings, invite: Invite) -> None:
    with start(make_settings(signup="closed")) as auth:
        assert refusal(sign_up(auth, invite())) == (403, "sign_up_closed")
