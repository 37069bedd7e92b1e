"""Another turn in the place of one: regenerate, edit and branch, retry after a failure."""

from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat


def said(llm: OfflineLLM) -> list[str]:
    """What was said to the model, after the prompt."""
    return [message["content"] for message in llm.requests()[-1]["body"]["messages"][1:]]


def items(chat: Chat, conversation: str) -> list[str]:
    listed = chat.http().get(f"/conversations/{conversation}/items", params={"order": "asc"}).json()["data"]
    return [item["content"][0]["text"] for item in listed if item["role"] == "user"]


def again(chat: Chat, response_id: str, **fields: Any) -> dict[str, Any]:
    answer = chat.http().post("/responses", json={"replaces": response_id, **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_first_message_can_be_asked_again(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("What is the name of my dog?", temperature=0.1, instructions="Be brief.")

    second = again(chat, first["id"])

    assert said(llm) == ["Be brief.", "What is the name of my dog?"]
    assert second["id"] != first["id"]
    assert second["conversation"] == first["conversation"]
    assert (second["model"], second["temperature"], second["replaces"]) == ("deepthinks", 0.1, first["id"])
    assert items(chat, first["conversation"]["id"]) == ["What is the name of my dog?"]
    assert chat.http().get(f"/responses/{first['id']}").json()["output"] == first["output"], "nothing is lost"


def test_an_edited_message_opens_a_branch_beside_the_old_one(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("My dog is called Rex.")
    conversation = first["conversation"]["id"]
    second = chat.ask("It is brown.", conversation=conversation)
    chat.ask("It is old.", conversation=conversation)

    again(chat, second["id"], input="It is black.")

    assert said(llm)[0] == "My dog is called Rex."
    assert said(llm)[2:] == ["It is black."]
    assert items(chat, conversation) == ["My dog is called Rex.", "It is black."]
    chat.ask("What colour is it?", previous_response_id=second["id"])
    assert "It is brown." in said(llm)


def test_a_failed_turn_can_be_tried_again(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("My dog is called Rex.")
    conversation = first["conversation"]["id"]
    llm.misbehave({"times": 1, "fault": {"status": 500}})
    body = {"model": "deepthinks", "input": "What is the name of my dog?", "conversation": conversation}
    failed = chat.http().post("/responses", json={**body, "background": True}).json()
    chat.until(failed["id"], "failed")

    answer = again(chat, failed["id"])

    assert "Rex" in answer["output"][0]["content"][0]["text"]
    assert items(chat, conversation) == ["My dog is called Rex.", "What is the name of my dog?"]


def test_another_model_can_be_asked_the_same(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("Hello there.")

    second = again(chat, first["id"], model="deepthinks-reason", stream=False)

    assert second["model"] == "deepthinks-reason"
    assert [item["type"] for item in second["output"]] == ["reasoning", "message"]


def test_a_turn_that_a_client_brought_can_be_answered_anew(chat: Chat, llm: OfflineLLM) -> None:
    said_elsewhere = [{"role": "user", "content": "My dog is called Rex."}, {"role": "assistant", "content": "Nice."}]
    conversation = chat.http().post("/conversations", json={"items": said_elsewhere}).json()

    answer = again(chat, conversation["active_response_id"])

    assert said(llm) == ["My dog is called Rex."]
    assert (answer["model"], answer["status"]) == ("deepthinks", "completed")


def test_a_turn_of_which_no_question_is_left_cannot_be_asked_again(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("My dog is called Rex.")
    [asked] = chat.http().get(f"/responses/{first['id']}/input_items").json()["data"]
    chat.http().delete(f"/conversations/{first['conversation']['id']}/items/{asked['id']}").raise_for_status()
    spoken_first = chat.http().post("/conversations", json={"items": [{"role": "assistant", "content": "Hello."}]})
    calls = len(llm.requests())

    refused = [
        chat.http().post("/responses", json={"replaces": response_id})
        for response_id in (first["id"], spoken_first.json()["active_response_id"])
    ]

    assert [(each.status_code, each.json()["code"]) for each in refused] == [(400, "input_missing")] * 2
    assert len(llm.requests()) == calls


def test_a_question_can_be_named_instead_of_sent_again(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("My dog is called Rex.")
    [asked] = chat.http().get(f"/responses/{first['id']}/input_items").json()["data"]
    body = {"model": "deepthinks", "input": [{"type": "item_reference", "id": asked["id"]}]}

    answered = chat.http().post("/responses", json=body)
    body["input"] = [{"type": "item_reference", "id": first["output"][0]["id"]}]
    refused = chat.http().post("/responses", json=body)

    assert answered.status_code == 200
    assert said(llm) == ["My dog is called Rex."]
    assert (refused.status_code, refused.json()["code"]) == (400, "input_missing")


def test_a_turn_takes_one_place_only(chat: Chat) -> None:
    first = chat.ask("Hello there.")

    for other in ({"conversation": first["conversation"]["id"]}, {"previous_response_id": first["id"]}):
        answer = chat.http().post("/responses", json={"input": "Hi", "replaces": first["id"], **other})
        assert (answer.status_code, answer.json()["code"]) == (400, "conflicting_parameters")


@pytest.mark.parametrize("whose", ["nobody", "somebody else"])
def test_only_a_turn_of_ones_own_can_be_replaced(chat: Chat, whose: str) -> None:
    other = chat.somebody_else().ask("Secret.")["id"] if whose == "somebody else" else "resp_" + "0" * 32

    for body in ({"replaces": other}, {"replaces": other, "input": "Hi"}):
        answer = chat.http().post("/responses", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "response_not_found")


def test_a_turn_without_input_and_nothing_to_replace_is_refused(chat: Chat) -> None:
    answer = chat.http().post("/responses", json={"model": "deepthinks"})

    assert (answer.status_code, answer.json()["code"]) == (400, "input_missing")
