"""Mail on its way: through a real SMTP server, past its moods, and past a crash of ours."""

import shutil
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from auth_service.clients.mail import MailRefused, MailUndelivered, SmtpServer
from auth_service.letters import Stationery
from auth_service.settings import Settings
from chassis.testing import eventually

from ...conftest import Clock, bearer, fresh_email
from .conftest import MailClient, StartMail
from .letterbox import text_of, token_in
from .mail_server import PASSWORD, USERNAME, MailServer, make_certificate
from .requests import change_email, change_password, forgot, reset, sign_up, verify

DAY = 86_400


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def through(server: MailServer, **settings: Any) -> dict[str, Any]:
    """Settings of a service that sends its mail there."""
    return {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", **settings}


def test_a_mail_reaches_the_mail_server_and_its_link_works(
    start_mail: StartMail, server: MailServer, email: str
) -> None:
    with start_mail(**through(server, mail_from="Our Chat <chat@example.org>", app_name="Our Chat")) as auth:
        answer = sign_up(auth, email)
        auth.letters.settled()

        (message,) = server.messages
        assert answer.status_code == 202
        assert (server.envelopes[0].mail_from, server.envelopes[0].rcpt_tos) == ("chat@example.org", [email])
        assert (message["from"], message["to"]) == ("Our Chat <chat@example.org>", email)
        assert message["subject"] == "Our Chat: confirm your e-mail address"
        assert message["auto-submitted"] == "auto-generated"
        assert message["message-id"].endswith("@example.org>")
        assert token_in(message) in text_of(message, "html")
        assert verify(auth, token_in(message)).status_code == 200
        assert not (auth.letters.folder / "mail").exists()


def test_a_mail_waits_until_the_mail_server_is_back(start_mail: StartMail, clock: Clock, email: str) -> None:
    with MailServer() as down:
        port = down.port
    settings = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "email_verification": "off"}
    with start_mail(**settings) as auth:
        auth.sign_up(email)
        asked = forgot(auth, email)
        eventually(lambda: auth.letters.rows("select id from mails where tries > 0"))
        with MailServer(port=port) as server:
            clock.ahead += 10
            forgot(auth, fresh_email())  # which wakes the postman
            eventually(lambda: server.messages)

            assert asked.status_code == 202
            assert reset(auth, token_in(server.messages[0])).status_code == 204


def test_a_clock_that_was_put_back_holds_up_no_mail(start_mail: StartMail, clock: Clock, email: str) -> None:
    with MailServer() as down:
        port = down.port
    settings = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "email_verification": "off"}
    with start_mail(**settings) as auth:
        auth.sign_up(email)
        forgot(auth, email)
        clock.ahead = DAY / 2
        eventually(lambda: auth.letters.rows("select id from mails where next_try_at > ?", clock() - DAY / 4))

        with MailServer(port=port) as server:
            clock.ahead = 0
            forgot(auth, fresh_email())  # which wakes the postman

            eventually(lambda: server.messages)


def test_the_pauses_grow_to_an_hour_and_after_a_day_the_mail_is_given_up(
    start_mail: StartMail, server: MailServer, clock: Clock, email: str
) -> None:
    server.to_recipients = "451 later"
    with start_mail(**through(server, email_verification="off")) as auth:
        auth.sign_up(email)
        forgot(auth, email)
        pauses = []
        for tries in range(1, 13):
            eventually(lambda tries=tries: auth.letters.rows("select 1 from mails where tries = ?", tries))
            ((due,),) = auth.letters.rows("select next_try_at from mails where email = ?", email)
            pauses.append(due - clock())
            clock.ahead += pauses[-1] + 0.1
            forgot(auth, fresh_email())  # which wakes the postman

        assert pauses[:4] == pytest.approx([5, 10, 20, 40], abs=1)
        assert pauses[-2:] == pytest.approx([3600, 3600], abs=1)
        clock.ahead += DAY
        auth.letters.settled()
        assert server.messages == []


