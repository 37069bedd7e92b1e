"""The tree of a conversation, and the branch of it that is active."""

from typing import Any

import pytest

from .conftest import Chat


def tree(chat: Chat, conversation_id: str, **params: Any) -> dict[str, Any]:
    answer = chat.http().get(f"/conversations/{conversation_id}/responses", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def said(chat: Chat, conversation_id: str) -> list[str]:
    """What the user said on the active branch, oldest first."""
    params: dict[str, str | int] = {"order": "asc", "limit": 100}
    items = chat.http().get(f"/conversations/{conversation_id}/items", params=params).json()["data"]
    return [item["content"][0]["text"] for item in items if item["role"] == "user"]


def activate(chat: Chat, conversation_id: str, response_id: str) -> int:
    body = {"active_response_id": response_id}
    return chat.http().post(f"/conversations/{conversation_id}", json=body).status_code


def test_a_tree_shows_all_branches_and_which_is_active(chat: Chat) -> None:
    one = chat.ask("one")
    conversation_id = one["conversation"]["id"]
    two = chat.ask("two", conversation=conversation_id)
    other = chat.ask("another two", previous_response_id=one["id"])

    nodes = tree(chat, conversation_id)["data"]

    assert [(node["id"], node["parent_id"], node["depth"], node["active"], node["preview"]) for node in nodes] == [
        (one["id"], None, 1, True, "one"),
        (two["id"], one["id"], 2, False, "two"),
        (other["id"], one["id"], 2, True, "another two"),
    ]
    assert all(node["object"] == "response.node" and node["status"] == "completed" for node in nodes)
    assert not any(node["deleted"] for node in nodes)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_tree_is_read_page_by_page(chat: Chat, order: str) -> None:
    ids = [chat.ask("1")]
    ids += [chat.ask(str(number), previous_response_id=ids[0]["id"]) for number in range(2, 6)]
    conversation_id = ids[0]["conversation"]["id"]

    page = tree(chat, conversation_id, limit=2, order=order)
    nodes = list(page["data"])
    while page["has_more"]:
        page = tree(chat, conversation_id, limit=2, order=order, after=page["last_id"])
        nodes += page["data"]

    in_order = ["1", "2", "3", "4", "5"]
    assert [node["preview"] for node in nodes] == (in_order if order == "asc" else in_order[::-1])
    assert [node["preview"] for node in nodes if node["active"]] == (["1", "5"] if order == "asc" else ["5", "1"])


def test_the_branch_that_is_chosen_goes_on(chat: Chat) -> None:
    one = chat.ask("one")
    conversation_id = one["conversation"]["id"]
    two = chat.ask("two", conversation=conversation_id)
    chat.ask("another two", previous_response_id=one["id"])

    assert activate(chat, conversation_id, two["id"]) == 200
    chosen = said(chat, conversation_id)
    chat.ask("three", conversation=conversation_id)

    assert chosen == ["one", "two"]
    assert said(chat, conversation_id) == ["one", "two", "three"]
    assert chat.http().get(f"/conversations/{conversation_id}").json()["active_response_id"] != two["id"]


def test_only_a_response_of_the_conversation_can_be_chosen(chat: Chat) -> None:
    mine = chat.ask("mine")
    elsewhere, foreign = chat.ask("elsewhere"), chat.somebody_else().ask("foreign")
    deleted = chat.ask("deleted", conversation=mine["conversation"]["id"])
    chat.sdk().responses.delete(deleted["id"])
    named = [elsewhere["id"], foreign["id"], deleted["id"], "resp_none"]

    answers = [
        chat.http().post(f"/conversations/{mine['conversation']['id']}", json={"active_response_id": response_id})
        for response_id in named
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "response_not_found")] * 4


def test_a_branch_can_be_chosen_while_another_is_answered(chat: Chat, llm: Any) -> None:
    one = chat.ask("one")
    conversation_id = one["conversation"]["id"]
    llm.misbehave({"fault": {"hang_before_headers": True}})
    running = chat.ask("two", conversation=conversation_id, background=True)

    status = activate(chat, conversation_id, one["id"])

    assert status == 200
    assert said(chat, conversation_id) == ["one"]
    chat.http().post(f"/responses/{running['id']}/cancel")
    assert said(chat, conversation_id) == ["one"]


def test_a_tree_after_a_response_of_another_conversation_is_refused(chat: Chat) -> None:
    one, other = chat.ask("one"), chat.ask("other")

    path = f"/conversations/{one['conversation']['id']}/responses"
    answers = [
        chat.http().get(path, params={"after": other["id"]}),
        chat.somebody_else().http().get(path),
    ]

    assert [answer.json()["code"] for answer in answers] == ["response_not_found", "conversation_not_found"]
