"""A guest gets two answers, then is told how to go on."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apsw
import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_closed, until_open

TURN = {"model": "deepthinks", "input": "My dog is called Rex."}
COMPLETION = {"model": "deepthinks", "messages": [{"role": "user", "content": "My dog is called Rex."}]}
WAYS = [
    pytest.param("/responses", TURN, id="turn"),
    pytest.param("/responses", {**TURN, "stream": True}, id="streamed turn"),
    pytest.param("/responses", {**TURN, "store": False}, id="turn that is not kept"),
    pytest.param("/chat/completions", COMPLETION, id="completion"),
    pytest.param("/chat/completions", {**COMPLETION, "stream": True}, id="streamed completion"),
]


def post(chat: Chat, path: str, body: dict[str, Any], **headers: str) -> Any:
    return chat.http(role="guest").post(path, json=body, headers=headers)


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_after_two_answers_a_guest_is_told_to_sign_up(chat: Chat, llm: OfflineLLM, path: str, body: Any) -> None:
    answers = [post(chat, path, body) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert [answer.headers["x-guest-turns-remaining"] for answer in answers] == ["1", "0", "0"]
    refused = answers[2]
    assert refused.json()["code"] == refused.json()["error"]["code"] == "guest_turns_used"
    assert "sign up" in refused.json()["detail"]
    assert refused.headers["x-should-retry"] == "false"
    assert len(llm.requests()) == 2


def test_every_way_to_ask_counts(chat: Chat) -> None:
    asked = [post(chat, way.values[0], way.values[1]) for way in (WAYS[2], WAYS[3], WAYS[0])]  # type: ignore[index]

    assert [answer.status_code for answer in asked] == [200, 200, 403]


def test_requests_that_come_together_get_no_more(chat: Chat, llm: OfflineLLM) -> None:
    ways = [way.values for way in WAYS] * 4

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda way: post(chat, *way), ways))  # type: ignore[arg-type]

    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [403] * 18
    assert len(llm.requests()) == 2


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_an_answer_that_failed_before_its_first_word_is_given_back(
    chat: Chat, llm: OfflineLLM, path: str, body: Any
) -> None:
    llm.misbehave({"times": 3, "fault": {"status": 500}})
    for _ in range(3):
        post(chat, path, body)

    answers = [post(chat, path, body) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 403]


def test_an_answer_that_failed_in_the_middle_counts(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 2, "fault": {"cut_after_chunks": 3}})
    cut = [post(chat, "/responses", TURN).json()["status"] for _ in range(2)]

    third = post(chat, "/responses", TURN)

    assert cut == ["failed", "failed"]
    assert third.status_code == 403


def test_an_answer_that_the_guest_stopped_counts(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"hang_before_headers": True}})
    guest = chat.http(role="guest")
    for _ in range(2):
        running = guest.post("/responses", json={**TURN, "background": True}).json()
        until_open(llm)
        guest.post(f"/responses/{running['id']}/cancel")
        until_closed(llm)

    assert post(chat, "/responses", TURN).status_code == 403


def test_refused_requests_and_repeats_do_not_count(chat: Chat) -> None:
    post(chat, "/responses", {**TURN, "model": "nobody"})
    post(chat, "/responses", {**TURN, "previous_response_id": "resp_missing"})
    for _ in range(3):
        post(chat, "/responses", TURN, **{"idempotency-key": "key-1"})

    second, third = (post(chat, "/responses", TURN) for _ in range(2))

    assert (second.status_code, third.status_code) == (200, 403)


def test_a_guest_who_may_not_go_on_can_still_read(chat: Chat) -> None:
    said = post(chat, "/responses", TURN).json()
    post(chat, "/responses", TURN)

    found = chat.http(role="guest").get(f"/conversations/{said['conversation']['id']}/items")

    assert post(chat, "/responses", TURN).status_code == 403
    assert len(found.json()["data"]) == 2


def test_where_guests_get_no_answers_they_can_read(start: Any) -> None:
    with start(guest_turns=0) as chat:
        refused = post(chat, "/responses", TURN)
        found = chat.http(role="guest").get("/conversations")

    assert (refused.status_code, refused.json()["code"]) == (403, "guest_turns_used")
    assert found.status_code == 200


def test_a_guest_who_signed_up_goes_on(chat: Chat) -> None:
    for _ in range(2):
        post(chat, "/responses", TURN)
    account = chat.somebody_else()

    chat.merge_into(account)

    assert account.ask("Hello")["status"] == "completed"
    assert counted(chat) == 0


def test_of_a_guest_who_is_erased_no_count_is_left(chat: Chat) -> None:
    post(chat, "/responses", TURN)
    before = counted(chat)

    chat.erase()

    assert (before, counted(chat)) == (1, 0)


def test_others_are_not_told_of_guests_turns(chat: Chat) -> None:
    answer = chat.http().post("/responses", json=TURN)

    assert "x-guest-turns-remaining" not in answer.headers
    assert counted(chat) == 0


def counted(chat: Chat) -> int:
    """Rows that count the turns of this user."""
    with apsw.Connection(str(chat.folder / "data.sqlite3"), apsw.SQLITE_OPEN_READONLY) as database:
        rows = database.execute("select count(*) from guest_turns where owner = ?", (chat.user_id,))
        return int(next(iter(rows))[0])
