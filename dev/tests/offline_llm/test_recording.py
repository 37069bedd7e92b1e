import asyncio
from hashlib import sha256

import httpx
from starlette.datastructures import Headers

from dev.offline_llm.recording import Recording
from dev.offline_llm.testing import OfflineLLM
from dev.tests.offline_llm.asking import body, said, until_open, user
from dev.tests.offline_llm.conftest import KEY

SLOW = {"fault": {"tokens_per_second": 20}}


async def test_what_was_sent_can_be_read_back(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    await said(http, user("First"))
    await http.post("/v1/chat/completions", content=b"not json", headers={"x-request-id": "abc"})

    first, second = llm.requests()

    assert first["body"] == body(user("First"))
    assert (first["path"], first["status"], first["chunks_sent"]) == ("/v1/chat/completions", 200, 1)
    assert second["body"] == "not json"
    assert (second["headers"]["x-request-id"], second["status"]) == ("abc", 400)


async def test_keys_are_never_shown_only_told_apart(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    await said(http, user("Hello"), stream=False)

    listed = await http.get("/_offline/requests")

    assert KEY not in listed.text
    assert "authorization" not in listed.json()["data"][0]["headers"]
    assert listed.json()["data"][0]["key_sha256"] == sha256(KEY.encode()).hexdigest()[:16]


async def test_requests_are_paged_by_id_and_the_newest_come(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    for number in range(4):
        await said(http, user(f"Message {number}"))
    ids = [seen["id"] for seen in llm.requests()]

    later = llm.requests(after=ids[1])
    last = llm.requests(limit=1)

    assert [seen["id"] for seen in later] == ids[2:]
    assert [seen["id"] for seen in last] == ids[3:]


async def test_a_nonsensical_page_is_refused(http: httpx.AsyncClient) -> None:
    reply = await http.get("/_offline/requests", params={"limit": "many"})

    assert reply.status_code == 400


async def test_a_client_that_leaves_a_stream_is_noticed(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave(SLOW)
    async with http.stream(
        "POST", "/v1/chat/completions", json=body(user("A long message " * 20), stream=True)
    ) as reply:
        await anext(reply.aiter_raw())
        open_meanwhile = llm.open_streams()

    await until_open(llm, 0)
    (seen,) = llm.requests()
    await asyncio.sleep(0.15)  # time for three more tokens, had the reply gone on
    (later,) = llm.requests()

    assert later["chunks_sent"] == seen["chunks_sent"]
    assert open_meanwhile == 1
    assert seen["disconnected"] is True
    assert seen["open"] is False
    assert 1 <= seen["chunks_sent"] < 20


async def test_a_client_that_leaves_before_the_headers_is_noticed(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    llm.misbehave({"fault": {"hang_before_headers": True}})
    http.timeout = httpx.Timeout(5, read=0.1)

    try:
        await said(http, user("Hello"))
    except httpx.ReadTimeout:
        await until_open(llm, 0)

    (seen,) = llm.requests()
    assert (seen["disconnected"], seen["status"], seen["chunks_sent"]) == (True, None, 0)


async def test_a_stream_read_to_its_end_counts_as_delivered(llm: OfflineLLM, http: httpx.AsyncClient) -> None:
    await http.post("/v1/chat/completions", json=body(user("Hello"), stream=True))

    (seen,) = llm.requests()

    assert seen["disconnected"] is False
    assert seen["chunks_sent"] > 3


def test_the_recording_is_bounded_in_number_and_in_bytes() -> None:
    few, small = Recording(most=3, most_bytes=1000), Recording(most=100, most_bytes=10)

    for _ in range(5):
        few.add("POST", "/v1/chat/completions", Headers(), b"1234")
        small.add("POST", "/v1/chat/completions", Headers(), b"1234")

    assert [exchange.id for exchange in few.after(0, 100)] == [3, 4, 5]
    assert [exchange.id for exchange in small.after(0, 100)] == [4, 5]
