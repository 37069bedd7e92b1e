"""The memory service as a process of its own, offline-llm as its summariser; chat's part and auth's are played here."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Self

import apsw
import httpx

from benchmarks.house import running
from benchmarks.memory.talks import Event, Talk
from chassis.events import EVENTS_PATH, EVENTS_PER_DELIVERY
from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import FakeAuth, serve, service_token
from dev.offline_llm.testing import OfflineLLM
from dev.processes import Process, free_port

ROOT = Path(__file__).parent.parent.parent
SECRETS = {"SECRET_CHAT_MEMORY": "lab-chat-memory-" + "0" * 32, "SECRET_AUTH_MEMORY": "lab-auth-memory-" + "0" * 32}
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.002


class Lab:
    """`with Lab(folder, short_term_memory_k=4) as lab` runs memory with these settings, the others at their defaults.

    All that it keeps lies in `folder`; a lab on the same folder finds it again. `llm` is its summariser, and takes
    offline-llm's faults.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.data = folder / "memory"
        self._settings = {name.upper(): str(value) for name, value in settings.items()}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.auth = FakeAuth()
            auth_url = stack.enter_context(serve(self.auth.app))
            self.llm = stack.enter_context(_offline_llm(self.folder))
            self.process = self._memory(auth_url)
            stack.enter_context(running(self.process))
            self._chat = stack.enter_context(self._client(self.chat_token))
            self._auth = stack.enter_context(self._client(lambda: self._service_token("auth")))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def kill(self) -> None:
        """kill -9: no time to finish anything."""
        self.process.kill()

    def start(self) -> None:
        """After a kill: on the same address and the same data. Returns once it is ready."""
        self.process.start()
        self.process.wait_until_ready()

    def deliver(self, *events: Event) -> list[str]:
        """Posts events as chat's relay does, as many batches as it takes; returns the outcomes."""
        batches = [events[first : first + EVENTS_PER_DELIVERY] for first in range(0, len(events), EVENTS_PER_DELIVERY)]
        return [outcome for batch in batches for outcome in self._deliver(list(batch))]

    def context(self, talk: Talk, query: str = "", budget: int = 8000, *, after: str | None = None) -> dict[str, Any]:
        """What chat is given for a turn that follows the talk's newest, or the one named by `after`."""
        body = {
            "owner": talk.owner,
            "conversation_id": talk.id,
            "tail": talk.tail(after),
            "query": query,
            "token_budget": budget,
        }
        context: dict[str, Any] = self._chat.post("/internal/context", json=body).raise_for_status().json()
        return context

    def erase_account(self, owner: str) -> None:
        """Says what auth says when somebody deletes their account."""
        body = {"owner": owner, "pseudonym": f"gone_{owner}"}
        self._auth.post(ERASE_PATH, json=body).raise_for_status()

    def merge_guest(self, guest: str, into: str) -> None:
        """Says what auth says when a guest signs in."""
        self._auth.post(MERGE_PATH, json={"owner": guest, "into": into}).raise_for_status()

    def chat_token(self) -> str:
        """Chat's own for memory, good for a minute."""
        return self._service_token("chat")

    def http(self, user: str = "user_1") -> httpx.Client:
        """The public API as this user sees it; the caller closes it, or uses it in a `with`."""
        return self._client(lambda: self.auth.access_token(user))

    def database(self) -> "closing[apsw.Connection]":
        """The service's file, for looking only: `with lab.database() as connection`."""
        connection = apsw.Connection(str(self.data / "data.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(10_000)
        return closing(connection)

    def until(self, done: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
        """Looks again and again; returns what is true then. Raises `TimeoutError`."""
        deadline = time.monotonic() + seconds
        while not (found := done()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {seconds:.0f} s still not: {what}")
            time.sleep(LOOK_SECONDS)
        return found

    def until_idle(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Returns when no fold, no merge, no scrub and no indexing is owed any more."""
        with self.database() as database:
            tables = {name for (name,) in database.execute("select name from sqlite_schema where type = 'table'")}
            owing = sorted(tables & {"jobs", "erasures", "leftovers", "unindexed"})
            owed = " + ".join(f"(select count(*) from {table})" for table in owing)  # our own names
            self.until(lambda: database.execute(f"select {owed}").fetchone() == (0,), "all work done", seconds)

    def _deliver(self, batch: list[Event]) -> list[str]:
        answer = self._chat.post(EVENTS_PATH, json={"events": batch}).raise_for_status()
        return [outcome["outcome"] for outcome in answer.json()["outcomes"]]

    def _memory(self, auth_url: str) -> Process:
        variables = {
            "SERVICE_PORT": str(self.port),
            "SERVICE_DATA": str(self.data),
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "text",
            "AUTH_URL": auth_url,
            "TOGETHER_API_KEY": "offline-llm-takes-any-key",
            "TOGETHER_BASE_URL": self.llm.url,
            **SECRETS,
            **self._settings,
        }
        command = [sys.executable, "-m", "memory_service"]
        return Process("memory", command, variables, self.folder / "logs", f"{self.url}/health/ready")

    def _service_token(self, caller: str) -> str:
        return service_token(caller, "memory", SECRETS[f"SECRET_{caller.upper()}_MEMORY"])

    def _client(self, token: Callable[[], str]) -> httpx.Client:
        """Signs each request anew, so that it works for as long as anybody likes."""

        def sign(request: httpx.Request) -> httpx.Request:
            request.headers["authorization"] = f"Bearer {token()}"
            return request

        return httpx.Client(base_url=self.url, auth=sign, timeout=60, trust_env=False)


@contextmanager
def _offline_llm(folder: Path) -> Iterator[OfflineLLM]:
    """A process too: what it does costs the service and the load nothing."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "dev.offline_llm", "--port", str(port), "--tokens-per-second", "0"]
    process = Process("offline-llm", command, {"PYTHONPATH": str(ROOT)}, folder / "logs", f"{url}/health/ready")
    with running(process), httpx.Client(base_url=url, trust_env=False) as control:
        yield OfflineLLM(url, control)
