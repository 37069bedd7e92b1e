"""Streams that are cut, stopped, left and never read: nothing is lost, and nobody else notices."""

import json
import random
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM
from dev.stack import Stack

from .people import Person, events_of, text_of, written

SEED = 4
LONG = " ".join(f"word{number}" for number in range(120))
SLOWLY = {"content": LONG, "tokens_per_second": 200}


def all_bytes(person: Person, response: str, after: int = -1) -> bytes:
    with person.resumed(response, after) as answer:
        return answer.read()


def some_events(person: Person, response: str, after: int, count: int) -> bytes:
    """At most so many events from there on; then the connection is dropped."""
    seen = b""
    with person.resumed(response, after) as answer:
        for piece in answer.iter_raw():
            seen += piece
            if seen.count(b"\n\n") >= count:
                break
    blocks = seen.split(b"\n\n")[:-1][:count]  # whatever came of another one is thrown away, as a crash would
    return b"".join(block + b"\n\n" for block in blocks)


def in_pieces(person: Person, response: str, dice: random.Random) -> bytes:
    """The whole stream, read by a client that loses its connection again and again."""
    seen = b""
    while b"event: response.completed" not in seen:
        count = events_in(seen)
        seen += without_comments(some_events(person, response, count - 1, dice.randint(1, 12)))
    return seen


def events_in(stream: bytes) -> int:
    return stream.count(b"\n\ndata: ") + stream.count(b"\ndata: ")


def without_comments(stream: bytes) -> bytes:
    return b"".join(block + b"\n\n" for block in stream.split(b"\n\n")[:-1] if not block.startswith(b":"))


def test_streams_cut_at_random_events_and_resumed_are_the_same_byte_for_byte(
    newcomer: Callable[[], Person], llm: OfflineLLM
) -> None:
    llm.fail("Sing me a song", **SLOWLY)
    people = [newcomer() for _ in range(6)]

    def one(number: int) -> tuple[bytes, bytes]:
        person = people[number % len(people)]
        response = person.turn(f"Sing me a song, the {number}th.", background=True).json()["id"]
        pieced = in_pieces(person, response, random.Random(SEED + number))
        return pieced, without_comments(all_bytes(person, response))

    with ThreadPoolExecutor(10) as threads:
        streams = list(threads.map(one, range(30)))
    llm.behave()

    assert [pieced == whole for pieced, whole in streams] == [True] * 30
    assert all(b"word119" in whole for _, whole in streams)


def test_stops_close_the_call_of_the_model_keep_the_text_and_are_billed(
    newcomer: Callable[[], Person], llm: OfflineLLM
) -> None:
    llm.fail("Count the waves", content=LONG * 5, tokens_per_second=50)
    people = [newcomer() for _ in range(20)]

    def stopped(number: int) -> tuple[str, str, str]:
        person, wanted, events = people[number], number % 5 + 1, []
        with person.streamed_turn("Count the waves.") as answer:
            for event in events_of(answer):
                events.append(event)
                deltas = sum(each["type"] == "response.output_text.delta" for each in events)
                if deltas == wanted and event["type"].endswith("delta"):
                    person.post(f"/v1/responses/{events[0]['response']['id']}/cancel").raise_for_status()
        response = person.response(events[0]["response"]["id"])
        return response["status"], text_of(events), written(response)

    with ThreadPoolExecutor(20) as threads:
        ends = list(threads.map(stopped, range(20)))

    assert eventually(lambda: llm.open_streams() == 0)
    assert [each["disconnected"] for each in llm.asked("Count the waves")] == [True] * 20
    llm.behave()
    assert [status for status, _, _ in ends] == ["cancelled"] * 20
    assert all(seen == kept != "" and LONG.startswith(kept[:200]) for _, seen, kept in ends)
    for person in people:
        usage = eventually(lambda person=person: (told := person.usage())["calls"] and told)
        assert usage["output_tokens"] > 0


@contextmanager
def never_reading(stack: Stack, person: Person, path: str, body: dict[str, Any]) -> Iterator[None]:
    """Somebody who asks for a stream and does not look at it."""
    content = json.dumps(body | {"model": "deepthinks", "stream": True}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {person.headers['authorization']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", stack.port))
        connection.sendall(head.encode() + content)
        yield


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {"input": "Read me the encyclopaedia."}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Read me the encyclopaedia."}]}),
    ],
    ids=["responses", "completions"],
)
def test_a_reader_that_never_reads_slows_nobody(
    stack: Stack, newcomer: Callable[[], Person], llm: OfflineLLM, path: str, body: dict[str, Any]
) -> None:
    llm.behave()
    llm.fail("Read me the encyclopaedia", content="encyclopaedia " * 50_000, tokens_per_second=5_000)
    sloth, others = newcomer(), [newcomer() for _ in range(5)]

    with never_reading(stack, sloth, path, body), ThreadPoolExecutor(5) as threads:
        eventually(lambda: llm.asked("Read me the encyclopaedia"))
        answers = list(threads.map(lambda other: other.turn("My dog is called Rex.").json(), others))
        [call] = llm.asked("Read me the encyclopaedia")
        for conversation in sloth.get("/v1/conversations")["data"]:
            sloth.delete(f"/v1/conversations/{conversation['id']}")

    assert [answer["status"] for answer in answers] == ["completed"] * 5
    assert call["open"]
    assert eventually(lambda: llm.open_streams() == 0)


def test_a_client_that_leaves_loses_nothing(ada: Person, llm: OfflineLLM) -> None:
    llm.fail("I left the oven on", **SLOWLY)
    with ada.streamed_turn("I left the oven on, I think.") as answer:
        begun = next(events_of(answer))["response"]

    ended = eventually(lambda: (seen := ada.response(begun["id"]))["status"] != "in_progress" and seen)

    llm.behave()
    assert (ended["status"], written(ended)) == ("completed", LONG)
    assert ada.said(begun["conversation"]["id"]) == [("user", "I left the oven on, I think."), ("assistant", LONG)]


def test_nobody_else_can_read_a_stream(ada: Person, newcomer: Callable[[], Person]) -> None:
    response = ada.turn("I hid the key under the third stone.").json()["id"]

    with newcomer().resumed(response, -1) as answer:
        document = answer.read()

    assert answer.status_code == 404
    assert b"stone" not in document
