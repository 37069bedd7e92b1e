"""The operators' command line, as operators run it: against a service that runs, and one that does not."""

import base64
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import apsw
import pytest
from dotenv import dotenv_values
from starlette.applications import Starlette

from auth_service import commands
from auth_service.operator_door import OperatorDoor
from chassis.testing import serve
from dev.processes import Process, free_port

from ..conftest import PASSWORD, Client, fresh_email

CHEAP = {"ARGON2_MEMORY_KIB": "64", "ARGON2_ITERATIONS": "1", "ARGON2_LANES": "1", "SAGA_WAIT_SECONDS": "0"}
COMMAND = [sys.executable, "-m", "auth_service"]


class Operator:
    """Somebody at the command line of one data folder. `run` is a process of its own; `ask` spares that."""

    def __init__(self, folder: Path, variables: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.variables = {**CHEAP, "SERVICE_DATA": str(folder), **(variables or {})}

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | self.variables
        return subprocess.run(
            [*COMMAND, *arguments], env=environment, input=text, capture_output=True, text=True, timeout=60, check=False
        )

    def ask(self, *arguments: str) -> Any:
        """What it prints, which must be JSON."""
        return json.loads(self.printed(*arguments))

    def printed(self, *arguments: str) -> str:
        printed = io.StringIO()
        with pytest.MonkeyPatch.context() as environment, redirect_stdout(printed):
            for name, value in self.variables.items():
                environment.setenv(name, value)
            commands.run(arguments)
        return printed.getvalue()

    def refusal(self, *arguments: str) -> str:
        """The words with which it ends."""
        with pytest.raises(SystemExit) as ending:
            self.ask(*arguments)
        return str(ending.value)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Operator, Client]]:
    """An operator and the service that runs on the same folder."""
    operator = Operator(tmp_path_factory.mktemp("auth"))
    with service(operator) as url, Client(url) as client:
        yield operator, client


