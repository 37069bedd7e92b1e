"""Turns and items that are deleted: gone everywhere, while what follows keeps its place."""

from contextlib import closing

import apsw
import openai
import pytest

from chassis.testing import eventually
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_closed, until_open
from .neighbours import Neighbours

SECRET = "xylophone"


def told(chat: Chat) -> str:
    """Everything that the database says of conversations."""
    tables = ("conversations", "responses", "items", "stream_events", "code_files")
    with closing(apsw.Connection(str(chat.folder / "data.sqlite3"), apsw.SQLITE_OPEN_READONLY)) as database:
        rows = [row for table in tables for row in database.execute(f"select * from {table}")]
        return "\n".join(str(row) for row in rows)


def contexts_of(chat: Chat, *response_ids: str) -> list[str]:
    """For which of these responses it is kept what went to the model."""
    with closing(apsw.Connection(str(chat.folder / "data.sqlite3"), apsw.SQLITE_OPEN_READONLY)) as database:
        kept = {row[0] for row in database.execute("select response_id from contexts")}
    return [response_id for response_id in response_ids if response_id in kept]


def said(chat: Chat, conversation_id: str) -> list[str]:
    """What was said on the active branch, read in pages of one, oldest first."""
    path, params = f"/conversations/{conversation_id}/items", {"limit": "1", "order": "asc"}
    texts: list[str] = []
    while True:
        answer = chat.http().get(path, params=params).json()
        texts += [item["content"][0]["text"] if item["role"] == "user" else "answer" for item in answer["data"]]
        if not answer["has_more"]:
            return texts
        params["after"] = answer["last_id"]


def test_a_deleted_response_is_gone_for_every_route_that_names_it(chat: Chat) -> None:
    response = chat.ask("Hello")
    sdk, http = chat.sdk(), chat.http()

    deleted = http.delete(f"/responses/{response['id']}")

    assert deleted.json() == {"id": response["id"], "object": "response", "deleted": True}
    with pytest.raises(openai.NotFoundError):
        sdk.responses.delete(response["id"])
    path, body = f"/responses/{response['id']}", {"model": "deepthinks", "input": "Hello"}
    answers = [
        http.get(path),
        http.get(path, params={"stream": True}),
        http.get(f"{path}/input_items"),
        http.get(f"{path}/context"),
        http.post(f"{path}/cancel"),
        http.post("/responses", json={**body, "previous_response_id": response["id"]}),
        http.post("/responses", json={**body, "replaces": response["id"]}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "response_not_found")] * 7


def test_nothing_of_a_deleted_response_stays_but_its_place(chat: Chat, neighbours: Neighbours) -> None:
    before = chat.ask("Hello")
    conversation_id = before["conversation"]["id"]
    secret = chat.ask(
        f"The {SECRET} plays.",
        conversation=conversation_id,
        instructions=f"Sing of the {SECRET}.",
        metadata={"of": SECRET},
    )
    later = chat.ask("And then?", conversation=conversation_id)
    assert SECRET in told(chat)
    assert contexts_of(chat, before["id"], secret["id"], later["id"]) == [before["id"], secret["id"], later["id"]]

    chat.sdk().responses.delete(secret["id"])

    texts = told(chat)
    nodes = chat.http().get(f"/conversations/{conversation_id}/responses").json()["data"]
    neighbours.memory.until("turn.revised")
    assert SECRET not in texts.replace(str(chat.http().get(f"/responses/{later['id']}").json()["output"]), "")
    assert [(node["id"], node["parent_id"], node["deleted"], node["active"]) for node in nodes] == [
        (before["id"], None, False, True),
        (secret["id"], before["id"], True, True),
        (later["id"], secret["id"], False, True),
    ]
    assert nodes[1]["preview"] is None
    assert contexts_of(chat, before["id"], secret["id"], later["id"]) == [before["id"]]


