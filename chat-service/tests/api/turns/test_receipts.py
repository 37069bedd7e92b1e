"""What went to the model, part by part, and word for word."""

from contextlib import closing
from hashlib import sha256

import apsw
import orjson

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .neighbours import Neighbours


def test_a_receipt_holds_what_was_sent_and_hashes_to_it(chat: Chat, llm: OfflineLLM, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("The keeper counts ships. " * 20, name="log.txt")
    first = chat.ask("My dog is called Rex.")
    neighbours.memory.remembers = {"recall": "<recalled>An old turn.</recalled>"}
    content = [{"type": "input_file", "file_id": file_id}, {"type": "input_text", "text": "What does he count?"}]
    second = chat.ask(
        [{"role": "user", "content": content}], conversation=first["conversation"]["id"], instructions="Be brief."
    )

    receipt = chat.http().get(f"/responses/{second['id']}/context").json()

    sent = llm.requests()[-1]["body"]["messages"]
    assert receipt["messages"] == sent
    assert receipt["messages_hash"] == sha256(orjson.dumps(sent)).hexdigest()
    kinds = [(part["kind"], part["source"]) for part in receipt["parts"]]
    assert kinds == [
        ("prompt", "mode"),
        ("instructions", "request"),
        ("turn", "conversation"),
        ("input", "user"),
        ("file", "files"),
    ]
    assert receipt["parts"][2]["ids"] == [first["id"]]
    assert receipt["parts"][4]["ids"] == [file_id]
    assert "The keeper counts ships." in sent[receipt["parts"][4]["messages"][0]]["content"]
    assert receipt["tokens"] == sum(part["tokens"] for part in receipt["parts"])
    assert receipt["object"] == "response.context"
    assert receipt["response_id"] == second["id"]


def test_a_receipt_and_a_preview_say_how_well_a_recalled_turn_fits_the_question(
    chat: Chat, neighbours: Neighbours
) -> None:
    part = {"kind": "recall", "ids": ["resp_1"], "tokens": 7, "reason": "match 1 of the question"}
    neighbours.memory.remembers = {"recall": "<recalled>Old.</recalled>", "parts": [{**part, "score": 4.25}, part]}
    answer = chat.ask("What was it?")

    receipt = chat.http().get(f"/responses/{answer['id']}/context").json()
    preview = chat.http().post("/context/preview", json={"input": "What was it?"}).json()

    for shown in (receipt, preview):
        assert [each["score"] for each in shown["parts"] if each["kind"] == "recall"] == [4.25, None]
        assert {each["score"] for each in shown["parts"] if each["kind"] != "recall"} == {None}


def test_a_receipt_that_was_kept_before_there_were_scores_is_still_shown(chat: Chat) -> None:
    answer = chat.ask("Hello.")
    with closing(apsw.Connection(str(chat.folder / "data.sqlite3"))) as database:
        database.set_busy_timeout(5000)
        [(kept,)] = database.execute("select receipt from responses where id = ?", (answer["id"],))
        older = kept.replace(',"score":null', "")
        assert older != kept
        database.execute("update responses set receipt = ? where id = ?", (older, answer["id"]))

    receipt = chat.http().get(f"/responses/{answer['id']}/context")

    assert receipt.status_code == 200
    assert [part["score"] for part in receipt.json()["parts"]] == [None, None]


def test_a_receipt_says_where_a_file_stands_that_came_in_a_message_of_its_own(
    chat: Chat, neighbours: Neighbours
) -> None:
    file_id = neighbours.files.add("The keeper counts ships.")
    attached = {"role": "user", "content": [{"type": "input_file", "file_id": file_id}]}
    answer = chat.ask([attached, {"role": "user", "content": "What does he count?"}])

    receipt = chat.http().get(f"/responses/{answer['id']}/context").json()

    asked, file = receipt["parts"][-2:]
    assert asked["messages"] == file["messages"] == [1, 1]
    assert "The keeper counts ships." in receipt["messages"][1]["content"]


def test_a_preview_says_the_same_and_leaves_nothing(chat: Chat, llm: OfflineLLM, neighbours: Neighbours) -> None:
    first = chat.ask("My dog is called Rex.")
    conversation = first["conversation"]["id"]
    calls = len(llm.requests())
    body = {"input": "What is its name?", "conversation": conversation}

    preview = chat.http().post("/context/preview", json=body)
    opening = chat.http().post("/context/preview", json={"input": "Something new."})

    assert preview.status_code == opening.status_code == 200
    assert len(llm.requests()) == calls
    assert len(chat.http().get("/conversations").json()["data"]) == 1
    assert len(chat.ledger()) == 1
    assert preview.json()["response_id"] is None
    chat.ask("What is its name?", conversation=conversation)
    assert preview.json()["messages"] == llm.requests()[-1]["body"]["messages"]


def test_a_receipt_of_somebody_else_is_not_found(chat: Chat) -> None:
    theirs = chat.somebody_else().ask("Secret.")["id"]

    answer = chat.http().get(f"/responses/{theirs}/context")

    assert (answer.status_code, answer.json()["code"]) == (404, "response_not_found")


def test_a_turn_that_never_got_to_the_model_has_no_receipt(chat: Chat, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("x", state="processing")
    body = {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": file_id}]}], "background": True}
    turn = chat.http().post("/responses", json=body).json()

    answer = chat.http().get(f"/responses/{turn['id']}/context")
    chat.http().post(f"/responses/{turn['id']}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (404, "context_not_kept")


def test_a_receipt_is_there_while_the_answer_is_still_being_made(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"hang_after_chunks": 2}})
    with chat.streaming("What is the name of my dog?") as events:
        turn = next(events)["response"]["id"]
        next(event for event in events if event["type"] == "response.output_text.delta")

        receipt = chat.http().get(f"/responses/{turn}/context").json()

        chat.http().post(f"/responses/{turn}/cancel")
    assert receipt["messages"][-1]["content"] == "What is the name of my dog?"


def test_a_preview_does_not_wait_for_files(chat: Chat, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("x", state="processing")
    body = {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": file_id}]}]}

    answer = chat.http().post("/context/preview", json=body)

    assert (answer.status_code, answer.json()["code"]) == (503, "file_not_ready")
    assert neighbours.files.waits == [0]
