"""Embeddings from a provider that misbehaves on a real socket."""

from typing import Any

import pytest

from chat_service.clients.model_embeddings import ModelVectors

from .scripts import model_at, refusal, refuses


def vector(index: int, *numbers: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": list(numbers)}


async def test_vectors_come_in_the_order_of_the_texts(provider: Any) -> None:
    provider.plays(refuses(200, {"data": [vector(1, 0, 1), vector(0, 0.5, -1)], "usage": {"prompt_tokens": 3}}))

    async with model_at(provider.url) as model:
        answer = await model.embed("some/model", ["a", "b"])

    assert answer == ModelVectors([[0.5, -1], [0, 1]], tokens=3)
    assert provider.requests == [("POST /v1/embeddings HTTP/1.1", {"model": "some/model", "input": ["a", "b"]})]


@pytest.mark.parametrize("usage", [None, "many", {}, {"prompt_tokens": -1}, {"prompt_tokens": 1e30}])
async def test_vectors_without_a_bill_that_can_be_read_are_vectors(provider: Any, usage: Any) -> None:
    provider.plays(refuses(200, {"data": [vector(0, 1)], "usage": usage}))

    async with model_at(provider.url) as model:
        answer = await model.embed("some/model", ["a"])

    assert answer == ModelVectors([[1]], tokens=None)


@pytest.mark.parametrize(
    "document",
    [
        "text",
        {"data": None},
        {"data": [vector(0, 1)]},
        {"data": [vector(0, 1), vector(0, 1)]},
        {"data": [vector(0, 1), vector(1, 1), vector(2, 1)]},
        {"data": [vector(0, 1), vector(1, 1, 2)]},
        {"data": [vector(0), vector(1)]},
        {"data": [vector(0, 1), vector(1, "two")]},
        {"data": [vector(0, 1), vector(1, None)]},
        {"data": [vector(0, 1), vector(1, 1e300)]},
    ],
)
async def test_what_is_no_vector_for_each_text_is_garbled(provider: Any, document: Any) -> None:
    provider.plays(refuses(200, document))

    async with model_at(provider.url) as model:
        problem = await refusal(model.embed("some/model", ["a", "b"]))

    assert problem.code == "model_answer_garbled"
    assert len(provider.requests) == 1
