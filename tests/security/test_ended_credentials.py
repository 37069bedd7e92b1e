"""Attack group B: how long the gateway lets pass what has ended, and what becomes of a stream that runs meanwhile."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from dev.stack import Stack

from .people import PASSWORD, Person
from .streams import first_words, slow_answers, streamed, text_of
from .visitors import Visitor, at_once

FELT_SECONDS = 2.0
"""How long after its end a credential may still pass."""
WATCHED_SECONDS = 3.0
QUESTION = "Please count slowly."


@pytest.fixture(scope="module")
def visitor(stack: Stack) -> Iterator[Visitor]:
    with Visitor(stack) as client:
        yield client


@dataclass
class Watched:
    """A credential, what ends it, and how its requests fared: when each was sent, and its status."""

    credential: str
    end: Callable[[], object]
    asked: list[tuple[float, int]] = field(default_factory=list)
    ended_at: float = 0.0

    def watch(self, visitor: Visitor) -> None:
        self._ask(visitor)
        self.end()
        self.ended_at = time.monotonic()
        while time.monotonic() < self.ended_at + WATCHED_SECONDS:
            self._ask(visitor)

    def _ask(self, visitor: Visitor) -> None:
        sent_at = time.monotonic()
        headers = {"authorization": f"Bearer {self.credential}"}
        self.asked.append((sent_at, visitor.get("/v1/conversations", headers=headers).status_code))

    @property
    def statuses_afterwards(self) -> list[int]:
        return [status for sent_at, status in self.asked if sent_at > self.ended_at + FELT_SECONDS]


def key_of(person: Person) -> tuple[str, str]:
    """A new API key that may read conversations: its id, and itself."""
    made = person.post("/v1/auth/keys", json={"name": "a program", "scopes": ["chat:read"]})
    return made["id"], made["key"]


def test_two_seconds_after_its_end_no_request_with_a_credential_passes_the_gateway(visitor: Visitor) -> None:
    signing_out, revoking, owner, leaving, leaving_too, losing = (visitor.account() for _ in range(6))
    key_id, key = key_of(owner)
    _, key_of_who_leaves = key_of(leaving_too)
    session = revoking.tokens["refresh_token"].partition(".")[0]
    elsewhere = visitor.signed_in(revoking.email or "")
    leave = {"password": PASSWORD}
    watched = [
        Watched(signing_out.token, lambda: visitor.log_out(signing_out.tokens["refresh_token"])),
        Watched(revoking.token, lambda: elsewhere.http.delete(f"/v1/auth/sessions/{session}")),
        Watched(key, lambda: owner.http.delete(f"/v1/auth/keys/{key_id}")),
        Watched(leaving.token, lambda: leaving.http.post("/v1/auth/deletion", json=leave)),
        Watched(key_of_who_leaves, lambda: leaving_too.http.post("/v1/auth/deletion", json=leave)),
        Watched(losing.token, lambda: visitor.refresh(reused(visitor, losing))),
    ]

    at_once(len(watched), lambda number: watched[number].watch(visitor))

    for each in watched:
        assert each.asked[0][1] == 200  # it was good, and the gateway remembers that
        assert len(each.statuses_afterwards) > 20
        assert set(each.statuses_afterwards) == {401}


def reused(visitor: Visitor, person: Person) -> str:
    """A refresh token of theirs that a thief has used up."""
    stolen = str(person.tokens["refresh_token"])
    visitor.refresh(visitor.refresh(stolen).json()["refresh_token"]).raise_for_status()
    return stolen


def test_the_stream_of_a_session_that_was_signed_out_runs_on(stack: Stack, visitor: Visitor) -> None:
    person = visitor.account()
    with slow_answers(stack, QUESTION, words=50, words_per_second=20) as answer:
        with streamed(person, QUESTION) as events:
            seen = first_words(events)
            visitor.log_out(person.tokens["refresh_token"]).raise_for_status()

            seen += events

    assert visitor.me(person.token).status_code == 401
    assert seen[-1]["type"] == "response.completed"
    assert text_of(seen) == answer


def test_the_stream_of_a_deleted_user_closes_at_once(stack: Stack, visitor: Visitor) -> None:
    person = visitor.account()
    with slow_answers(stack, QUESTION, words=200, words_per_second=20) as answer:
        with streamed(person, QUESTION) as events:
            seen = first_words(events)
            asked_at = time.monotonic()

            person.post("/v1/auth/deletion", json={"password": PASSWORD})
            seen += events

            assert time.monotonic() - asked_at < 5.0  # promised: 1 s; the answer itself would take 10 s and more

    assert text_of(seen) != answer
    assert "response.completed" not in {event["type"] for event in seen}
