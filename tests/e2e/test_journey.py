"""One conversation, end to end, through the real nginx and the real services."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import openai
import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import running
from dev.stack import SERVICES, Stack

from .people import PASSWORD, Person, sign_up, signed_in


def test_accounts_sign_up_in_refresh_and_out(gateway: httpx.Client, somebody: Person) -> None:
    assert set(somebody.tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    me = somebody.http.get("/v1/auth/me").json()
    assert (me["email"], me["username"]) == (somebody.email, "Ada")

    login = gateway.post("/v1/auth/login", json={"email": somebody.email, "password": PASSWORD})
    refreshed = gateway.post("/v1/auth/refresh", json={"refresh_token": login.json()["refresh_token"]})
    new = refreshed.json()
    signed_out = gateway.post("/v1/auth/logout", json={"refresh_token": new["refresh_token"]})

    assert [answer.status_code for answer in (login, refreshed, signed_out)] == [200, 200, 204]
    assert gateway.post("/v1/auth/refresh", json={"refresh_token": new["refresh_token"]}).status_code == 401
    # the gateway may remember a decision for up to two seconds
    bearer = {"authorization": f"Bearer {new['access_token']}"}
    eventually(lambda: gateway.get("/v1/auth/me", headers=bearer).status_code == 401, seconds=3.0)
    assert somebody.http.get("/v1/auth/me").status_code == 200


def test_a_wrong_password_is_a_problem_that_both_conventions_can_read(gateway: httpx.Client, somebody: Person) -> None:
    answer = gateway.post("/v1/auth/login", json={"email": somebody.email, "password": "not the passphrase"})

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.json()["code"] == answer.json()["error"]["code"] == "invalid_credentials"


def test_a_guest_talks_without_signing_up(gateway: httpx.Client, stack: Stack) -> None:
    tokens = gateway.post("/v1/auth/guest").json()

    with signed_in(stack.url, "", tokens) as guest:
        conversation = guest.sdk.conversations.create()
        answer = guest.say(conversation.id, "My cat is called Turing.")

    assert tokens["user"]["role"] == "guest"
    assert answer


def test_keys_are_published_for_anyone(gateway: httpx.Client) -> None:
    keys = gateway.get("/.well-known/jwks.json").json()["keys"]

    assert [(key["kty"], key["crv"], "d" in key) for key in keys] == [("OKP", "Ed25519", False)]


@pytest.mark.parametrize(
    ("name", "question", "expected"),
    [
        ("expedition.pdf", "What was the name of the ship that carried the expedition?", "Aurelia Borealis"),
        ("contract.docx", "Who is the guarantor of the contract?", "Theodora Vance"),
        ("budget.xlsx", "What is the planned amount for lighthouse maintenance?", "48250"),
    ],
)
def test_a_document_is_read_in_the_background_and_used_in_the_answer(
    somebody: Person, documents: Path, name: str, question: str, expected: str
) -> None:
    conversation = somebody.sdk.conversations.create()

    file = somebody.upload(documents / name)
    answer = somebody.say(conversation.id, question, file)  # it may still be in work: the turn waits

    assert expected in answer.replace(",", "")
    assert somebody.sdk.files.retrieve(file).status == "processed"


def test_a_turn_with_a_file_is_stored_listed_and_survives_a_restart_of_every_service(
    stack: Stack, somebody: Person, documents: Path
) -> None:
    conversation = somebody.sdk.conversations.create(metadata={"topic": "sea"})
    file = somebody.upload(documents / "expedition.pdf")
    answer = somebody.say(conversation.id, "What was the name of the ship that carried the expedition?", file)
    before = somebody.sdk.conversations.items.list(conversation.id, order="asc").data

    for part in SERVICES:
        stack.restart(part.name)
    after = somebody.sdk.conversations.items.list(conversation.id, order="asc").data
    usage = eventually(lambda: somebody.usage()["total"]["calls"] and somebody.usage())

    assert [item.role for item in after] == ["user", "assistant"]
    assert after[1].content[0].text == answer
    assert [item.to_dict() for item in after] == [item.to_dict() for item in before]
    assert somebody.sdk.files.content(file).read() == (documents / "expedition.pdf").read_bytes()
    assert somebody.sdk.conversations.retrieve(conversation.id).metadata == {"topic": "sea"}
    assert usage["total"]["calls"] == 1
    assert "Aurelia Borealis" in somebody.say(conversation.id, "What ship carried the expedition?")


SMALL_TALK = [
    "The weather in the harbour was grey this morning and the ferries were late again.",
    "I spent the afternoon sorting old maps of the northern coast by year.",
    "Dinner was a soup of leeks and potatoes, better than I had expected.",
    "Tomorrow I will repaint the green door of the boat house.",
    "My neighbour plays the cello every evening and has improved a lot.",
    "The library will be closed for two weeks because of the new roof.",
]


def test_what_left_the_buffer_is_folded_in_the_background_and_still_known(somebody: Person) -> None:
    conversation = somebody.sdk.conversations.create().id
    somebody.say(conversation, "My daughter Philippa is allergic to hazelnuts, remember that.")
    for number in range(30):
        padding = " ".join(SMALL_TALK[(number + offset) % len(SMALL_TALK)] for offset in range(6))
        somebody.say(conversation, f"Day {number}. {padding}")

    memory = eventually(
        lambda: (seen := somebody.memory(conversation)).get("long_term", {}).get("interactions") and seen
    )
    first = somebody.sdk.conversations.items.list(conversation, order="asc", limit=1).data[0]
    answer = somebody.say(conversation, "What is my daughter allergic to?")

    assert "Philippa" in first.content[0].text
    assert all("Philippa" not in turn["user"] for turn in memory["short_term"]["turns"])
    for interaction in memory["long_term"]["interactions"]:
        assert {"summary", "verbatim_context", "priority_score"} <= set(interaction)
    assert any("hazelnuts" in detail["text"] for detail in memory["long_term"]["important_details"])
    assert "hazelnuts" in answer


def test_usage_is_recorded_by_the_server_in_total_by_model_and_by_conversation(somebody: Person) -> None:
    first, second = (somebody.sdk.conversations.create().id for _ in range(2))
    counted = []
    for conversation, text in ((first, "I live in Lisbon."), (first, "Where do I live?"), (second, "I keep bees.")):
        response = somebody.sdk.responses.create(model="deepthinks", conversation=conversation, input=text)
        assert response.usage is not None
        counted.append((conversation, response.usage.input_tokens, response.usage.output_tokens))

    usage = eventually(lambda: (seen := somebody.usage())["total"]["calls"] == 3 and seen)

    assert usage["total"]["input_tokens"] == sum(given for _, given, _ in counted)
    assert usage["total"]["output_tokens"] == sum(made for _, _, made in counted)
    assert sum(row["total_tokens"] for row in usage["by_model"]) == usage["total"]["total_tokens"]
    by_conversation = {row["conversation_id"]: row["output_tokens"] for row in usage["by_conversation"]}
    assert by_conversation[second] == counted[2][2]


def test_chat_completions_answer_the_same_sdk_streamed_and_not(somebody: Person) -> None:
    messages = [
        {"role": "user", "content": "The password of the lighthouse is Fresnel."},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": "What is the password of the lighthouse?"},
    ]

    whole = somebody.sdk.chat.completions.create(model="deepthinks", messages=messages)
    chunks = list(
        somebody.sdk.chat.completions.create(
            model="deepthinks", messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )

    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Fresnel" in (whole.choices[0].message.content or "")
    assert streamed == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens if whole.usage else False
    assert "deepthinks" in [model.id for model in somebody.sdk.models.list()]


def test_with_a_key_a_second_copy_beside_the_first_uses_the_provider_it_is_told(stack: Stack, tmp_path: Path) -> None:
    key = "a-key-for-together-of-at-least-32-characters"
    with running() as provider:
        settings = {"TOGETHER_API_KEY": key, "TOGETHER_BASE_URL": f"{provider.url}/v1"}
        with Stack(tmp_path, environment=settings) as second, sign_up(second.url) as person:
            answer = person.sdk.responses.create(model="deepthinks", input="My parrot is called Admiral.")
            [asked] = [each for each in provider.requests() if each["path"] == "/v1/chat/completions"]

    assert "offline-llm" in stack.processes
    assert "offline-llm" not in second.processes
    assert answer.status == "completed"
    assert asked["key_sha256"] == sha256(key.encode()).hexdigest()[:16]


def test_one_persons_things_do_not_exist_for_another(
    somebody: Person, newcomer: Callable[[], Person], documents: Path
) -> None:
    stranger = newcomer()
    conversation = somebody.sdk.conversations.create().id
    file = somebody.upload(documents / "contract.docx")
    somebody.say(conversation, "I hid the key under the third stone.")

    with pytest.raises(openai.NotFoundError):
        stranger.sdk.conversations.items.list(conversation)
    with pytest.raises(openai.NotFoundError):
        stranger.sdk.files.retrieve(file)
    with pytest.raises(openai.NotFoundError):
        stranger.sdk.responses.create(model="deepthinks", conversation=conversation, input="Where is the key?")
    content = [{"type": "input_file", "file_id": file}, {"type": "input_text", "text": "What does it say?"}]
    with pytest.raises(openai.NotFoundError):
        stranger.sdk.responses.create(model="deepthinks", input=[{"role": "user", "content": content}])
    assert stranger.http.get(f"/v1/memory/conversations/{conversation}").status_code == 404
    assert stranger.usage()["total"]["calls"] == 0
