"""A small service made of the chassis alone: notes, and events about them. Two of them talk in the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from chassis.app import create_app
from chassis.database import Database, Transaction
from chassis.events import Event
from chassis.identity import Identity, Principal, RemoteKeys
from chassis.inbox import Inbox, events_router
from chassis.migrations import INBOX, OUTBOX
from chassis.neighbours import Neighbour, neighbour_client
from chassis.outbox import Outbox
from chassis.pages import Page, PageParameters, page_of
from chassis.policies import Public, Service, User
from chassis.problems import Unprocessable
from chassis.settings import ServiceSettings

SECRET = SecretStr("a-secret-that-the-two-of-them-share")


class Note(BaseModel):
    id: str


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["text"]
    text: str


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["rule"]


Lines = list[Annotated[Line | Rule, Field(discriminator="kind")]]


class NewNote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    size: int = 1
    lines: Lines = []


def routes() -> APIRouter:
    router = APIRouter()

    @router.post("/notes")
    async def add(note: NewNote, caller: Annotated[Principal, Depends(User("chat:write"))]) -> Note:
        return Note(id=f"{caller.user_id}/{note.id}")

    @router.post("/stored-notes", dependencies=[Depends(Public())])
    async def store(note: NewNote, request: Request) -> Note:
        stored = "insert into inbox (event_id, received_at) values (?, 0)"
        await request.app.state.database.write(lambda tx: tx.run(stored, note.id))
        return Note(id=note.id)

    @router.post("/account", dependencies=[Depends(User("account", keys=False, guests=False))])
    async def change_account() -> Note:
        return Note(id="changed")

    @router.get("/notes", dependencies=[Depends(Public())])
    async def list_notes(page: PageParameters) -> Page[Note]:
        return page_of([Note(id=str(number)) for number in range(3)], page.limit)

    @router.get("/internal/whoami")
    async def whoami(caller: Annotated[str, Depends(Service(("alpha",)))]) -> Note:
        return Note(id=caller)

    @router.get("/crash", dependencies=[Depends(Public())])
    async def crash() -> Note:
        raise KeyError("the secret content of a note")

    @router.get("/not-ready-soon", dependencies=[Depends(Public())])
    async def leave_ready(request: Request) -> Note:
        request.app.state.is_ready = False
        return Note(id="done")

    return router


def note(tx: Transaction, event: Event) -> None:
    """Handler of `noted`: keeps the event; refuses one that asks for it."""
    tx.run("create table if not exists noted (event_id text primary key, number integer)")
    tx.run("insert into noted (event_id, number) values (?, ?)", event.id, event.data["number"])
    if event.data.get("refuse"):
        raise Unprocessable()


def create_example(name: str, folder: Path, auth_url: str, *, sends_to: tuple[str, str] | None = None) -> FastAPI:
    """`sends_to` is the name and URL of the service that gets this one's events."""
    other = sends_to[0] if sends_to else "alpha"

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with neighbour_client() as http:
            identity = Identity(name, RemoteKeys(auth_url, http), {other: SECRET})
            consumers = {other: Neighbour(other, sends_to[1], http, identity)} if sends_to else {}
            with Database(folder / name, [OUTBOX, INBOX]) as database:
                async with Outbox(database, consumers) as outbox:
                    app.state.identity = identity
                    app.state.database = database
                    app.state.inbox = Inbox(database, {"noted": note})
                    app.state.outbox = outbox
                    app.state.is_ready = True

                    async def ready() -> bool:
                        return bool(app.state.is_ready)

                    app.state.ready = ready
                    yield

    return create_app(name, ServiceSettings(), routers=[routes(), events_router(other)], lifespan=lifespan)
