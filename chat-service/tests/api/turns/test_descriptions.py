"""What a conversation is called, how it is kept, and what its turns go by."""

from typing import Any

import pytest

from .conftest import Chat


def described(chat: Chat, conversation_id: str, **fields: Any) -> dict[str, Any]:
    answer = chat.http().post(f"/conversations/{conversation_id}", json=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def title_of(chat: Chat, conversation_id: str) -> str | None:
    title: str | None = chat.http().get(f"/conversations/{conversation_id}").json()["title"]
    return title


def test_a_conversation_is_called_by_the_first_words_of_the_user(chat: Chat) -> None:
    conversation_id = chat.ask("My dog is called Rex,\nand he is  old. " + "word " * 40)["conversation"]["id"]
    chat.ask("What now?", conversation=conversation_id)

    title = title_of(chat, conversation_id) or ""

    assert title.startswith("My dog is called Rex, and he is old. word word")
    assert title.endswith("word…")
    assert len(title) <= 80
    assert len(chat.ledger()) == 2


def test_a_title_that_a_person_gave_stays(chat: Chat) -> None:
    conversation_id = chat.http().post("/conversations", json={"title": " Dogs\nand\u202e cats "}).json()["id"]

    chat.ask("Hello", conversation=conversation_id)

    assert title_of(chat, conversation_id) == "Dogs and cats"


def test_without_a_title_the_first_words_are_back(chat: Chat) -> None:
    conversation_id = chat.ask("Hello there")["conversation"]["id"]
    named = described(chat, conversation_id, title="Greetings")

    unnamed = described(chat, conversation_id, title=None)

    assert (named["title"], unnamed["title"]) == ("Greetings", "Hello there")


def test_only_what_is_given_changes(chat: Chat) -> None:
    everything = {
        "metadata": {"topic": "dogs"},
        "title": "Dogs",
        "archived": True,
        "pinned": True,
        "instructions": "Bark.",
        "model": "deepthinks",
    }
    opened = chat.http().post("/conversations", json=everything).json()

    changed = described(chat, opened["id"], pinned=False)
    unchanged = described(chat, opened["id"])

    assert {name: opened[name] for name in everything} == everything
    assert changed == unchanged == {**opened, "pinned": False}


def test_instructions_and_model_can_be_taken_back(chat: Chat) -> None:
    opened = chat.http().post("/conversations", json={"instructions": "Bark.", "model": "deepthinks"}).json()

    changed = described(chat, opened["id"], instructions=None, model=None)

    assert (changed["instructions"], changed["model"]) == (None, None)


@pytest.mark.parametrize(
    "field", [{"title": "x" * 201}, {"instructions": "x" * 100_001}, {"archived": "perhaps"}, {"owner": "somebody"}]
)
def test_a_description_has_bounds(chat: Chat, field: dict[str, Any]) -> None:
    opened = chat.http().post("/conversations").json()

    answers = [
        chat.http().post("/conversations", json=field),
        chat.http().post(f"/conversations/{opened['id']}", json=field),
    ]

    assert all(answer.status_code in (400, 422) for answer in answers)
    assert chat.http().get(f"/conversations/{opened['id']}").json() == opened


def test_a_model_that_is_not_offered_is_refused(chat: Chat) -> None:
    opened = chat.http().post("/conversations").json()

    answers = [
        chat.http().post("/conversations", json={"model": "nobody/nothing"}),
        chat.http().post(f"/conversations/{opened['id']}", json={"model": "nobody/nothing"}),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "model_not_found")] * 2
    assert len(chat.http().get("/conversations").json()["data"]) == 1
