"""What survives the process: killed, or told to end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_open
from .neighbours import Neighbours

STORY = "The words are " + " ".join(f"word{number}" for number in range(25)) + "."
COMPLETIONS = {"path": "/v1/chat/completions"}


@contextmanager
def own_process(environment: dict[str, Any], chat: Chat, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m chat_service`, to which `chat` then speaks."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {**environment, "service_data": folder, "service_port": port, "log_level": "error"}
    variables = {name.upper(): str(value) for name, value in given.items()}
    with subprocess.Popen([sys.executable, "-m", "chat_service"], env={**os.environ, **variables}) as process:
        try:
            chat.url = f"http://127.0.0.1:{port}"
            _until_ready(process, chat.url)
            yield process
        finally:
            process.kill()


def _until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "chat_service ended at its start"
        try:
            if httpx.get(f"{url}/health/ready", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("chat_service did not become ready")


def test_nothing_is_lost_when_the_process_is_killed(
    environment: dict[str, Any], start: Any, chat: Chat, llm: OfflineLLM, neighbours: Neighbours, tmp_path: Path
) -> None:
    with own_process(environment, chat, tmp_path) as process, neighbours.memory.down(), neighbours.analytics.down():
        accepted = [chat.ask(f"Thing {number}.") for number in range(3)]
        llm.misbehave({"match": COMPLETIONS, "fault": {"tokens_per_second": 60}})
        with chat.streaming(STORY) as events:
            read = [next(events)]
            while len([event for event in read if event["type"] == "response.output_text.delta"]) < 5:
                read.append(next(events))
            process.send_signal(signal.SIGKILL)
            process.wait()
    llm.behave()
    cut_off = read[0]["response"]["id"]

    with start() as again:
        found = [again.http().get(f"/responses/{response['id']}").json() for response in accepted]
        ended = again.http().get(f"/responses/{cut_off}").json()
        log = [event.to_dict() for event in again.sdk().responses.retrieve(cut_off, stream=True)]
        turns = neighbours.memory.until("turn.ended", 4)
        calls = neighbours.analytics.until("usage.recorded", 4)
        after = again.ask("And now?", conversation=ended["conversation"]["id"])

    assert found == accepted
    assert [turn["turn_id"] for turn in turns] == [*(response["id"] for response in accepted), cut_off]
    assert [call["call_id"] for call in calls] == [turn["turn_id"] for turn in turns]
    assert (ended["status"], ended["incomplete_details"]) == ("incomplete", {"reason": "interrupted"})
    assert turns[-1]["assistant_text"] == ended["output"][0]["content"][0]["text"]
    assert (calls[-1]["source"], calls[-1]["outcome"]) == ("estimated", "incomplete")
    assert calls[-1]["input_tokens"] > 0 < calls[-1]["output_tokens"]
    assert log[: len(read)] == read
    assert [event["sequence_number"] for event in log] == list(range(len(log)))
    assert (log[-1]["type"], log[-1]["response"]) == ("response.incomplete", ended)
    assert after["status"] == "completed"


def test_a_shutdown_marks_what_does_not_finish_in_time(start: Any, llm: OfflineLLM) -> None:
    with start(shutdown_seconds=0.1) as chat:
        llm.misbehave({"match": COMPLETIONS, "fault": {"hang_after_chunks": 5}})
        response = chat.ask(STORY, background=True)
        until_open(llm)
    open_streams = llm.open_streams()

    with start() as chat:
        ended = chat.http().get(f"/responses/{response['id']}").json()

    assert open_streams == 0
    assert (ended["status"], ended["incomplete_details"]) == ("incomplete", {"reason": "interrupted"})


def test_a_shutdown_lets_finish_what_can(start: Any, llm: OfflineLLM) -> None:
    with start(shutdown_seconds=5) as chat:
        llm.misbehave({"match": COMPLETIONS, "fault": {"before_first_token_seconds": 0.3}})
        response = chat.ask(STORY, background=True)

    with start() as chat:
        assert chat.http().get(f"/responses/{response['id']}").json()["status"] == "completed"


def test_a_reader_gets_the_end_of_what_a_shutdown_cuts_short(
    environment: dict[str, Any], chat: Chat, llm: OfflineLLM, tmp_path: Path
) -> None:
    llm.misbehave({"match": COMPLETIONS, "fault": {"hang_after_chunks": 5}})
    with own_process({**environment, "shutdown_seconds": 0.3}, chat, tmp_path) as process:
        with chat.streaming(STORY) as events:
            read = [next(events)]
            process.send_signal(signal.SIGTERM)
            read += events
        process.wait(timeout=5)

    assert (read[-1]["type"], read[-1]["response"]["status"]) == ("response.incomplete", "incomplete")
    assert read[-1]["response"]["incomplete_details"] == {"reason": "interrupted"}
