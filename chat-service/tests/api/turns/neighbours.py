"""Memory, files and analytics as chat sees them: real servers, which check who calls, and can misbehave."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chassis.ids import new_id
from chassis.settings import development_secret
from chassis.testing import eventually, serve


class Neighbour:
    """What the three have in common: a URL, a secret, a switch, and events that take effect once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = ""
        self.is_down = False
        self.is_deaf = False
        self.owner = ""
        self.events: dict[str, dict[str, Any]] = {}
        self.deliveries: dict[str, int] = defaultdict(int)
        self.app = Starlette(routes=[Route("/internal/events", self._events, methods=["POST"]), *self.routes()])

    def routes(self) -> list[Route]:
        return []

    def data_of(self, kind: str) -> list[dict[str, Any]]:
        """The data of the events of a kind about the present test's user, in the order in which they came."""
        data = [event["data"] for event in list(self.events.values()) if event["kind"] == kind]
        return [each for each in data if each["owner"] == self.owner]

    def until(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Waits for so many events of a kind."""
        eventually(lambda: len(self.data_of(kind)) >= count)
        return self.data_of(kind)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Answers 503 to everything meanwhile."""
        self.is_down = True
        yield
        self.is_down = False

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Takes no events meanwhile, and answers everything else."""
        self.is_deaf = True
        yield
        self.is_deaf = False

    def refusal(self, request: Request) -> Response | None:
        """Whether it answers at all, and only to chat."""
        if self.is_down:
            return JSONResponse({"code": "unavailable"}, 503)
        secret = development_secret(f"chat-{self.name}").get_secret_value()
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, secret, algorithms=["HS256"], audience=self.name)
        return None if claims["sub"] == "chat" else JSONResponse({"code": "forbidden"}, 403)

    async def _events(self, request: Request) -> Response:
        if refusal := self.refusal(request):
            return refusal
        if self.is_deaf:
            return JSONResponse({"code": "unavailable"}, 503)
        outcomes = []
        for event in (await request.json())["events"]:
            self.deliveries[event["id"]] += 1
            known = event["id"] in self.events
            self.events.setdefault(event["id"], event)
            outcomes.append({"id": event["id"], "outcome": "duplicate" if known else "applied"})
        return JSONResponse({"outcomes": outcomes})


class Memory(Neighbour):
    """Knows what a test tells it to."""

    def __init__(self) -> None:
        super().__init__("memory")
        self.asked: list[dict[str, Any]] = []
        self.remembers: dict[str, Any] = {}

    def routes(self) -> list[Route]:
        return [Route("/internal/context", self._context, methods=["POST"])]

    async def _context(self, request: Request) -> Response:
        if refusal := self.refusal(request):
            return refusal
        self.asked.append(await request.json())
        nothing: dict[str, Any] = {
            "known_through": None,
            "messages": [],
            "recall": None,
            "parts": [],
            "dropped": [],
            "tokens": 0,
        }
        return JSONResponse({**nothing, **self.remembers})


class Files(Neighbour):
    """Files by id: `{"owner", "filename", "state", "text"}`."""

    def __init__(self) -> None:
        super().__init__("files")
        self.files: dict[str, dict[str, Any]] = {}
        self.waits: list[float] = []
        self.keeps_back = False
        self.while_waiting: Callable[[], None] = lambda: None

    def routes(self) -> list[Route]:
        return [
            Route("/v1/files/{file_id}", self._find),
            Route("/internal/contents", self._contents, methods=["POST"]),
        ]

    def add(self, text: str, *, state: str = "ready", owner: str | None = None, name: str = "a.txt") -> str:
        """Adds a file of the present test's user, or of somebody else; returns its id."""
        file_id = new_id("file")
        self.files[file_id] = {
            "id": file_id,
            "owner": owner or self.owner,
            "filename": name,
            "kind": "text",
            "state": state,
            "text": text,
        }
        return file_id

    def add_image(self, url: str) -> str:
        """Adds an image of the present test's user, given as a `data:` URL of a PNG; returns its id."""
        file_id = self.add("", name="a.png")
        image = {"media_type": "image/png", "data": url.partition(",")[2], "width": 8, "height": 8}
        self.files[file_id] |= {"kind": "image", "image": image}
        return file_id

    async def _find(self, request: Request) -> Response:
        if self.is_down:
            return JSONResponse({}, 503)
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False})
        file = self.files.get(request.path_params["file_id"])
        if "files:read" not in claims["scope"].split():
            return JSONResponse({"code": "insufficient_scope"}, 403)
        if file is None or file["owner"] != claims["sub"]:
            return JSONResponse({"code": "file_not_found"}, 404)
        return JSONResponse({name: value for name, value in file.items() if name != "image"} | {"object": "file"})

    async def _contents(self, request: Request) -> Response:
        if refusal := self.refusal(request):
            return refusal
        asked = await request.json()
        self.waits.append(asked["wait_seconds"])
        self.while_waiting()
        if any(file_id not in self.files for file_id in asked["file_ids"]):
            return JSONResponse({"code": "file_not_found"}, 404)
        files = [] if self.keeps_back else [self.files[file_id] for file_id in asked["file_ids"]]
        return JSONResponse({"files": [_content(file) for file in files]})


def _content(file: dict[str, Any]) -> dict[str, Any]:
    ready = file["state"] == "ready"
    return {
        **file,
        "media_type": "text/plain",
        "text": file["text"] if ready else None,
        "tokens": len(file["text"]) // 4 if ready else None,
        "truncated": False,
        "error_code": "file_corrupt" if file["state"] == "failed" else None,
    }


class Neighbours:
    """The three, running."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.files = Files()
        self.analytics = Neighbour("analytics")

    def begin(self, owner: str) -> None:
        """For a new test and its user."""
        for neighbour in (self.memory, self.files, self.analytics):
            neighbour.owner = owner
            neighbour.is_down = False
        self.memory.asked.clear()
        self.memory.remembers = {}
        self.files.waits.clear()
        self.files.keeps_back = False
        self.files.while_waiting = lambda: None


@contextmanager
def running_neighbours() -> Iterator[Neighbours]:
    """All three on free ports."""
    neighbours = Neighbours()
    with (
        serve(neighbours.memory.app) as neighbours.memory.url,
        serve(neighbours.files.app) as neighbours.files.url,
        serve(neighbours.analytics.app) as neighbours.analytics.url,
    ):
        yield neighbours
