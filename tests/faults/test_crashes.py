"""chat is killed and stopped while people write: what was acknowledged is there once, and nothing hangs."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event as Flag

import apsw
import httpx

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from dev.stack import Stack

from .people import Event, Person, events_of, text_of, written

KILLS = 5
WRITERS = 8
PATIENCE_SECONDS = 30.0


class Writer:
    """Says one thing after another in one conversation and repeats what was not acknowledged, as an SDK would."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.conversation = person.post("/v1/conversations", {}).json()["id"]
        self.acknowledged: list[str] = []

    def write(self, until: Flag) -> None:
        while not until.is_set():
            self._say(f"Entry {len(self.acknowledged)} of my log book, {uuid.uuid4().hex}.")

    def _say(self, text: str) -> None:
        key, deadline = uuid.uuid4().hex, time.monotonic() + PATIENCE_SECONDS
        while text not in self.acknowledged[-1:]:
            assert time.monotonic() < deadline, "it takes no turns any more"
            with suppress(httpx.HTTPError):
                self._send(text, key)

    def _send(self, text: str, key: str) -> None:
        """The first event of the turn acknowledges it; the rest is read as far as it comes."""
        body = {"model": "deepthinks", "input": text, "conversation": self.conversation}
        with self.person.streamed("/v1/responses", body, Idempotency_Key=key) as answer:
            if answer.status_code != 200:
                time.sleep(0.02)  # it is down, or the turn before is not over
                return
            for number, event in enumerate(events_of(answer)):
                assert event["sequence_number"] == number
                if number == 0:
                    self.acknowledged.append(text)


@contextmanager
def database(stack: Stack) -> Iterator[apsw.Connection]:
    """chat's file, looked into from outside."""
    connection = apsw.Connection(str(stack.folder / "chat/data.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        yield connection
    finally:
        connection.close()


def test_killed_under_writers_it_loses_and_doubles_no_acknowledged_turn(
    stack: Stack, newcomer: Callable[[], Person]
) -> None:
    writers, done, chat = [Writer(newcomer()) for _ in range(WRITERS)], Flag(), stack.processes["chat"]
    with ThreadPoolExecutor(WRITERS) as threads:
        writing = [threads.submit(writer.write, done) for writer in writers]
        try:
            for _ in range(KILLS):
                wanted = 2 * WRITERS + sum(len(writer.acknowledged) for writer in writers)
                eventually(lambda wanted=wanted: sum(len(writer.acknowledged) for writer in writers) >= wanted)
                chat.kill()
                chat.start()
                chat.wait_until_ready()
        finally:
            done.set()
    for each in writing:
        each.result()

    for writer in writers:
        said = Counter(text for role, text in all_said(writer.person, writer.conversation) if role == "user")
        assert said == Counter(writer.acknowledged)
    with database(stack) as connection:
        assert connection.execute("pragma integrity_check").get == "ok"
        assert connection.execute("select count(*) from responses where status = 'in_progress'").get == 0
        charges = "select count(*) from ledger where response_id = responses.id and purpose = 'turn'"
        assert connection.execute(f"select count(*) from responses where ({charges}) <> 1").get == 0


def all_said(person: Person, conversation: str) -> list[tuple[str, str]]:
    """Everything on the active branch, page by page."""
    said, after = [], {}
    while True:
        path = f"/v1/conversations/{conversation}/items"
        page = person.get(path, order="asc", limit=100, **after)
        said += [(item["role"], item["content"][0]["text"]) for item in page["data"]]
        if not page["has_more"]:
            return said
        after = {"after": page["last_id"]}


def test_asked_to_stop_it_finishes_or_marks_what_runs(
    stack: Stack, newcomer: Callable[[], Person], llm: OfflineLLM
) -> None:
    soon, never = "one two three four five six", "on and on " * 500
    llm.fail("How long is short", content=soon, tokens_per_second=20)
    llm.fail("How long is long", content=never, tokens_per_second=50)
    people = [newcomer() for _ in range(10)]
    begun = [Flag() for _ in people]

    def read(number: int) -> tuple[str, list[Event]]:
        person, events = people[number], []
        with person.streamed_turn(f"How long is {'short' if number % 2 else 'long'}?") as answer:
            for event in events_of(answer):
                events.append(event)
                if event["type"] == "response.output_text.delta":
                    begun[number].set()
        return events[0]["response"]["id"], events

    with ThreadPoolExecutor(len(people)) as threads:
        reading = [threads.submit(read, number) for number in range(len(people))]
        for flag in begun:
            assert flag.wait(20)
        stack.processes["chat"].ask_to_stop()
        ends = [each.result() for each in reading]
    stack.processes["chat"].wait_until_stopped()
    stack.processes["chat"].start()
    stack.processes["chat"].wait_until_ready()
    llm.behave()

    for number, (name, events) in enumerate(ends):
        response = people[number].response(name)
        assert written(response) == text_of(events) != ""
        assert events[-1]["response"] == response
        assert response["status"] == ("completed" if number % 2 else "incomplete")
        assert number % 2 or response["incomplete_details"] == {"reason": "interrupted"}


def test_killed_in_the_middle_of_an_answer_it_keeps_what_was_said_and_is_billed(
    stack: Stack, ada: Person, llm: OfflineLLM
) -> None:
    llm.fail("Tell me everything", content="on and on " * 500, tokens_per_second=50)
    events, chat = [], stack.processes["chat"]
    try:
        with ada.streamed_turn("Tell me everything.") as answer:
            for event in events_of(answer):
                events.append(event)
                if len(text_of(events)) > 40 and chat.pid:
                    chat.kill()
                    break
    except httpx.HTTPError:
        pass
    chat.start()
    chat.wait_until_ready()
    llm.behave()

    name = events[0]["response"]["id"]
    response = eventually(lambda: (seen := ada.response(name))["status"] != "in_progress" and seen)
    with ada.resumed(name, events[-1]["sequence_number"]) as answer:
        rest = list(events_of(answer))
    usage = eventually(lambda: (seen := ada.usage())["calls"] and seen)

    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "interrupted"})
    assert [event["sequence_number"] for event in events + rest] == list(range(len(events + rest)))
    assert rest[-1]["type"] == "response.incomplete"
    assert written(response) == text_of(events + rest) != ""
    assert usage["output_tokens"] > 0
    again = ada.turn("Are you back? I am Ada.", conversation=response["conversation"]["id"])
    assert again.status_code == 200
