"""Embeddings in the whole service: what becomes of their cost."""

from typing import Any

from .conftest import Chat
from .neighbours import Neighbours

MODEL = "BAAI/bge-base-en-v1.5"


def test_embeddings_are_in_the_ledger_and_told_to_analytics(chat: Chat, neighbours: Neighbours) -> None:
    answer = chat.http().post("/embeddings", json={"model": MODEL, "input": ["Tea", "Coffee"]})

    [row] = chat.ledger()
    [told] = neighbours.analytics.until("usage.recorded")
    assert (row["purpose"], row["outcome"], row["output_tokens"]) == ("embedding", "completed", 0)
    assert row["input_tokens"] == told["input_tokens"] == answer.json()["usage"]["prompt_tokens"]
    assert (told["purpose"], told["model"], told["owner"]) == ("embedding", MODEL, chat.user_id)


def test_embeddings_count_among_what_a_user_may_ask_for(start: Any) -> None:
    with start(turns_per_minute=2) as chat:
        answer = chat.http().post("/embeddings", json={"model": MODEL, "input": "Tea"})

    assert answer.headers["x-ratelimit-remaining-requests"] == "1"
