"""What one user may have of the model: answers at once, requests and tokens a minute."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_closed, until_open

TURN = {"model": "deepthinks", "input": "My dog is called Rex."}
BACKGROUND = {**TURN, "background": True}
COMPLETION = {"model": "deepthinks", "messages": [{"role": "user", "content": "My dog is called Rex."}]}
FOR_EVER = {"fault": {"hang_after_chunks": 2}}


def calls_of(llm: OfflineLLM) -> list[Any]:
    """Without the look at its models with which a service begins."""
    return [request for request in llm.requests() if request["method"] == "POST"]


def stop_all(chat: Chat, answers: list[Any]) -> None:
    for answer in answers:
        if answer.status_code == 200:
            chat.http().post(f"/responses/{answer.json()['id']}/cancel")


def test_of_many_requests_at_once_ten_are_accepted(start: Any, llm: OfflineLLM) -> None:
    llm.misbehave(FOR_EVER)

    with start(user_running=10) as chat, ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: chat.http().post("/responses", json=BACKGROUND), range(30)))
        until_open(llm, 10)
        stop_all(chat, answers)
        conversations = chat.http().get("/conversations").json()["data"]

    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [429] * 20
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "too_many_running"
    assert refused.headers["retry-after"] == "1"
    assert len(calls_of(llm)) == len(conversations) == 10


@pytest.mark.parametrize("with_turns", [True, False], ids=["and turns", "alone"])
def test_completions_have_no_number_of_their_own(start: Any, llm: OfflineLLM, with_turns: bool) -> None:
    llm.misbehave(FOR_EVER)
    with start(user_running=4) as chat, ThreadPoolExecutor(20) as pool, ExitStack() as readers:

        def ask(number: int) -> Any:
            if with_turns and number % 2:
                return chat.http().post("/responses", json=BACKGROUND)
            stream = chat.http().stream("POST", "/chat/completions", json={**COMPLETION, "stream": True})
            return readers.enter_context(stream)

        answers = list(pool.map(ask, range(20)))
        until_open(llm, 4)
        readers.close()
        stop_all(chat, [answer for answer in answers if answer.request.url.path == "/v1/responses"])

    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 16
    assert len(calls_of(llm)) == 4


def test_another_user_is_not_held_up(start: Any, llm: OfflineLLM) -> None:
    llm.misbehave({**FOR_EVER, "times": 1})
    with start(user_running=1) as chat:
        answers = [chat.http().post("/responses", json=BACKGROUND) for _ in range(2)]

        other = chat.somebody_else().ask("Hello")
        stop_all(chat, answers)

    assert [answer.status_code for answer in answers] == [200, 429]
    assert other["status"] == "completed"


def test_a_place_is_free_again_when_an_answer_ends_however_it_does(start: Any, llm: OfflineLLM) -> None:
    with start(user_running=1) as chat:
        ended = [chat.http().post("/responses", json=TURN), chat.http().post("/chat/completions", json=COMPLETION)]
        llm.misbehave({"times": 2, "fault": {"status": 500}})
        failed = [chat.http().post("/responses", json=TURN), chat.http().post("/chat/completions", json=COMPLETION)]
        llm.misbehave({"times": 1, "fault": {"hang_after_chunks": 2}})
        with chat.http().stream("POST", "/chat/completions", json={**COMPLETION, "stream": True}) as left:
            next(left.iter_raw())
        until_closed(llm)

        last = eventually(lambda: (answer := chat.http().post("/responses", json=TURN)).is_success and answer)

    assert [answer.status_code for answer in ended] == [200, 200]
    assert {answer.status_code for answer in failed} <= {502, 503}
    assert last.json()["status"] == "completed"


@pytest.mark.parametrize("path", ["/responses", "/chat/completions"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_every_answer_says_what_is_left(start: Any, path: str, stream: bool) -> None:
    body = TURN if path == "/responses" else COMPLETION

    with start(turns_per_minute=6) as chat:
        first, second = (chat.http().post(path, json={**body, "stream": stream}) for _ in range(2))

    assert first.headers["x-ratelimit-limit-requests"] == "6"
    assert first.headers["x-ratelimit-remaining-requests"] == "5"
    assert re.fullmatch(r"\ds|10s", first.headers["x-ratelimit-reset-requests"])
    assert second.headers["x-ratelimit-remaining-requests"] in ("4", "5")
    assert first.headers["x-ratelimit-limit-tokens"] == "1000000"
    assert 990_000 <= int(second.headers["x-ratelimit-remaining-tokens"]) <= 1_000_000


def test_beyond_so_many_a_minute_the_answer_says_when_to_come_back(start: Any, llm: OfflineLLM) -> None:
    with start(turns_per_minute=2) as chat:
        answers = [chat.http().post("/responses", json=TURN), chat.http().post("/chat/completions", json=COMPLETION)]
        refused = [chat.http().post("/responses", json=TURN), chat.http().post("/chat/completions", json=COMPLETION)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.status_code for answer in refused] == [429, 429]
    assert {answer.json()["code"] for answer in refused} == {"rate_limit_exceeded"}
    assert 1 <= int(refused[0].headers["retry-after"]) <= 30
    assert refused[0].headers["x-ratelimit-remaining-requests"] == "0"
    assert len(calls_of(llm)) == 2


def test_what_is_refused_or_repeated_takes_nothing_from_the_rate(start: Any) -> None:
    with start(turns_per_minute=2) as chat:
        for _ in range(5):
            chat.http().post("/responses", json={**TURN, "previous_response_id": "resp_missing"})
            chat.http().post("/chat/completions", json={**COMPLETION, "model": "nobody"})
            chat.http().post("/responses", json=TURN, headers={"idempotency-key": "key-1"})

        last = chat.http().post("/responses", json=TURN)

    assert last.status_code == 200
    assert last.headers["x-ratelimit-remaining-requests"] == "0"


@pytest.mark.parametrize("way", ["turn", "completion"])
def test_tokens_are_charged_when_an_answer_has_ended(start: Any, way: str) -> None:
    path, body = ("/responses", TURN) if way == "turn" else ("/chat/completions", COMPLETION)
    with start(tokens_per_minute=10) as chat:
        first, second = (chat.http().post(path, json=body) for _ in range(2))

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (429, "rate_limit_exceeded")
    assert second.headers["x-ratelimit-remaining-tokens"] == "0"
