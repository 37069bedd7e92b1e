"""Conversations as a front-end handles them, through the real nginx and the real services."""

from chassis.testing import eventually

from .people import Person


def test_a_deleted_turn_is_forgotten_everywhere_and_the_talk_goes_on(somebody: Person) -> None:
    conversation = somebody.sdk.conversations.create().id
    somebody.say(conversation, "The password of the lighthouse is Quillfeather.")
    somebody.say(conversation, "The keeper is called Odalys.")
    nodes = somebody.http.get(f"/v1/conversations/{conversation}/responses").json()["data"]
    eventually(lambda: "Quillfeather" in str(somebody.memory(conversation)))

    somebody.sdk.responses.delete(nodes[0]["id"])

    eventually(lambda: "Quillfeather" not in str(somebody.memory(conversation)))
    assert "Quillfeather" not in somebody.say(conversation, "What is the password of the lighthouse?")
    assert "Odalys" in somebody.say(conversation, "What is the keeper called?")
    texts = str(somebody.http.get(f"/v1/conversations/{conversation}/items", params={"limit": 100}).json())
    assert "Quillfeather" not in texts


def test_a_talk_that_was_held_elsewhere_goes_on_here(somebody: Person) -> None:
    conversation = somebody.sdk.conversations.create(
        items=[
            {"role": "user", "content": "My boat is called Marigold."},
            {"role": "assistant", "content": "A bright name."},
        ]
    ).id

    answer = somebody.say(conversation, "What is my boat called?")

    assert "Marigold" in answer
    found = somebody.http.get("/v1/conversations", params={"search": "BOAT called"}).json()["data"]
    assert [(entry["id"], entry["title"]) for entry in found] == [(conversation, "My boat is called Marigold.")]
