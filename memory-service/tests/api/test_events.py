"""Events take effect once, in order, and survive a restart; ill-formed ones are refused alone."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from chassis.database import Database
from chassis.events import Event
from chassis.migrations import INBOX, OWNERS, package_migrations
from chassis.testing import FakeAuth, eventually
from dev.offline_llm.testing import OfflineLLM
from memory_service.archive import Archive
from memory_service.clients.summarizer import Reply
from memory_service.fold_replies import AcceptedFold, StatedFact, Summary
from memory_service.folding import Limits
from memory_service.folds import Folds
from memory_service.scrubbing import Scrubbing
from memory_service.settings import Settings
from memory_service.stores.branches import Branches
from memory_service.stores.fact_sources import Source
from memory_service.stores.jobs import Jobs

from ..conftest import START, Memory, Running, Talk, asked_about


def test_a_repeated_event_takes_effect_once(memory: Memory) -> None:
    talk = Talk()
    event = talk.turn("Only once, please.")

    outcomes = memory.deliver(event) + memory.deliver(event, event)

    assert outcomes == ["applied", "duplicate", "duplicate"]
    assert memory.show(talk.id)["statistics"]["turns"] == 1


def test_the_same_turn_under_another_event_id_takes_effect_once(memory: Memory) -> None:
    talk = Talk()
    event = talk.turn("Only once, please.")

    outcomes = memory.deliver(event, {**event, "id": "evt_another"})

    assert outcomes == ["applied", "applied"]
    assert memory.show(talk.id)["statistics"]["turns"] == 1


def test_an_event_without_the_agreed_fields_is_refused_and_holds_up_its_own_conversation_only(memory: Memory) -> None:
    talk, other = Talk(), Talk()
    bad = talk.turn("Broken.", depth="deep")

    outcomes = memory.deliver(bad, talk.turn("After it."), other.turn("Elsewhere."))

    assert outcomes == ["refused", "held", "applied"]


def test_fields_of_an_event_that_are_not_known_here_are_ignored(memory: Memory) -> None:
    talk = Talk()

    assert memory.deliver(talk.turn("Hello.", something_new=1)) == ["applied"]


def test_everything_is_there_again_after_a_restart(running: Running) -> None:
    talk = Talk()
    with running() as memory:
        memory.deliver(talk.turn("Before."))

    with running() as memory:
        memory.deliver(talk.turn("After."))

        assert [turn["user"] for turn in memory.show(talk.id)["short_term"]["turns"]] == ["Before.", "After."]


def test_a_fold_that_a_restart_interrupts_is_taken_up_again(running: Running, model: OfflineLLM) -> None:
    talk = Talk()
    model.misbehave({"times": 1, "fault": {"hang_before_headers": True}})
    with running(fold_lease_seconds=600) as memory:
        memory.deliver(*(talk.turn(f"My project {n} is called Falcon{n}.") for n in range(5)))
        eventually(lambda: asked_about(model, talk.turns[0]))

    with running() as memory:
        shown = memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] == 3)

    assert len(shown["long_term"]["interactions"]) == 1


def test_a_fold_whose_process_was_killed_is_taken_up_when_its_lease_has_run_out(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    talk = Talk()
    model.misbehave({"times": 1, "fault": {"hang_before_headers": True}})
    with killed_at_the_end(settings) as memory:
        memory.deliver(*(talk.turn(f"My project {n} is called Falcon{n}.") for n in range(5)))
        eventually(lambda: asked_about(model, talk.turns[0]))

    with running() as memory:
        shown = memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] == 3)

    assert len(asked_about(model, talk.turns[0])) == 2
    assert len(shown["long_term"]["interactions"]) == 1


async def test_a_reply_that_was_saved_before_a_crash_is_used_without_asking_again(
    running: Running, settings: Settings, model: OfflineLLM
) -> None:
    talk = Talk()
    model.misbehave({"fault": {"status": 503}})
    with running(fold_first_retry_seconds=60, fold_longest_retry_seconds=120) as memory:
        memory.deliver(*(talk.turn(f"My project {n} is called Falcon{n}.") for n in range(5)))
        memory.eventually(talk.id, lambda shown: shown["statistics"]["summarizer"]["attempts"] == 1)
    reply = {
        "summary": "Projects Falcon0, Falcon1 and Falcon2.",
        "priority_score": 5,
        "quote": {"turn_id": talk.turns[0], "text": "My project 0"},
        "facts": [],
    }
    with Database(settings.service_data, []) as database:
        await database.write(
            lambda tx: tx.run(
                "update jobs set reply = ?, reply_model = 'm', depth_from = 1, depth_to = 3, next_try_at = 0",
                json.dumps(reply),
            )
        )

    with running() as memory:
        shown = memory.eventually(talk.id, lambda shown: shown["statistics"]["folded_turns"] == 3)

    assert shown["long_term"]["interactions"][0]["summary"] == reply["summary"]
    assert len(asked_about(model, talk.turns[0])) == 1


async def test_a_fold_that_is_committed_twice_counts_once(settings: Settings, model: OfflineLLM) -> None:
    database_of = [package_migrations("memory_service"), INBOX, OWNERS]
    folds = Folds(Limits(4, 3000, 1500, 4000), lambda: START, lambda: None, lambda: 1.0)
    talk = Talk()
    events = [Event(**talk.turn(f"My project {n} is called Falcon{n}.")) for n in range(5)]
    reply = Reply("", "m", None, None)
    summary = Summary("Projects Falcon0 to Falcon2", 5)
    accepted = AcceptedFold(summary, None, [StatedFact("Falcon0", "other", 5, "active", [Source(talk.turns[0], 0, 2)])])
    with Database(settings.service_data, database_of) as database:
        archive = Archive(folds, Scrubbing(database, lambda: START), lambda: START)
        for event in events:
            await database.write(lambda tx, event=event: archive.turn_ended(tx, event))
        job = await database.write(lambda tx: Jobs(tx).take("lease", START, START + 60))
        fold = await database.write(lambda tx: folds.prepare(tx, job, "lease"))

        for _ in range(2):
            await database.write(lambda tx: folds.commit(tx, fold, accepted, reply))
        branch = await database.read(lambda tx: Branches(tx).get(1))
        facts = await database.read(lambda tx: tx.value("select count(*) from facts"))

    assert (branch.folded_through, branch.unfolded_turns, facts) == (3, 2, 1)


@contextmanager
def killed_at_the_end(settings: Settings) -> Iterator[Memory]:
    """The service as a process of its own that ends by `kill -9`; its leases last a second."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        "SERVICE_PORT": str(port),
        "SERVICE_DATA": str(settings.service_data),
        "AUTH_URL": settings.auth_url,
        "TOGETHER_BASE_URL": settings.together_base_url,
        "SHORT_TERM_MEMORY_K": "4",
        "SUMMARIZER_TIMEOUT_SECONDS": "0.9",
        "FOLD_LEASE_SECONDS": "1",
        "STORAGE_RESERVE_BYTES": "0",
        "LOG_LEVEL": "error",
    }
    process = subprocess.Popen([sys.executable, "-m", "memory_service"], env={**os.environ, **variables})
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        yield Memory(url, settings, FakeAuth())
    finally:
        process.kill()
        process.wait()


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200:
                return
        assert time.monotonic() < deadline
        time.sleep(0.02)
