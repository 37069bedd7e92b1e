"""Whoever wants more of the model than their share: more at once, more a minute, longer, for nothing, or as guests."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from dev.stack import Stack
from gateway.tests.door import Door

from .conftest import SETTINGS
from .people import Person, enter_as_guest, sign_up

RUNNING = 5
A_MINUTE = 20
CAP = 300
FRUGAL = {
    "GUEST_TURNS": "2",
    "USER_RUNNING": str(RUNNING),
    "TURNS_PER_MINUTE": str(A_MINUTE),
    "MAX_OUTPUT_TOKENS": str(CAP),
    "GATEWAY_OPEN_REQUESTS": "1000",
}
TURN = {"model": "deepthinks", "input": "My dog is called Rex."}
COMPLETION = {"model": "deepthinks", "messages": [{"role": "user", "content": "My dog is called Rex."}]}
DOORS = ["/v1/responses", "/v1/chat/completions"]
BODIES: dict[str, dict[str, Any]] = {"/v1/responses": TURN, "/v1/chat/completions": COMPLETION}
LENGTHS = ("null", "-1", "0", "1", "1e308", "NaN", "Infinity", "100.5", "1" + "0" * 30, "1" * 5000, '"9999"', "[9999]")
FOR_EVER = {"hang_after_chunks": 3}
JSON = {"content-type": "application/json"}


class Model:
    """The door by which the model is told to misbehave, and tells what it was asked."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url)

    def behave(self) -> None:
        self._http.delete("/_offline/faults").raise_for_status()
        self._http.delete("/_offline/requests").raise_for_status()

    def misbehave(self, **fault: Any) -> None:
        self._http.post("/_offline/faults", json=[{"fault": fault}]).raise_for_status()

    def asked(self) -> list[dict[str, Any]]:
        """The bodies of the calls since it behaved last."""
        seen = self._http.get("/_offline/requests", params={"limit": 1000}).json()["data"]
        return [request["body"] for request in seen if request["method"] == "POST"]

    def open_calls(self) -> int:
        return int(self._http.get("/_offline/requests", params={"limit": 0}).json()["open_streams"])


