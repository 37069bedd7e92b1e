"""What front-ends send, as their sources have it: Open WebUI, LibreChat, HF chat-ui."""

import uuid
from typing import Any

import pytest

from .somebody import Somebody
from .wire import Wire

COMPLETIONS = "/v1/chat/completions"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_open_webui_verifies_a_connection_by_its_models(wire: Wire) -> None:
    reply = wire.get("/v1/models")

    document = reply.json()
    assert (reply.status, document["object"]) == (200, "list")
    assert all({"id", "object", "created", "owned_by"} <= set(model) for model in document["data"])


def test_open_webui_verifies_with_a_wrong_key_and_reads_the_reason(wire: Wire) -> None:
    reply = Wire(wire.port, "sk-of-nobody").get("/v1/models", Accept="application/json")

    assert reply.status == 401
    assert isinstance(reply.json()["error"]["message"], str)


def test_open_webui_chats_with_its_own_headers_and_an_old_limit(wire: Wire) -> None:
    body = {
        "stream": True,
        "model": "deepthinks",
        "messages": [{"role": "system", "content": "Be brief."}, user("My dog is called Rex.")],
        "max_tokens": 200,
        "temperature": 0.7,
        "top_p": 0.9,
        "frequency_penalty": 0.1,
        "seed": 7,
        "stop": ["<|end|>"],
        "stream_options": {"include_usage": True},
    }
    about = {"X_OpenWebUI_Chat_Id": str(uuid.uuid4()), "X_OpenWebUI_User_Name": "Ada", "X_OpenWebUI_User_Jwt": "a.b.c"}

    reply = wire.post(COMPLETIONS, body, **about)

    text = "".join(c["delta"].get("content") or "" for each in reply.documents for c in each["choices"])
    assert "Rex" in text
    assert "x-conversation-id" not in reply.headers  # its chat is its own: it sends the whole history every time


@pytest.mark.parametrize("task", ["Generate a concise, 3-5 word title", "Generate 1-3 broad tags"])
def test_open_webui_asks_for_titles_and_tags_beside_the_chat(wire: Wire, somebody: Somebody, task: str) -> None:
    before = [conversation["id"] for conversation in somebody.http.get("/v1/conversations").json()["data"]]
    body = {"model": "deepthinks", "messages": [user(f"### Task: {task} for: my dog Rex")], "stream": False}

    reply = wire.post(COMPLETIONS, body | {"max_completion_tokens": 1000})

    after = [conversation["id"] for conversation in somebody.http.get("/v1/conversations").json()["data"]]
    assert reply.json()["choices"][0]["message"]["content"]
    assert after == before


def test_librechat_brings_its_own_conversation_ids_and_resends_everything(wire: Wire, somebody: Somebody) -> None:
    own = str(uuid.uuid4())
    history = [{"role": "system", "content": "You are a sailor."}, user("My boat is called Petrel.")]

    def chat(messages: list[dict[str, Any]]) -> tuple[str, str]:
        reply = wire.post(
            COMPLETIONS, {"model": "deepthinks", "messages": messages, "stream": True}, X_Conversation_Id=own
        )
        assert reply.blocks[-1] == [b"data: [DONE]"]
        said = "".join(c["delta"].get("content") or "" for each in reply.documents for c in each["choices"])
        return str(reply.headers["x-conversation-id"]), said

    conversation, first = chat(history)
    history += [{"role": "assistant", "content": first}, user("What is my boat called?")]
    again, second = chat(history)

    items = somebody.sdk.conversations.items.list(conversation, order="asc").data
    assert conversation == again != own
    assert "Petrel" in second
    assert [(item.role, item.content[0].text) for item in items] == [
        ("user", "My boat is called Petrel."),
        ("assistant", first),
        ("user", "What is my boat called?"),
        ("assistant", second),
    ]


def test_librechats_ids_are_a_users_own(wire: Wire, somebody: Somebody, another: Somebody) -> None:
    own = str(uuid.uuid4())
    body = {"model": "deepthinks", "messages": [user("My boat is called Petrel.")], "stream": False}

    mine = wire.post(COMPLETIONS, body, X_Conversation_Id=own).headers["x-conversation-id"]
    theirs = Wire(wire.port, another.key).post(COMPLETIONS, body, X_Conversation_Id=own).headers["x-conversation-id"]

    assert mine != theirs
    assert str(mine).startswith("conv_")
    assert another.http.get(f"/v1/conversations/{mine}").status_code == 404


def test_a_conversation_named_in_the_metadata_is_the_same_one(wire: Wire) -> None:
    own = str(uuid.uuid4())
    body = {"model": "deepthinks", "messages": [user("My boat is called Petrel.")], "stream": False}

    by_header = wire.post(COMPLETIONS, body, X_Conversation_Id=own).headers["x-conversation-id"]
    by_metadata = wire.post(COMPLETIONS, body | {"metadata": {"conversation_id": own}}).headers["x-conversation-id"]

    assert by_metadata == by_header
    assert str(by_header).startswith("conv_")


def test_chat_ui_reads_the_models_and_the_thoughts(wire: Wire) -> None:
    models = [model["id"] for model in wire.get("/v1/models").json()["data"]]
    body = {"model": "deepthinks-reason", "messages": [user("Why is the lighthouse striped?")], "stream": True}

    reply = wire.post(COMPLETIONS, body)

    deltas = [choice["delta"] for chunk in reply.documents for choice in chunk["choices"]]
    assert "deepthinks-reason" in models
    assert "".join(delta.get("reasoning") or "" for delta in deltas)
    assert "<think>" not in "".join(delta.get("content") or "" for delta in deltas)
