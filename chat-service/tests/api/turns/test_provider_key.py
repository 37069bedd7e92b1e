"""A user's own key for the provider: checked, described and never shown, taken for that user's calls."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .own_keys import COMPLETION, KEY, NONE, complete, fingerprint, keys_sent, own_keys, put, shown

UNREACHABLE = "http://127.0.0.1:9"


def test_a_key_is_checked_kept_described_and_removed(chat: Chat, llm: OfflineLLM) -> None:
    before = shown(chat)

    stored = put(chat)

    assert before == NONE
    assert stored.status_code == 200
    assert stored.json() == shown(chat)
    assert (stored.json()["set"], stored.json()["last_four"]) == (True, "1234")
    assert keys_sent(llm, "/v1/models") == [fingerprint(KEY)]
    assert chat.http().delete("/provider-key").json() == NONE
    assert shown(chat) == NONE
    assert chat.http().delete("/provider-key").json() == NONE


def test_a_key_is_never_shown(chat: Chat) -> None:
    answers = [put(chat), chat.http().get("/provider-key"), complete(chat), chat.http().delete("/provider-key")]

    assert {answer.status_code for answer in answers} == {200}
    assert [answer for answer in answers if KEY in answer.text or KEY in str(answer.headers)] == []


def test_a_later_key_takes_the_place_of_an_earlier_one(chat: Chat, llm: OfflineLLM) -> None:
    put(chat)
    complete(chat)

    put(chat, "another-key-5678")

    complete(chat)
    assert shown(chat)["last_four"] == "5678"
    assert keys_sent(llm) == [fingerprint(KEY), fingerprint("another-key-5678")]


def test_a_users_calls_go_by_their_own_key_and_nobody_elses(chat: Chat, llm: OfflineLLM) -> None:
    other = chat.somebody_else()
    put(chat)

    mine, theirs = complete(chat), complete(other)
    chat.http().delete("/provider-key")
    afterwards = complete(chat)

    assert [mine.status_code, theirs.status_code, afterwards.status_code] == [200] * 3
    own, server, server_again = keys_sent(llm)
    assert own == fingerprint(KEY) != server == server_again
    assert (own_keys(chat), own_keys(other)) == ([1, 0], [0])
    assert shown(other) == NONE


def test_a_users_turns_go_by_their_own_key(chat: Chat, llm: OfflineLLM) -> None:
    put(chat)

    chat.ask("Hello.")

    assert keys_sent(llm) == [fingerprint(KEY)]
    assert own_keys(chat) == [1]


@pytest.mark.parametrize("earlier", [None, "an-earlier-key-9999"])
def test_a_key_that_the_provider_does_not_accept_is_not_kept(chat: Chat, earlier: str | None) -> None:
    if earlier:
        put(chat, earlier)
    before = shown(chat)

    answer = put(chat, "bad-key-of-mine-1234")

    assert (answer.status_code, answer.json()["code"]) == (422, "provider_key_rejected")
    assert answer.json()["error"]["param"] == "key"
    assert "bad-key-of-mine-1234" not in answer.text
    assert shown(chat) == before


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"status": 403}, 422, "provider_key_rejected"),
        ({"status": 429, "retry_after": 7}, 429, "model_rate_limited"),
        ({"status": 500}, 503, "model_unavailable"),
        ({"status": 418}, 503, "model_unavailable"),
        ({"garbage_after_chunks": 0}, 503, "model_unavailable"),
        ({"cut_after_chunks": 0}, 503, "model_unavailable"),
    ],
)
def test_nothing_is_kept_that_the_provider_did_not_vouch_for(
    chat: Chat, llm: OfflineLLM, fault: dict[str, Any], status: int, code: str
) -> None:
    llm.misbehave({"match": {"path": "/v1/models"}, "fault": fault})

    answer = put(chat)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shown(chat) == NONE


def test_a_provider_that_cannot_be_reached_keeps_no_key_out_and_none_in(
    start: Callable[..., AbstractContextManager[Chat]],
) -> None:
    with start() as chat:
        put(chat)

    with start(together_base_url=UNREACHABLE) as chat:
        answer = put(chat, "another-key-5678")

        assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
        assert shown(chat)["last_four"] == "1234"


@pytest.mark.parametrize(
    "key",
    [
        "short",
        "k" * 257,
        "k" * 100_000,
        "a-key\r\nx-evil: yes",
        "a-key-of-mine\n",
        "a key of mine",
        "a-key-of-mine\x00",
        "a-kéy-of-mine",
        "\uff41-key-of-mine",
        "\u202ea-key-of-mine",
        "",
        None,
        12345678,
        ["a-key-of-mine"],
    ],
)
def test_what_is_no_key_never_reaches_a_header(chat: Chat, llm: OfflineLLM, key: Any) -> None:
    answer = chat.http().put("/provider-key", json={"key": key})

    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == "key"
    assert not isinstance(key, str) or not key or key not in answer.text
    assert llm.requests() == []
    assert shown(chat) == NONE


def test_a_body_names_nothing_but_the_key(chat: Chat, llm: OfflineLLM) -> None:
    for extra in ({"owner": "user_2"}, {"base_url": UNREACHABLE}, {"last_four": "0000"}):
        answer = chat.http().put("/provider-key", json={"key": KEY, **extra})

        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert llm.requests() == []


@pytest.mark.parametrize("method", ["get", "put", "delete"])
@pytest.mark.parametrize("claims", [{"role": "guest"}, {"key": "key_1"}, {"scope": "memory:read"}])
def test_guests_and_api_keys_have_nothing_to_do_with_it(chat: Chat, method: str, claims: dict[str, str]) -> None:
    body = {"json": {"key": KEY}} if method == "put" else {}

    with chat.http(**claims) as http:
        answer = http.request(method, "/provider-key", **body)

    assert answer.status_code == 403
    assert shown(chat) == NONE


@pytest.mark.parametrize("status", [401, 402, 403])
@pytest.mark.parametrize("stream", [False, True])
def test_a_rejected_key_is_nobodys_sign_in(chat: Chat, llm: OfflineLLM, status: int, stream: bool) -> None:
    put(chat)
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": {"status": status}})

    answer = chat.http().post("/chat/completions", json={**COMPLETION, "stream": stream})
    others = complete(chat.somebody_else())

    assert (answer.status_code, answer.json()["code"]) == (422, "provider_key_rejected")
    assert answer.headers["x-should-retry"] == "false"
    assert "www-authenticate" not in answer.headers
    assert KEY not in answer.text
    assert (others.status_code, others.json()["code"]) == (502, "model_credentials_rejected")
    assert len(keys_sent(llm)) == 2


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_turn_whose_key_is_rejected_says_so(chat: Chat, llm: OfflineLLM, status: int) -> None:
    put(chat)
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": {"status": status}})

    answer = chat.http().post("/responses", json={"model": "deepthinks", "input": "Hello."})

    assert (answer.status_code, answer.json()["code"]) == (422, "provider_key_rejected")
    assert answer.headers["x-should-retry"] == "false"


def test_the_providers_limit_stays_a_limit(chat: Chat, llm: OfflineLLM) -> None:
    put(chat)
    llm.misbehave({"match": {"path": "/v1/chat/completions"}, "fault": {"status": 429, "retry_after": 7}})

    answer = complete(chat)

    assert (answer.status_code, answer.json()["code"]) == (429, "model_rate_limited")
    assert answer.headers["retry-after"] == "7"


def test_keys_given_and_removed_at_once_leave_what_is_shown_in_use(chat: Chat, llm: OfflineLLM) -> None:
    complete(chat)
    [servers_key] = keys_sent(llm)
    keys = [f"key-number-{number:04}" for number in range(6)]

    def race(key: str) -> int:
        put(chat, key)
        complete(chat)
        return chat.http().delete("/provider-key").status_code if int(key[-4:]) % 2 else put(chat, key).status_code

    with ThreadPoolExecutor(len(keys)) as racers:
        statuses = list(racers.map(race, keys))
    found = shown(chat)
    complete(chat)

    assert set(statuses) == {200}
    used = keys_sent(llm)[-1]
    assert used == (fingerprint(f"key-number-{found['last_four']}") if found["set"] else servers_key)
