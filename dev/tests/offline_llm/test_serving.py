import asyncio
import json
import math
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from together import AsyncTogether

from dev.offline_llm import tokens
from dev.offline_llm.settings import Settings
from dev.offline_llm.testing import OfflineLLM, running
from dev.tests.offline_llm.asking import EMBEDDING, INSTRUCT, SUMMARISER, THINKING, VISION, assistant, body, chat, user

ROOT = Path(__file__).parents[3]
LONG = [user("I like " + "tea and " * 20 + "milk."), assistant(), user("What do I like?")]


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


async def test_the_models_are_a_bare_array_as_together_sends_it(http: httpx.AsyncClient) -> None:
    models = (await http.get("/v1/models")).json()

    by_id = {model["id"]: model for model in models}
    assert {INSTRUCT, THINKING, VISION, SUMMARISER, "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", EMBEDDING} == set(by_id)
    assert by_id[EMBEDDING]["type"] == "embedding"
    assert by_id[INSTRUCT]["type"] == "chat"
    for model in models:
        assert model["object"] == "model"
        assert model["context_length"] > 0
        assert {"created", "display_name", "organization", "pricing"} <= model.keys()
        assert {"input", "output"} <= model["pricing"].keys()


async def test_the_sdk_gets_unit_vectors_that_are_near_for_similar_texts(together: AsyncTogether) -> None:
    texts = ["My dog is called Rex", "What is my dog's name?", "Interest rates rose again"]

    reply = await together.embeddings.create(model=EMBEDDING, input=texts)
    again = await together.embeddings.create(model=EMBEDDING, input=texts[0])

    dog, question, rates = (each.embedding for each in reply.data)
    assert len(dog) == 768
    assert math.isclose(cosine(dog, dog), 1, abs_tol=1e-9)
    assert cosine(dog, question) > cosine(dog, rates) + 0.3
    assert again.data[0].embedding == dog


async def test_embeddings_tell_their_usage_and_refuse_chat_models(http: httpx.AsyncClient) -> None:
    told = await http.post("/v1/embeddings", json={"model": EMBEDDING, "input": ["one two", ""]})
    refused = await http.post("/v1/embeddings", json={"model": INSTRUCT, "input": "a"})
    malformed = await http.post("/v1/embeddings", json={"model": EMBEDDING, "input": 7})

    assert told.json()["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    assert (refused.status_code, malformed.status_code) == (404, 400)


async def test_unknown_paths_and_methods_are_refused_in_togethers_form(http: httpx.AsyncClient) -> None:
    unknown, wrong = await http.get("/v1/nothing"), await http.get("/v1/chat/completions")

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert "error" in unknown.json()
    assert "error" in wrong.json()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_needs_no_key(llm: OfflineLLM, path: str) -> None:
    async with httpx.AsyncClient(base_url=llm.url, trust_env=False) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "text", ["", "Hello, world!", "a  b\n\n\tc", "naïve café 北京大学 12345 _x_ 🙂", "internationalisation", "\x00\x07"]
)
def test_the_tokens_of_a_text_join_to_the_text(text: str) -> None:
    pieces = tokens.pieces(text)

    assert "".join(pieces) == text
    assert tokens.count(text) == len(pieces)


def test_prose_has_about_four_characters_a_token() -> None:
    prose = "She went to the market this morning because they needed fresh vegetables for the dinner with her friends."

    assert 3.5 < len(prose) / tokens.count(prose) < 4.8


async def test_a_hundred_streams_are_paced_side_by_side(llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"tokens_per_second": 50}})
    request = body(*LONG, stream=True, max_tokens=20)
    limits = httpx.Limits(max_connections=None)
    headers = {"authorization": "Bearer key"}

    async with httpx.AsyncClient(base_url=llm.url, limits=limits, headers=headers, trust_env=False, timeout=30) as many:
        started = time.monotonic()
        replies = await asyncio.gather(*(many.post("/v1/chat/completions", json=request) for _ in range(100)))
        seconds = time.monotonic() - started

    assert all(reply.text.endswith("data: [DONE]\n\n") for reply in replies)
    assert 0.4 <= seconds < 20  # one after the other they take 40; side by side well under one on an idle machine


async def test_an_answer_that_is_not_streamed_takes_as_long(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"tokens_per_second": 50}})

    started = time.monotonic()
    await chat(http, *LONG, max_tokens=20)

    assert time.monotonic() - started >= 0.4


async def test_the_settings_decide_pace_finish_reason_and_thoughts() -> None:
    settings = Settings(tokens_per_second=0, finish_reason="eos", inline_think=True)

    with running(settings) as other:
        async with httpx.AsyncClient(
            base_url=other.url, headers={"authorization": "Bearer k"}, trust_env=False
        ) as http:
            reply = await chat(http, *LONG, model=THINKING)

    assert reply["choices"][0]["finish_reason"] == "eos"
    assert reply["choices"][0]["message"]["content"].startswith("<think>")


def test_the_command_serves_and_stops_when_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {**os.environ, "OFFLINE_LLM_PORT": str(port)}
    command = [sys.executable, "-m", "dev.offline_llm", "--host", "127.0.0.1", "--tokens-per-second", "0"]

    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            answer = asked_when_ready(port)
        finally:
            process.terminate()
        process.wait(timeout=5)

    assert answer["choices"][0]["message"]["content"].endswith("milk.")


def asked_when_ready(port: int) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    headers = {"authorization": "Bearer key"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
        while True:
            try:
                return dict(json.loads(client.post("/v1/chat/completions", json=body(*LONG)).text))
            except httpx.ConnectError:
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.05)