@contextmanager
def service(operator: Operator) -> Iterator[str]:
    """The address of one that runs on the operator's folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {**operator.variables, "SERVICE_PORT": str(port)}
    process = Process("auth", COMMAND, variables, operator.folder / "logs", f"{url}/health/ready")
    process.start()
    try:
        process.wait_until_ready()
        yield url
    finally:
        process.stop()


@pytest.fixture
def operator(running: tuple[Operator, Client]) -> Operator:
    return running[0]


@pytest.fixture
def auth(running: tuple[Operator, Client]) -> Client:
    return running[1]


def test_a_created_account_signs_in_with_the_password_that_was_printed_once(
    operator: Operator, auth: Client, email: str
) -> None:
    created = operator.ask("create", email, "--username", "Ada")

    assert created["account"] | {"id": "", "created_at": 0} == {
        "id": "", "role": "user", "email": email, "email_verified": True, "username": "Ada", "has_password": True,
        "google": [], "created_at": 0, "disabled_at": None, "merged_into": None, "sessions": 0, "keys": 0,
        "last_used_at": None,
    }  # fmt: skip
    assert auth.log_in(email, created["password"]).status_code == 200


def test_an_operator_gets_the_role_and_the_scope(operator: Operator, auth: Client, email: str) -> None:
    created = operator.run("create", email, "--operator", "--password-stdin", text=f"{PASSWORD}\n")

    tokens = auth.log_in(email).json()

    assert json.loads(created.stdout)["password"] is None
    assert tokens["user"]["role"] == "operator"
    assert "admin" in scopes(tokens)


def scopes(tokens: dict[str, Any]) -> list[str]:
    payload = tokens["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    found: list[str] = claims["scope"].split()
    return found


def test_a_role_is_given_and_taken_and_ends_the_sessions(operator: Operator, auth: Client, email: str) -> None:
    before = auth.sign_up(email)

    operator.ask("role", email, "operator")

    assert auth.check(before["access_token"]).status_code == 401
    assert "admin" in scopes(auth.log_in(email).json())
    assert operator.ask("role", email, "user")["role"] == "user"
    assert "admin" not in scopes(auth.log_in(email).json())


def test_a_disabled_account_is_out_at_once_until_it_is_enabled(operator: Operator, auth: Client, email: str) -> None:
    tokens = auth.sign_up(email)

    shown = operator.ask("disable", email)

    assert shown["disabled_at"] is not None
    assert shown["sessions"] == 0
    assert auth.check(tokens["access_token"]).status_code == 401
    assert auth.refresh(tokens["refresh_token"]).status_code == 401
    refused = auth.log_in(email)
    assert (refused.status_code, refused.json()["code"]) == (403, "account_disabled")
    assert auth.log_in(email, "not the password").json()["code"] == "invalid_credentials"

    assert operator.ask("enable", tokens["user"]["id"])["disabled_at"] is None
    assert auth.log_in(email).status_code == 200


def test_revoking_ends_sessions_and_keys(operator: Operator, auth: Client, email: str) -> None:
    tokens = auth.sign_up(email)
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    key = auth.post("/v1/auth/keys", json={"name": "a key", "scopes": ["chat:read"]}, headers=headers).json()["key"]
    assert auth.check(key).status_code == 204

    assert operator.ask("revoke", email, "--keep-sessions") == {"sessions": 0, "keys": 1}
    assert auth.check(key).status_code == 401
    assert auth.check(tokens["access_token"]).status_code == 204

    assert operator.ask("revoke", email) == {"sessions": 1, "keys": 0}
    assert auth.check(tokens["access_token"]).status_code == 401


def test_deleting_needs_a_second_word(operator: Operator, auth: Client, email: str) -> None:
    auth.sign_up(email)

    assert "--yes" in operator.refusal("delete", email)
    assert auth.log_in(email).status_code == 200
    receipt = operator.ask("delete", email, "--yes")

    assert auth.log_in(email).status_code == 401
    assert auth.get(f"/v1/auth/deletions/{receipt['token']}").json()["id"] == receipt["id"]


def test_a_guest_who_became_an_account_is_not_deleted_apart_from_it(operator: Operator, auth: Client) -> None:
    guest = auth.guest()
    body = {"email": fresh_email(), "password": PASSWORD, "username": "Ada", "guest_token": guest["access_token"]}
    account = auth.post("/v1/auth/signup", json=body).json()["user"]["id"]

    refusal = operator.refusal("delete", guest["user"]["id"], "--yes")

    assert f"became {account}" in refusal


def test_a_nearly_full_disk_keeps_nobody_in_who_is_to_stay_out(tmp_path: Path, email: str) -> None:
    with service(Operator(tmp_path)) as url, Client(url) as auth:
        auth.sign_up(email)
    nearly_full = Operator(tmp_path, {"STORAGE_RESERVE_BYTES": str(2**60)})

    shown = nearly_full.ask("disable", email)

    assert shown["disabled_at"] is not None


def test_the_audit_log_says_who_did_what(operator: Operator, auth: Client, email: str) -> None:
    user_id = auth.sign_up(email)["user"]["id"]
    operator.ask("disable", email)
    operator.ask("enable", email)
    operator.ask("delete", email, "--yes")

    entries = operator.ask("audit", user_id)["data"]

    assert [(entry["actor"], entry["event"]) for entry in reversed(entries)] == [
        ("user", "signed_up"),
        ("operator", "session_ended:disabled"),
        ("operator", "account_disabled"),
        ("operator", "account_enabled"),
        ("operator", "account_deleted"),
    ]
    assert len(operator.ask("audit", "--limit", "2")["data"]) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "nobody@example.org"), "no such account"),
        (("disable", "user_0"), "no such account"),
        (("create", "not an address"), "not an e-mail address"),
    ],
)
def test_a_refusal_is_one_line(operator: Operator, arguments: tuple[str, ...], says: str) -> None:
    refusal = operator.refusal(*arguments)

    assert says in refusal
    assert "\n" not in refusal


def test_somebody_else_who_listens_where_auth_did_is_one_line_too(tmp_path: Path) -> None:
    with serve(Starlette()) as url:
        OperatorDoor.open(tmp_path, int(url.rpartition(":")[2]))

        refusal = Operator(tmp_path).refusal("show", "ada@example.org")

    assert "did not answer as auth does" in refusal
    assert "\n" not in refusal


def test_creating_an_account_twice_is_refused(operator: Operator, email: str) -> None:
    operator.ask("create", email)

    assert "already" in operator.refusal("create", email)


def test_the_file_that_opens_the_door_is_its_owners_alone(operator: Operator) -> None:
    mode = stat.S_IMODE((operator.folder / "operator.json").stat().st_mode)

    assert mode == 0o600


@pytest.mark.parametrize("path", ["create", "show", "disable", "audit"])
def test_nobody_else_gets_through_that_door(auth: Client, path: str) -> None:
    token = auth.sign_up()["access_token"]

    for headers in ({}, {"authorization": f"Bearer {token}"}, {"authorization": "Bearer garbage"}):
        assert auth.post(f"/internal/operators/{path}", json={}, headers=headers).status_code == 401


def test_while_the_service_is_stopped_the_command_does_the_work_itself(tmp_path: Path) -> None:
    operator, email = Operator(tmp_path), fresh_email()
    with service(operator):
        pass

    created = json.loads(operator.run("create", email).stdout)

    assert operator.ask("show", email)["id"] == created["account"]["id"]


def test_a_command_beside_a_stopped_service_leaves_its_mail_to_it(tmp_path: Path) -> None:
    email = fresh_email()
    mail_server = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(free_port()), "SMTP_SECURITY": "none"}
    with service(Operator(tmp_path, mail_server)) as url, Client(url) as client:
        body = {"email": email, "password": PASSWORD, "username": "Ada"}
        assert client.post("/v1/auth/signup", json=body).status_code == 202
    connection = apsw.Connection(str(tmp_path / "data.sqlite3"))
    connection.execute("update mails set next_try_at = 0")

    Operator(tmp_path, {"ARGON2_ITERATIONS": "9000"}).ask("create", fresh_email())  # long enough for a mail to leave

    assert list(connection.execute("select email from mails")) == [(email,)]
    assert not (tmp_path / "mail").exists()


def test_a_mistyped_folder_does_not_become_an_auth_of_its_own(tmp_path: Path) -> None:
    operator = Operator(tmp_path / "auht")

    refused = operator.run("create", fresh_email(), "--operator")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "SERVICE_DATA" in refused.stderr
    assert not operator.folder.exists()


def test_rotating_the_secret_keeps_the_former_one(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# ours\nJWT_SECRET_KEY=first-secret\nOTHER=unchanged\n")
    operator = Operator(tmp_path)

    done = [operator.printed("rotate-secret", str(file)) for _ in range(2)]

    values = dotenv_values(file)
    previous = (values["JWT_PREVIOUS_SECRET_KEYS"] or "").split(",")
    assert len({values["JWT_SECRET_KEY"], *previous}) == 3
    assert previous[-1] == "first-secret"
    assert len(values["JWT_SECRET_KEY"] or "") >= 32
    assert values["OTHER"] == "unchanged"
    assert file.read_text().startswith("# ours\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(str(secret) in each for each in done for secret in values.values())


def test_without_a_file_rotating_prints_the_lines(tmp_path: Path) -> None:
    present = "p" * 40

    printed = Operator(tmp_path, {"JWT_SECRET_KEY": present}).printed("rotate-secret").splitlines()

    assert printed[1] == f"JWT_PREVIOUS_SECRET_KEYS={present}"
    assert printed[0].startswith("JWT_SECRET_KEY=")


def test_the_default_that_everybody_knows_becomes_no_previous_secret(tmp_path: Path) -> None:
    refused = Operator(tmp_path).run("rotate-secret")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "JWT_SECRET_KEY" in refused.stderr


def test_a_file_without_a_secret_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("OTHER=unchanged\n")

    assert "JWT_SECRET_KEY" in Operator(tmp_path).refusal("rotate-secret", str(file))
    assert "JWT_SECRET_KEY" in Operator(tmp_path).refusal("rotate-secret", str(tmp_path / "no such file"))
    assert file.read_text() == "OTHER=unchanged\n"


def test_help_lists_what_operators_can_do(tmp_path: Path) -> None:
    shown = Operator(tmp_path).run("--help").stdout

    wanted = "create show disable enable role revoke delete invite audit rotate-secret".split()
    assert [command for command in wanted if command not in shown] == []
