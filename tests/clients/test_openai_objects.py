"""Models, conversations, files and embeddings with the official SDK for Python."""

import base64
import struct
from typing import Any

import openai
import pytest

from chassis.testing import eventually

from .somebody import Somebody

EMBEDDER = "BAAI/bge-base-en-v1.5"


def test_models_are_listed_and_found_by_names_with_slashes(somebody: Somebody) -> None:
    names = [model.id for model in somebody.sdk.models.list()]

    found = [somebody.sdk.models.retrieve(name).id for name in names]

    assert found == names
    assert {"deepthinks", "deepthinks-reason", "deepthinks-code"} < set(names)
    assert any("/" in name for name in names)


def test_a_conversation_is_made_changed_and_deleted(somebody: Somebody) -> None:
    made = somebody.sdk.conversations.create(metadata={"topic": "sea"})
    changed = somebody.sdk.conversations.update(made.id, metadata={"topic": "land"})
    found = somebody.sdk.conversations.retrieve(made.id)
    deleted = somebody.sdk.conversations.delete(made.id)

    assert (made.metadata, changed.metadata, found.metadata) == ({"topic": "sea"}, {"topic": "land"}, {"topic": "land"})
    assert (deleted.id, deleted.deleted) == (made.id, True)
    with pytest.raises(openai.NotFoundError):
        somebody.sdk.conversations.retrieve(made.id)


def message(role: str, text: str) -> Any:
    kind = "input_text" if role == "user" else "output_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def test_items_that_a_client_brings_are_known_to_the_next_turn(somebody: Somebody) -> None:
    brought = [message("user", "My goat is called Heidrun."), message("assistant", "A fine name.")]
    conversation = somebody.sdk.conversations.create(items=brought)

    more = somebody.sdk.conversations.items.create(conversation.id, items=[message("user", "She is nine years old.")])
    answer = somebody.sdk.responses.create(
        model="deepthinks", conversation=conversation.id, input="What is my goat called?"
    )

    listed = somebody.sdk.conversations.items.list(conversation.id, order="asc").data
    assert [item.role for item in listed] == ["user", "assistant", "user", "user", "assistant"]
    assert [item.id for item in more.data] == [listed[2].id]
    assert somebody.sdk.conversations.items.retrieve(listed[0].id, conversation_id=conversation.id) == listed[0]
    assert "Heidrun" in answer.output_text


def test_a_deleted_item_is_gone(somebody: Somebody) -> None:
    brought = [message("user", "My goat is called Heidrun."), message("assistant", "A fine name.")]
    conversation = somebody.sdk.conversations.create(items=brought)
    first = somebody.sdk.conversations.items.list(conversation.id, order="asc").data[0]

    answer = somebody.sdk.conversations.items.delete(first.id, conversation_id=conversation.id)

    assert answer.id == conversation.id
    assert [item.role for item in somebody.sdk.conversations.items.list(conversation.id)] == ["assistant"]


def test_pages_of_items_follow_one_another(somebody: Somebody) -> None:
    brought = [message("user", f"Line {number}.") for number in range(7)]
    conversation = somebody.sdk.conversations.create(items=brought)

    walked = list(somebody.sdk.conversations.items.list(conversation.id, order="asc", limit=3))

    assert [item.content[0].text for item in walked] == [f"Line {number}." for number in range(7)]


def test_a_file_is_uploaded_named_in_a_turn_and_deleted(somebody: Somebody) -> None:
    text = b"The guarantor of the contract is Theodora Vance."
    file = somebody.sdk.files.create(file=("contract.txt", text), purpose="user_data")
    content: Any = [
        {"type": "input_file", "file_id": file.id},
        {"type": "input_text", "text": "Who is the guarantor of the contract?"},
    ]

    answer = somebody.sdk.responses.create(model="deepthinks", input=[{"role": "user", "content": content}])

    eventually(lambda: somebody.sdk.files.retrieve(file.id).status == "processed")
    assert "Theodora Vance" in answer.output_text
    assert somebody.sdk.files.content(file.id).read() == text
    assert file.id in [listed.id for listed in somebody.sdk.files.list()]
    assert somebody.sdk.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        somebody.sdk.files.retrieve(file.id)


def alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_embeddings_are_the_same_as_numbers_and_as_the_base64_that_the_sdk_asks_for(somebody: Somebody) -> None:
    texts = ["a grey harbour in the morning", "the harbour was grey this morning", "a treatise on prime numbers"]

    decoded = somebody.sdk.embeddings.create(model=EMBEDDER, input=texts)  # the SDK asks for base64 by itself
    plain = somebody.http.post(
        "/v1/embeddings", json={"model": EMBEDDER, "input": texts, "encoding_format": "float"}
    ).json()
    coded = somebody.http.post(
        "/v1/embeddings", json={"model": EMBEDDER, "input": texts[0], "encoding_format": "base64"}
    ).json()

    near, far = (alike(decoded.data[0].embedding, decoded.data[other].embedding) for other in (1, 2))
    assert [row.index for row in decoded.data] == [0, 1, 2]
    assert decoded.data[0].embedding == pytest.approx(plain["data"][0]["embedding"])
    packed = base64.b64decode(coded["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(packed) // 4}f", packed)) == pytest.approx(plain["data"][0]["embedding"])
    assert near > far
    assert decoded.usage.total_tokens > 0