@pytest.fixture(scope="module")
def frugal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system with little for each user."""
    with Stack(tmp_path_factory.mktemp("frugal"), environment=SETTINGS | FRUGAL) as running:
        yield running


@pytest.fixture
def model(frugal: Stack) -> Iterator[Model]:
    model = Model(f"http://127.0.0.1:{frugal.addresses['offline-llm']}")
    model.behave()
    yield model
    model.behave()
    eventually(lambda: not model.open_calls())


@pytest.fixture
def eve(frugal: Stack) -> Iterator[Person]:
    with sign_up(frugal.url) as person:
        yield person


@pytest.mark.parametrize("door", DOORS)
def test_no_way_to_name_a_length_gets_more_than_the_most(eve: Person, model: Model, door: str) -> None:
    name = "max_output_tokens" if door == "/v1/responses" else "max_tokens"
    for number in (None, *LENGTHS):
        body = json.dumps(BODIES[door])[:-1] + (f', "{name}": {number}' if number else "") + "}"

        answer = eve.http.post(door, content=body, headers=JSON)

        assert answer.is_success or answer.status_code in (400, 422), (number, answer.text)
        assert answer.is_success or answer.json()["error"]["code"]
    assert model.asked()
    assert all(0 < asked["max_tokens"] <= CAP for asked in model.asked())


@pytest.mark.parametrize("door", DOORS)
def test_one_request_gets_one_answer(eve: Person, model: Model, door: str) -> None:
    several = ({"n": 2}, {"n": 1_000_000}, {"n": -1}, {"best_of": 20})

    answers = [eve.http.post(door, json={**BODIES[door], **each}) for each in several]

    assert {answer.status_code for answer in answers} <= {400, 422}
    assert model.asked() == []


@pytest.mark.parametrize(
    ("door", "body"),
    [
        pytest.param("/v1/responses", {**TURN, "store": False, "stream": True}, id="turn that is not kept"),
        pytest.param("/v1/responses", {**TURN, "stream": True}, id="turn"),
        pytest.param("/v1/chat/completions", {**COMPLETION, "stream": True}, id="completion"),
    ],
)
def test_whoever_leaves_before_the_bill_pays(eve: Person, model: Model, door: str, body: dict[str, Any]) -> None:
    model.misbehave(content="word " * 200, tokens_per_second=100)
    with eve.http.stream("POST", door, json=body) as answer:
        lines = answer.iter_lines()
        while "word" not in next(lines):
            pass

    total = eventually(lambda: (seen := eve.get("/v1/usage")["total"])["calls"] and seen)

    assert total["input_tokens"] > 0
    assert total["output_tokens"] > 0


def test_whoever_asks_for_everything_at_once_gets_no_more_than_their_share(eve: Person, model: Model) -> None:
    model.misbehave(**FOR_EVER)
    bodies = [
        ("/v1/responses", {**TURN, "background": True}),
        ("/v1/responses", {**TURN, "store": False, "stream": True}),
        ("/v1/chat/completions", {**COMPLETION, "stream": True}),
    ]
    with ExitStack() as streams:

        def ask(number: int) -> httpx.Response:
            door, body = bodies[number % 3]
            return streams.enter_context(eve.http.stream("POST", door, json=body))

        with ThreadPoolExecutor(30) as pool:
            statuses = [answer.status_code for answer in pool.map(ask, range(60))]
        running = model.open_calls()

    stop_everything(eve)
    assert sorted(statuses) == [200] * RUNNING + [429] * (60 - RUNNING)
    assert running <= RUNNING
    assert len(model.asked()) <= RUNNING


def stop_everything(person: Person) -> None:
    for conversation in person.get("/v1/conversations")["data"]:
        person.http.delete(f"/v1/conversations/{conversation['id']}")


def test_regenerating_again_and_again_ends_at_the_rate(eve: Person, model: Model) -> None:
    first = eve.post("/v1/responses", json=TURN)["id"]

    answers = [eve.http.post("/v1/responses", json={"replaces": first}) for _ in range(A_MINUTE + 10)]

    refused = [answer for answer in answers if not answer.is_success]
    assert {answer.status_code for answer in refused} == {429}
    assert {answer.json()["code"] for answer in refused} == {"rate_limit_exceeded"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert len(model.asked()) == 1 + len(answers) - len(refused)


@pytest.mark.parametrize("door", DOORS)
def test_a_reader_that_never_reads_holds_neither_the_model_nor_its_own_place(
    frugal: Stack, eve: Person, model: Model, door: str
) -> None:
    model.misbehave(content="word " * CAP)
    body = {**BODIES[door], "stream": True}
    with ExitStack() as readers:
        for _ in range(RUNNING):
            readers.enter_context(unread(frugal, eve, door, body))
        eventually(lambda: eve.get("/v1/usage")["total"]["calls"] == RUNNING and not model.open_calls())

        after = eve.http.post(door, json=BODIES[door])

    assert after.status_code == 200


@contextmanager
def unread(stack: Stack, person: Person, door: str, body: dict[str, Any]) -> Iterator[None]:
    """A request whose answer is left lying in a small buffer."""
    content = json.dumps(body).encode()
    head = (
        f"POST {door} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {person.token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", stack.port))
        connection.sendall(head.encode() + content)
        yield


def test_many_requests_of_one_guest_at_once_get_two_answers(frugal: Stack, model: Model) -> None:
    with enter_as_guest(frugal.url) as guest:
        with ThreadPoolExecutor(20) as pool:
            doors = [DOORS[number % 2] for number in range(20)]
            answers = list(pool.map(lambda door: guest.http.post(door, json=BODIES[door]), doors))

    refused = [answer for answer in answers if not answer.is_success]
    assert len(answers) - len(refused) == len(model.asked()) == 2
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "guest_turns_used")}
    assert {answer.headers["x-should-retry"] for answer in refused} == {"false"}


def test_a_guest_who_signs_up_pays_for_what_it_had(frugal: Stack, model: Model) -> None:
    with enter_as_guest(frugal.url) as guest:
        guest.post("/v1/responses", json=TURN)
        body = {"email": f"{guest.canary}@example.com", "password": "a long enough passphrase", "username": "Eve"}
        signed_up = guest.http.post("/v1/auth/signup", json={**body, "guest_token": guest.token}).json()
        account = {"authorization": f"Bearer {signed_up['access_token']}"}

        usage = eventually(
            lambda: (total := guest.http.get("/v1/usage", headers=account).json()["total"])["calls"] and total
        )

    assert usage["turns"] == 1


@pytest.mark.parametrize("door", [*DOORS, "/v1/embeddings", "/v1/conversations", "/v1/settings"])
def test_json_that_goes_deep_is_refused(eve: Person, model: Model, door: str) -> None:
    method = "PATCH" if door == "/v1/settings" else "POST"
    for depth in (1_000, 10_000, 100_000):
        for first, last in (("[", "]"), ('{"a":', "}")):
            content = f'{{"metadata": {first * depth}1{last * depth}}}'

            answer = eve.http.request(method, door, content=content, headers=JSON)

            assert answer.status_code in (400, 413, 422), answer.text
            assert answer.json()["error"]["code"]
    assert model.asked() == []


@pytest.mark.parametrize("door", [*DOORS, "/v1/conversations"])
def test_a_hundred_megabytes_are_refused_before_they_are_sent(frugal: Stack, eve: Person, door: str) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(100_000_000))]

    answer = Door(frugal.port).send("POST", door, headers, b"{", token=eve.token)

    assert answer.status == 413
    assert answer.json()["error"]["code"] == "payload_too_large"


@pytest.mark.parametrize("door", DOORS)
def test_a_body_without_an_end_is_cut(frugal: Stack, eve: Person, door: str) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"metadata": "'
        for _ in range(100):
            yield b"a" * 1_000_000

    try:
        status = eve.http.post(door, content=endless(), headers=JSON).status_code
    except httpx.TransportError:  # the connection was closed while we were sending
        status = 413

    assert status == 413
