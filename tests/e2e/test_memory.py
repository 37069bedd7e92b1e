"""What is remembered about somebody, as they see, correct, settle and delete it, through the real nginx."""

import json
from typing import Any

from chassis.testing import eventually

from .people import Person

FACTS = "/v1/memory/facts"
SMALL_TALK = (
    "The weather in the harbour was grey this morning and the ferries were late again, so the whole street stood still"
    " while the gulls went on as ever; dinner was a soup of leeks and potatoes, better than anybody had expected. "
)


def test_what_somebody_said_once_can_be_seen_corrected_pinned_forgotten_taken_back_and_deleted(
    somebody: Person,
) -> None:
    conversation = somebody.sdk.conversations.create().id
    somebody.say(conversation, "My daughter Philippa lives in Trondheim, remember that.")
    for number in range(10):
        somebody.say(conversation, f"Day {number}. {SMALL_TALK * 6}")

    fact = eventually(lambda: about(somebody, "Philippa"))
    mine = f"{FACTS}/{fact['id']}"
    (source,) = somebody.http.get(f"{mine}/sources").json()["data"]
    assert source["conversation_id"] == conversation
    assert source["quote"] in "My daughter Philippa lives in Trondheim, remember that."
    assert "Trondheim" in told(somebody, conversation)

    corrected = change(somebody, mine, {"text": "The user's daughter Philippa lives in Bodø."})
    assert corrected["edited"] is True
    assert "Bodø" in told(somebody, conversation)
    elsewhere = somebody.sdk.conversations.create().id
    assert "Bodø" in told(somebody, elsewhere)
    assert "Bodø" in somebody.say(elsewhere, "Where does my daughter Philippa live?")

    assert change(somebody, mine, {"status": "pinned"})["status"] == "pinned"
    change(somebody, mine, {"status": "forgotten"})
    assert "Bodø" not in told(somebody, conversation)
    undone = somebody.http.post(f"{mine}/undo").json()
    assert (undone["status"], undone["text"]) == ("pinned", corrected["text"])
    assert "Bodø" in told(somebody, conversation)
    names = [each["change"] for each in somebody.http.get(f"{mine}/history").json()["data"]]
    assert names == ["pinned", "edited", "created"]

    receipt = somebody.http.delete(mine).json()
    assert (receipt["deleted"], receipt["sources"]) == (True, 1)
    assert somebody.http.get(mine).json()["code"] == "fact_not_found"
    assert "Bodø" not in told(somebody, conversation)


def test_a_topic_that_is_forgotten_goes_from_every_context_and_stays_in_the_conversation(somebody: Person) -> None:
    conversation = somebody.sdk.conversations.create().id
    somebody.say(conversation, "My falcon is called Freya, remember that.")
    for number in range(10):
        somebody.say(conversation, f"Day {number}. {SMALL_TALK * 6}")
    somebody.say(conversation, "Is Freya a good name for a falcon?")
    eventually(lambda: about(somebody, "Freya") and len(found(somebody, "falcon", role="user")) == 2)
    question = {"model": "deepthinks", "conversation": conversation, "input": "What is my falcon called?"}
    before = somebody.http.post("/v1/context/preview", json=question).raise_for_status().json()
    assert max(part["score"] or 0 for part in before["parts"]) > 0
    assert "Freya" in json.dumps(before)

    tried = forget(somebody, "falcon", dry_run=True)
    gone = forget(somebody, "falcon")

    assert gone == {**tried, "dry_run": False}
    assert (len(gone["turns"]), len(gone["facts"])) == (2, 1)
    after = somebody.http.post("/v1/context/preview", json=question).raise_for_status().json()
    assert after["memory"]["used"]
    assert "Freya" not in json.dumps(after)
    assert "Freya" not in somebody.say(conversation, "What is my falcon called?")
    assert about(somebody, "Freya") is None
    assert found(somebody, "Freya") == []
    items = somebody.http.get(f"/v1/conversations/{conversation}/items?order=asc").raise_for_status().text
    assert "My falcon is called Freya" in items


def found(person: Person, words: str, **narrowed: str) -> Any:
    return person.http.get("/v1/memory/search", params={"q": words, **narrowed}).raise_for_status().json()["data"]


def forget(person: Person, topic: str, **more: Any) -> Any:
    return person.http.post("/v1/memory/forget", json={"topic": topic, **more}).raise_for_status().json()


def about(person: Person, word: str) -> Any:
    """The fact in force that has the word."""
    facts = person.http.get(FACTS).raise_for_status().json()["data"]
    return next((fact for fact in facts if word in fact["text"]), None)


def change(person: Person, path: str, changes: dict[str, str]) -> Any:
    return person.http.patch(path, json=changes).raise_for_status().json()


def told(person: Person, conversation: str) -> str:
    """What the next turn's context says of facts."""
    body = {"model": "deepthinks", "conversation": conversation, "input": "Hello."}
    preview = person.http.post("/v1/context/preview", json=body).raise_for_status().json()
    systems = [message["content"] for message in preview["messages"] if message["role"] == "system"]
    facts = "\n".join(systems).partition("Facts the user stated:")[2]
    return facts.partition("What was talked about")[0]