@pytest.mark.parametrize("at", ["to_recipients", "to_data"])
def test_a_mailbox_that_the_server_refuses_is_not_tried_again(
    start_mail: StartMail, server: MailServer, email: str, at: str
) -> None:
    setattr(server, at, "550 no such mailbox")
    with start_mail(**through(server)) as auth:
        sign_up(auth, email)
        auth.letters.settled()
        setattr(server, at, "250 OK")

        other = fresh_email()
        sign_up(auth, other)
        auth.letters.settled()

        assert [envelope.rcpt_tos for envelope in server.envelopes] == [[other]]


def test_a_mail_that_was_owed_before_a_crash_is_sent_after_it(
    start_mail: StartMail, server: MailServer, tmp_path: Path, clock: Clock, email: str
) -> None:
    server.to_data = "451 later"
    with start_mail(**through(server, email_verification="off")) as auth:
        auth.sign_up(email)
        forgot(auth, email)
        eventually(lambda: auth.letters.rows("select id from mails where tries = 1"))
        # What is on disk at a moment when the token is committed and the mail is not confirmed.
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        for name in ("data.sqlite3", "data.sqlite3-wal"):
            shutil.copy(tmp_path / name, crashed / name)

    server.to_data = "250 OK"
    clock.ahead += 10
    with start_mail(**through(server, email_verification="off", service_data=crashed)) as auth:
        eventually(lambda: server.messages)

        assert reset(auth, token_in(server.messages[0])).status_code == 204


def test_what_was_owed_before_the_password_changed_is_not_sent_after_it(
    start_mail: StartMail, server: MailServer, clock: Clock, email: str
) -> None:
    with start_mail(**through(server)) as auth:
        sign_up(auth, email)
        auth.letters.settled()
        tokens = verify(auth, token_in(server.messages[0])).json()
        server.to_data = "451 later"
        forgot(auth, email)
        change_email(auth, tokens, fresh_email())
        eventually(lambda: len(auth.letters.rows("select id from mails where tries = 1")) == 2)

        change_password(auth, tokens)
        server.to_data = "250 OK"
        clock.ahead += 10
        auth.letters.settled()

        assert [message["subject"] for message in server.messages[1:]] == ["Deepthinks: your password was changed"]


def test_a_deleted_account_is_owed_no_mail_and_nothing_waits_for_its_address(
    start_mail: StartMail, server: MailServer, email: str
) -> None:
    with start_mail(**through(server)) as auth:
        sign_up(auth, email)
        auth.letters.settled()
        tokens = verify(auth, token_in(server.messages[0])).json()
        server.to_data = "451 later"
        sign_up(auth, email)
        forgot(auth, email)

        answer = auth.post("/v1/auth/deletion", json={"password": "four quiet herons"}, headers=bearer(tokens))

        assert answer.status_code == 202
        for table in ("mails", "pending_sign_ups", "mail_tokens"):
            assert auth.letters.rows(f"select * from {table}") == []


def test_a_mail_that_cannot_be_written_holds_up_no_other(start_mail: StartMail, server: MailServer, email: str) -> None:
    with start_mail(**through(server, email_verification="off")) as auth:
        for number in range(4):  # as many as are tried at once
            auth.letters.change(
                "insert into mails (id, kind, email, next_try_at, created_at) values (?, 'odd', 'a@b.example', 0, ?)",
                f"mail_{number}",
                Clock()(),
            )
        auth.sign_up(email)
        forgot(auth, email)
        eventually(lambda: server.messages)

        assert [envelope.rcpt_tos for envelope in server.envelopes] == [[email]]


def test_a_copied_database_holds_no_token(start_mail: StartMail, tmp_path: Path, email: str) -> None:
    with start_mail() as auth:
        auth.sign_up(email)
        forgot(auth, email)
        token = auth.letters.token(email)

        stored = b"".join(path.read_bytes() for path in tmp_path.glob("data.sqlite3*"))

        assert sha256(token.encode()).digest() in stored
        assert token.encode() not in stored


