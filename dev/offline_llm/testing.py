"""For the tests of those who talk to a model: this server, really listening, in a thread of the test process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from dev.offline_llm.app import create_app
from dev.offline_llm.faults import Match, matches
from dev.offline_llm.settings import Settings

_STARTS_WITHIN = 10.0


@dataclass(frozen=True)
class OfflineLLM:
    """A running server; `url` is what the together SDK takes as base_url."""

    url: str
    control: httpx.Client

    def misbehave(self, *rules: dict[str, Any]) -> None:
        """Adds fault rules: {"match": {...}, "times": n, "fault": {...}}."""
        self.control.post("/_offline/faults", json=list(rules)).raise_for_status()

    def fail(self, question: str, *, times: int | None = None, **fault: Any) -> None:
        """Adds a rule for the calls whose last user message contains `question`."""
        match = {"path": "/v1/chat/completions", "question_contains": question}
        self.misbehave({"match": match, "times": times, "fault": fault})

    def behave(self) -> None:
        """Drops every fault rule and forgets every recorded request."""
        self.control.delete("/_offline/faults").raise_for_status()
        self.control.delete("/_offline/requests").raise_for_status()

    def requests(self, limit: int = 1000, after: int = 0) -> list[dict[str, Any]]:
        """What was sent to /v1, oldest first."""
        return list(self._seen(limit, after)["data"])

    def asked(self, question: str) -> list[dict[str, Any]]:
        """The calls whose last user message contains `question`, oldest first."""
        wanted = Match(question_contains=question)
        return [each for each in self.requests() if matches(wanted, each["path"], each["body"])]

    def open_streams(self) -> int:
        """How many replies are on their way now."""
        return int(self._seen(0, 0)["open_streams"])

    def _seen(self, limit: int, after: int) -> dict[str, Any]:
        seen = self.control.get("/_offline/requests", params={"limit": limit, "after": after})
        return dict(seen.raise_for_status().json())


@contextmanager
def running(settings: Settings | None = None) -> Iterator[OfflineLLM]:
    """The server on a free port of 127.0.0.1; unpaced unless the settings say otherwise."""
    app = create_app(settings or Settings(tokens_per_second=0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", timeout_keep_alive=75, timeout_graceful_shutdown=1)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        _wait_until_started(server)
        with httpx.Client(base_url=url, trust_env=False) as control:
            yield OfflineLLM(url, control)
        server.should_exit = True
        thread.join()


def _wait_until_started(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the offline model server did not start")
        time.sleep(0.01)