def test_what_follows_a_deleted_response_goes_on_without_it(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask("My dog is called Rex.")
    conversation_id = first["conversation"]["id"]
    chat.ask("My cat is called Tom.", conversation=conversation_id)

    chat.sdk().responses.delete(first["id"])
    chat.ask("And now?", conversation=conversation_id)

    [sent] = [entry["body"]["messages"] for entry in llm.requests()][-1:]
    assert "Rex" not in str(sent)
    assert "Tom" in str(sent)
    assert said(chat, conversation_id) == ["My cat is called Tom.", "answer", "And now?", "answer"]


def test_a_turn_follows_a_deleted_tip(chat: Chat) -> None:
    first = chat.ask("one")
    conversation_id = first["conversation"]["id"]
    tip = chat.ask("two", conversation=conversation_id)
    chat.sdk().responses.delete(tip["id"])

    chat.ask("three", conversation=conversation_id)

    nodes = chat.http().get(f"/conversations/{conversation_id}/responses").json()["data"]
    assert (nodes[-1]["parent_id"], nodes[-1]["depth"]) == (tip["id"], 3)
    assert said(chat, conversation_id) == ["one", "answer", "three", "answer"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_are_full_over_deleted_turns(chat: Chat, order: str) -> None:
    turns = [chat.ask("1")]
    conversation_id = turns[0]["conversation"]["id"]
    turns += [chat.ask(str(number), conversation=conversation_id) for number in range(2, 9)]
    for turn in (turns[0], *turns[2:6], turns[7]):
        chat.sdk().responses.delete(turn["id"])
    path = f"/conversations/{conversation_id}/items"

    first = chat.http().get(path, params={"limit": 3, "order": order}).json()
    rest = chat.http().get(path, params={"limit": 3, "order": order, "after": first["last_id"]}).json()

    texts = [item["content"][0]["text"] for item in first["data"] + rest["data"] if item["role"] == "user"]
    assert (len(first["data"]), first["has_more"]) == (3, True)
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    assert texts == (["2", "7"] if order == "asc" else ["7", "2"])


def test_memory_is_not_asked_before_it_heard_of_a_deletion(chat: Chat, neighbours: Neighbours) -> None:
    first = chat.ask(f"My password is {SECRET}.")
    conversation = first["conversation"]["id"]
    chat.ask("Hello", conversation=conversation)
    neighbours.memory.until("turn.ended", 2)
    neighbours.memory.remembers = {"recall": f"<recalled>My password is {SECRET}.</recalled>"}

    with neighbours.memory.deaf():
        chat.http().delete(f"/responses/{first['id']}")
        at_once = chat.ask("What is my password?", conversation=conversation)
    neighbours.memory.until("turn.revised")
    eventually(lambda: chat.ask("Hello again", conversation=conversation)["memory"]["used"])
    neighbours.memory.remembers = {}

    assert at_once["memory"] == {"used": False, "known_through": None, "reason": "unavailable"}
    assert SECRET not in str(at_once)


def test_memory_hears_that_a_turn_is_empty_after_it_heard_of_it(chat: Chat, neighbours: Neighbours) -> None:
    response = chat.ask("Hello")

    chat.sdk().responses.delete(response["id"])

    [revised] = neighbours.memory.until("turn.revised")
    assert revised == {
        "owner": chat.user_id,
        "conversation_id": response["conversation"]["id"],
        "turn_id": response["id"],
        "user_text": "",
        "assistant_text": "",
    }
    kinds = [event["kind"] for event in neighbours.memory.events.values() if event["data"]["owner"] == chat.user_id]
    assert kinds == ["turn.ended", "turn.revised"]


def test_deleting_a_running_response_stops_it_and_sends_its_readers_home(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    llm.misbehave({"fault": {"tokens_per_second": 50}})
    with chat.streaming("Some words that take a while to repeat for a model this slow.") as events:
        response = next(events)["response"]
        while next(events)["type"] != "response.output_text.delta":
            pass

        chat.sdk().responses.delete(response["id"])

        last = list(events)[-1]
    assert last["response"]["status"] == "cancelled"
    until_closed(llm)
    [row] = chat.ledger()
    assert (row["call_id"], row["outcome"]) == (response["id"], "cancelled")
    neighbours.memory.until("turn.revised")
    assert said(chat, response["conversation"]["id"]) == []
    assert chat.ask("Go on.", conversation=response["conversation"]["id"])


def test_deleting_a_response_that_is_not_kept_stops_it(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"tokens_per_second": 20}})
    with chat.streaming("Some words that take a while to repeat for a model this slow.", store=False) as events:
        response = next(events)["response"]
        until_open(llm)

        deleted = chat.http().delete(f"/responses/{response['id']}")

        last = list(events)[-1]
    assert (deleted.status_code, last["response"]["status"]) == (200, "cancelled")
    until_closed(llm)


def test_the_title_goes_with_the_words_it_was_made_of(chat: Chat) -> None:
    first = chat.ask(f"The {SECRET} plays.")
    conversation_id = first["conversation"]["id"]
    chat.ask("What else?", conversation=conversation_id)
    path = f"/conversations/{conversation_id}"

    chat.sdk().responses.delete(first["id"])
    made_anew = chat.http().get(path).json()["title"]
    chat.http().post(path, json={"title": "My own"})
    items = chat.http().get(f"{path}/items", params={"order": "asc"}).json()["data"]
    chat.http().delete(f"{path}/items/{items[0]['id']}")

    assert made_anew == "What else?"
    assert chat.http().get(path).json()["title"] == "My own"
    assert chat.http().post(path, json={"title": None}).json()["title"] is None


def test_a_deleted_item_is_gone_and_the_rest_of_its_turn_stays(chat: Chat, neighbours: Neighbours) -> None:
    parts = [{"role": "user", "content": f"The {SECRET} plays."}, {"role": "user", "content": "Who sings?"}]
    response = chat.ask(parts)
    conversation_id = response["conversation"]["id"]
    path = f"/conversations/{conversation_id}/items"
    oldest = chat.http().get(path, params={"order": "asc"}).json()["data"][0]
    answer = response["output"][0]

    chat.sdk().conversations.items.delete(answer["id"], conversation_id=conversation_id)
    conversation = chat.sdk().conversations.items.delete(oldest["id"], conversation_id=conversation_id)

    assert conversation.to_dict()["title"] == "Who sings?"
    assert SECRET not in told(chat)
    assert said(chat, conversation_id) == ["Who sings?"]
    assert contexts_of(chat, response["id"]) == []
    assert chat.http().get(f"/responses/{response['id']}").json()["output"] == []
    events = chat.http().get(f"/responses/{response['id']}", params={"stream": True})
    assert (events.status_code, events.json()["code"]) == (410, "events_expired")
    revised = neighbours.memory.until("turn.revised", 2)
    assert [(each["user_text"], each["assistant_text"]) for each in revised] == [
        (f"The {SECRET} plays.\n\nWho sings?", ""),
        ("Who sings?", ""),
    ]


def test_a_turn_that_was_under_way_does_not_keep_what_was_deleted_meanwhile(chat: Chat, llm: OfflineLLM) -> None:
    first = chat.ask(f"The {SECRET} plays.")
    llm.misbehave({"fault": {"hang_before_headers": True}})
    running = chat.ask("What plays?", conversation=first["conversation"]["id"], background=True)
    until_open(llm)

    chat.sdk().responses.delete(first["id"])
    chat.http().post(f"/responses/{running['id']}/cancel")

    assert SECRET in str(llm.requests()[-1]["body"])
    assert contexts_of(chat, running["id"]) == []


def test_an_item_of_a_turn_that_is_answered_cannot_be_deleted(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"fault": {"hang_before_headers": True}})
    running = chat.ask("Hello", background=True)
    conversation_id = running["conversation"]["id"]
    [item] = chat.http().get(f"/conversations/{conversation_id}/items").json()["data"]

    refused = chat.http().delete(f"/conversations/{conversation_id}/items/{item['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "conversation_busy")
    chat.http().delete(f"/responses/{running['id']}")
    until_closed(llm)


def test_nobody_deletes_for_somebody_else(chat: Chat) -> None:
    response = chat.ask("Hello")
    conversation_id, item_id = response["conversation"]["id"], response["output"][0]["id"]
    stranger = chat.somebody_else()
    own = stranger.ask("Mine")["conversation"]["id"]

    answers = [
        stranger.http().delete(f"/responses/{response['id']}"),
        stranger.http().delete(f"/conversations/{conversation_id}/items/{item_id}"),
        stranger.http().delete(f"/conversations/{own}/items/{item_id}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert chat.http().get(f"/responses/{response['id']}").json() == response


def test_a_repeated_request_does_not_bring_a_deleted_turn_back(chat: Chat) -> None:
    http, body = chat.http(), {"model": "deepthinks", "input": "Hello"}
    headers = {"idempotency-key": "once"}
    response = http.post("/responses", json=body, headers=headers).json()
    http.delete(f"/responses/{response['id']}")

    repeated = http.post("/responses", json=body, headers=headers)

    assert repeated.status_code == 404
    assert len(chat.ledger()) == 1