def test_only_the_owner_of_the_process_can_read_the_files(trusting: MailClient, email: str) -> None:
    trusting.sign_up(email)
    forgot(trusting, email)
    trusting.letters.settled()

    folder = trusting.letters.folder / "mail"

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_link_stands_whole_in_its_file(trusting: MailClient, email: str) -> None:
    trusting.sign_up(email)
    forgot(trusting, email)
    link = f"https://chat.example.org/reset-password?token={trusting.letters.token(email)}"

    files = (trusting.letters.folder / "mail").iterdir()

    assert [path.read_text().splitlines().count(link) for path in files if link in path.read_text()] == [1]


def test_a_mail_names_nobody_by_a_name_that_a_stranger_chose(verifying: MailClient, email: str) -> None:
    body = {"email": email, "password": "four quiet herons", "username": "<b>Visit evil.example</b>"}

    verifying.post("/v1/auth/signup", json=body)

    (message,) = verifying.letters.to(email)
    assert "evil" not in text_of(message) + text_of(message, "html") + message["subject"]


def test_the_name_of_the_place_is_escaped(start_mail: StartMail, email: str) -> None:
    with start_mail(app_name="Q&A <Chat> für alle") as auth:
        auth.sign_up(email)
        forgot(auth, email)

        (message,) = auth.letters.to(email)
        assert message["subject"] == "Q&A <Chat> für alle: reset your password"
        assert "Q&amp;A &lt;Chat&gt; für alle" in text_of(message, "html")


@pytest.mark.parametrize("address", ["zoë@example.org", "पता@उदाहरण.भारत"])
def test_an_address_beyond_ascii_gets_its_mail_where_the_server_can(
    start_mail: StartMail, server: MailServer, address: str
) -> None:
    with start_mail(**through(server)) as auth:
        sign_up(auth, address)
        auth.letters.settled()

        assert [envelope.rcpt_tos for envelope in server.envelopes] == [[address]]
        assert server.messages[0]["to"] == address
        assert verify(auth, token_in(server.messages[0])).status_code == 200


async def test_an_address_beyond_ascii_is_given_up_where_the_server_cannot(tmp_path: Path) -> None:
    with MailServer(knows_utf8=False) as server:
        with pytest.raises(MailRefused) as refused:
            await send(server, tmp_path, to="zoë@example.org", security="none")

        assert refused.value.reason == "smtputf8_missing"
        assert server.envelopes == []


async def test_with_starttls_the_mail_and_the_log_in_are_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, context = make_certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    with MailServer(tls=context) as server:
        await send(server, tmp_path, username=USERNAME, password=PASSWORD)

        assert server.was_encrypted == [True]


@pytest.mark.parametrize(
    ("name", "is_trusted", "password", "reason"),
    [
        ("localhost", False, PASSWORD, "SSLCertVerificationError"),
        ("elsewhere.example", True, PASSWORD, "SSLCertVerificationError"),
        ("localhost", True, "wrong", "smtp_535"),
    ],
    ids=["not trusted", "another name", "wrong password"],
)
async def test_a_mail_does_not_leave_for_a_server_that_is_not_the_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_trusted: bool, password: str, reason: str
) -> None:
    trusted, context = make_certificate(tmp_path, name)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    with MailServer(tls=context) as server:
        with pytest.raises(MailUndelivered) as failure:
            await send(server, tmp_path, username=USERNAME, password=password)

        assert failure.value.reason == reason
        assert not isinstance(failure.value, MailRefused)
        assert server.envelopes == []


async def test_a_server_that_offers_no_encryption_gets_neither_password_nor_mail(tmp_path: Path) -> None:
    with MailServer() as server:
        with pytest.raises(MailUndelivered) as failure:
            await send(server, tmp_path, username=USERNAME, password=PASSWORD)

        assert failure.value.reason == "SMTPNotSupportedError"
        assert server.envelopes == []


async def send(
    server: MailServer,
    folder: Path,
    *,
    to: str = "ada@example.org",
    security: str = "starttls",
    username: str = "",
    password: str = "",
) -> None:
    message = Stationery(Settings(service_data=folder)).message("reset_password", to, Clock()(), "token")
    smtp = SmtpServer(
        "localhost",
        server.port,
        sender="chat@example.org",
        security=security,
        username=username,
        password=password,
    )
    await smtp.send(message, to=to, kind="reset_password")
