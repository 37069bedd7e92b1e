"""The operators' command line: it asks the running service, or does the work itself while the service is stopped."""

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from dotenv import dotenv_values, set_key

from auth_service.clients.mail import NoWayOut
from auth_service.main import create_app
from auth_service.operator_door import OperatorDoor
from auth_service.settings import Settings
from chassis.clock import system_clock
from chassis.database import DatabaseRefused
from chassis.identity import service_token
from chassis.logs import configure_logs

PATH = "/internal/operators"
PRESENT, PREVIOUS = "JWT_SECRET_KEY", "JWT_PREVIOUS_SECRET_KEYS"
SECRET_BYTES = 48
DEADLINE_SECONDS = 60.0


def run(arguments: Sequence[str]) -> None:
    """Does what the arguments say and prints JSON. Exits 1 with one line when it is refused, 2 when misspelt."""
    asked = vars(_arguments().parse_args(arguments))
    command = asked.pop("command")
    if command == "rotate-secret":
        print(_rotate(asked["file"]))
        return
    if asked.pop("password_stdin", False):
        asked["password"] = sys.stdin.readline().rstrip("\n")
    if command == "delete" and not asked.pop("yes"):
        sys.exit("this cannot be undone; repeat it with --yes")
    answer = asyncio.run(_ask(Settings(), command, {name: value for name, value in asked.items() if value is not None}))
    print(json.dumps(answer, indent=2, ensure_ascii=False))


async def _ask(settings: Settings, command: str, body: dict[str, Any]) -> Any:
    try:
        async with _service(settings) as http:
            return await _post(http, command, body)
    except DatabaseRefused as refusal:
        sys.exit(f"auth does not answer, but it is not stopped either: {refusal}")


async def _post(http: httpx.AsyncClient, command: str, body: dict[str, Any]) -> Any:
    try:
        answer = await http.post(f"{PATH}/{command}", json=body)
        document = answer.json()
    except (httpx.HTTPError, ValueError) as error:  # somebody else may listen where auth did when it last ran
        sys.exit(f"what listens at {http.base_url} did not answer as auth does: {type(error).__name__}")
    if answer.is_error:
        sys.exit(document["detail"])
    return document


@asynccontextmanager
async def _service(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service that runs on the data folder, else of one that runs only for this command."""
    door = OperatorDoor.find(settings.service_data)
    if door is None:  # a mistyped folder must not become a second, empty auth whose accounts nobody can use
        sys.exit(f"no auth ever ran on {settings.service_data}; say with SERVICE_DATA where its data is")
    if await _listens(door):
        async with _client(door, f"http://127.0.0.1:{door.port}") as http:
            yield http
        return
    configure_logs("auth", "error", "text")
    app = create_app(settings, outbound=NoWayOut())  # this shell need not know the mail server of the service
    async with app.router.lifespan_context(app):
        door = OperatorDoor.find(settings.service_data)
        assert door is not None  # its lifespan has just opened one
        async with _client(door, "http://auth", httpx.ASGITransport(app)) as http:
            yield http


async def _listens(door: OperatorDoor) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    except OSError:
        return False
    writer.close()
    return True


def _client(door: OperatorDoor, url: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {service_token('operator', 'auth', door.secret, system_clock())}"}
    return httpx.AsyncClient(
        base_url=url, transport=transport, headers=headers, timeout=DEADLINE_SECONDS, trust_env=False
    )


def _rotate(file: Path | None) -> str:
    """Puts a new secret before the present one: into the file, or as lines to be put where the settings come from."""
    values = dotenv_values(file) if file else _secrets_given()
    present, previous = values.get(PRESENT), values.get(PREVIOUS)
    if not present:
        sys.exit(f"{file or 'the environment'} has no {PRESENT}")
    changed = {PRESENT: secrets.token_urlsafe(SECRET_BYTES), PREVIOUS: ",".join(filter(None, [present, previous]))}
    if file is None:
        return "\n".join(f"{name}={value}" for name, value in changed.items())
    for name in (PREVIOUS, PRESENT):  # a crash in between leaves the present secret twice, and none lost
        set_key(file, name, changed[name], quote_mode="never")
    file.chmod(0o600)
    return f"{file}: changed; restart auth. The former secret stays valid until you take it out of {PREVIOUS}."


def _secrets_given() -> dict[str, str]:
    """Those of the environment; none where the default that everybody knows would stand for one."""
    settings = Settings()
    if "jwt_secret_key" not in settings.model_fields_set:
        return {}
    return {PRESENT: settings.secrets[0], PREVIOUS: ",".join(settings.secrets[1:])}


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth_service", description="Operators' commands.")
    commands = parser.add_subparsers(dest="command", required=True)

    create = commands.add_parser("create", help="make an account; prints its password unless one is given")
    create.add_argument("email")
    create.add_argument("--username", default="Operator")
    create.add_argument("--operator", dest="role", action="store_const", const="operator", help="with role operator")
    create.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    for name, what in {
        "show": "who that is",
        "disable": "keep somebody out, at once",
        "enable": "let somebody in again",
    }.items():
        _about_an_account(commands, name, what)

    role = _about_an_account(commands, "role", "make a user an operator, or an operator a user")
    role.add_argument("role", choices=["user", "operator"])

    revoke = _about_an_account(commands, "revoke", "end sessions and API keys")
    revoke.add_argument("--keep-sessions", dest="sessions", action="store_false")
    revoke.add_argument("--keep-keys", dest="keys", action="store_false")

    delete = _about_an_account(commands, "delete", "delete an account and everything in it, everywhere")
    delete.add_argument("--yes", action="store_true")

    invite = commands.add_parser("invite", help="let one person sign up where SIGNUP=invite")
    invite.add_argument("email", nargs="?")
    invite.add_argument("--valid-seconds", type=int)

    audit = commands.add_parser("audit", help="the newest entries of the audit log")
    audit.add_argument("account", nargs="?")
    audit.add_argument("--limit", type=int)

    rotate = commands.add_parser("rotate-secret", help=f"a new {PRESENT}, without a refused token")
    rotate.add_argument("file", nargs="?", type=Path, help="the .env to change; without one, prints the lines")
    return parser


def _about_an_account(commands: Any, name: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=what)
    parser.add_argument("account", help="e-mail address or id")
    return parser
