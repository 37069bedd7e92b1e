"""The mode that answers in files: checked, mended once, versions counted, files listed and downloaded."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import apsw
import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat, until_closed, until_open


def answering(*files: dict[str, Any], explanation: str = "Here it is.", notes: str | None = None) -> str:
    given = [{"language": "python", "notes": None, **file} for file in files]
    return json.dumps({"explanation": explanation, "files": given, "notes": notes})


def script(llm: OfflineLLM, *contents: str, **fault: Any) -> None:
    """What the model answers, in this order."""
    llm.misbehave(*({"times": 1, "fault": {"content": content, **fault}} for content in contents))


HELLO = {"name": "src/hello.py", "content": "print('hello')\n"}


def code(chat: Chat, asked: str = "Write it.", /, **fields: Any) -> dict[str, Any]:
    return chat.ask(asked, **{"model": "deepthinks-code", **fields})


def test_an_answer_is_read_by_people_and_by_programs(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering({**HELLO, "notes": "Run it."}, explanation="It greets.", notes="Needs Python."))

    answer = code(chat)

    text = "It greets.\n\n**src/hello.py**\n\n```python\nprint('hello')\n```\n\nRun it.\n\nNeeds Python."
    assert answer["output"][0]["content"][0]["text"] == text
    [file] = answer["code"]["files"]
    assert (file["name"], file["version"], file["content"]) == ("src/hello.py", 1, "print('hello')\n")
    assert (answer["code"]["explanation"], answer["code"]["notes"]) == ("It greets.", "Needs Python.")
    assert chat.http().get(f"/responses/{answer['id']}").json()["code"] == answer["code"]
    call = llm.requests()[-1]["body"]
    assert call["model"] == "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8"
    assert call["response_format"]["json_schema"]["name"] == "code_answer"


def test_versions_count_up_within_a_conversation_and_over_its_branches(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, *[answering({**HELLO, "content": f"{number}\n"}) for number in (1, 2, 3)], answering(HELLO))
    first = code(chat)
    conversation = first["conversation"]["id"]

    second = code(chat, conversation=conversation)
    branch = code(chat, replaces=second["id"])
    elsewhere = code(chat)

    assert [each["code"]["files"][0]["version"] for each in (first, second, branch, elsewhere)] == [1, 2, 3, 1]
    listed = chat.http().get(f"/conversations/{conversation}/code_files").json()["data"]
    assert [(file["name"], file["version"], file["bytes"]) for file in listed] == [("src/hello.py", 3, 2)]
    versions = chat.http().get(
        f"/conversations/{conversation}/code_files", params={"name": "src/hello.py", "order": "asc"}
    )
    assert [file["version"] for file in versions.json()["data"]] == [1, 2, 3]


def test_a_file_is_downloaded_as_it_was_written(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering({"name": "wéb/index.html", "content": "<script>alert(1)</script>", "language": "html"}))
    answer = code(chat)
    path = f"/conversations/{answer['conversation']['id']}/code_files/{answer['code']['files'][0]['id']}"

    download = chat.http().get(f"{path}/content")

    assert download.text == "<script>alert(1)</script>"
    assert download.headers["content-type"] == "text/plain; charset=utf-8"
    assert download.headers["content-disposition"] == "attachment; filename*=UTF-8''index.html"
    assert download.headers["x-content-type-options"] == "nosniff"
    assert chat.http().get(path).json()["name"] == "wéb/index.html"
    stranger = chat.somebody_else().http()
    assert stranger.get(f"{path}/content").json()["code"] == "conversation_not_found"


def test_what_cannot_be_read_is_mended_once(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, '{"explanation": "I forgot', answering(HELLO))

    answer = code(chat)

    assert answer["status"] == "completed"
    assert answer["code"]["files"][0]["name"] == "src/hello.py"
    asked_again = llm.requests()[-1]["body"]["messages"]
    assert asked_again[-2] == {"role": "assistant", "content": '{"explanation": "I forgot'}
    assert "not JSON" in asked_again[-1]["content"]
    calls = chat.ledger()
    assert [call["purpose"] for call in calls] == ["turn", "repair"]
    assert answer["usage"]["input_tokens"] == sum(call["input_tokens"] for call in calls)


@pytest.mark.parametrize("omit_usage", [False, True])
def test_what_cannot_be_mended_is_a_clear_failure_and_is_billed(chat: Chat, llm: OfflineLLM, omit_usage: bool) -> None:
    script(llm, "Hello!", '{"explanation": 7}', omit_usage=omit_usage)

    answer = chat.http().post("/responses", json={"model": "deepthinks-code", "input": "Write it."})

    assert (answer.status_code, answer.json()["code"]) == (502, "code_answer_invalid")
    assert answer.headers["x-should-retry"] == "false"
    assert len(llm.requests()) == 2
    assert [(call["purpose"], call["outcome"]) for call in chat.ledger()] == [("turn", "failed"), ("repair", "failed")]
    assert all(call["input_tokens"] for call in chat.ledger())


@pytest.mark.parametrize(
    "file",
    [
        {"name": "../../etc/passwd", "content": "x"},
        {"name": "/etc/passwd", "content": "x"},
        {"name": "C:\\windows\\system.ini", "content": "x"},
        {"name": "a\nb", "content": "x"},
        {"name": "\u202egpj.exe", "content": "x"},
        {"name": "", "content": "x"},
        {"name": "a.py"},
    ],
)
def test_a_file_that_would_be_saved_elsewhere_is_none(chat: Chat, llm: OfflineLLM, file: dict[str, str]) -> None:
    script(llm, answering(file), answering(HELLO))

    assert code(chat)["code"]["files"][0]["name"] == "src/hello.py"


def test_a_stream_tells_of_the_draft_and_says_only_what_is_good(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, "This is no answer.", answering(HELLO))

    with chat.streaming("Write it.", model="deepthinks-code") as events:
        told = list(events)

    drafted = "".join(event["delta"] for event in told if event["type"] == "response.draft.delta")
    said = "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta")
    assert drafted == "This is no answer." + answering(HELLO)
    assert said == told[-1]["response"]["output"][0]["content"][0]["text"]
    assert "This is no answer." not in said
    assert [event["sequence_number"] for event in told] == list(range(len(told)))


def test_openais_client_passes_over_the_draft(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering(HELLO))

    with chat.sdk() as sdk, sdk.responses.stream(model="deepthinks-code", input="Write it.") as stream:
        final = stream.get_final_response()

    assert "print('hello')" in final.output_text


def test_what_was_drafted_when_somebody_stops_is_kept(chat: Chat, llm: OfflineLLM) -> None:
    llm.misbehave({"times": 1, "fault": {"content": answering(HELLO), "hang_after_chunks": 8}})
    with chat.streaming("Write it.", model="deepthinks-code") as events:
        turn = next(events)["response"]["id"]
        next(event for event in events if event["type"] == "response.draft.delta")

        stopped = chat.http().post(f"/responses/{turn}/cancel").json()

    assert stopped["status"] == "cancelled"
    assert stopped["output"][0]["content"][0]["text"].startswith('{"expl')
    assert stopped["code"] is None


def test_an_answer_cut_at_its_limit_is_kept_and_not_mended(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering({**HELLO, "content": "word " * 500}))

    answer = code(chat, max_output_tokens=20)

    assert (answer["status"], answer["incomplete_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert len(llm.requests()) == 1


def test_a_client_that_asks_for_a_shape_of_its_own_gets_that(chat: Chat) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

    answer = code(chat, text={"format": {"type": "json_schema", "name": "x", "schema": schema}})

    assert set(json.loads(answer["output"][0]["content"][0]["text"])) == {"name"}
    assert answer["code"] is None


def test_code_with_fences_in_it_does_not_end_its_block(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering({"name": "README.md", "content": "```sh\nmake\n```\n", "language": "markdown"}))

    text = code(chat)["output"][0]["content"][0]["text"]

    assert "````markdown\n```sh\nmake\n```\n````" in text


def test_a_language_that_is_none_is_left_out(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering({**HELLO, "language": "any `language`\nyou like"}))

    answer = code(chat)

    assert answer["code"]["files"][0]["language"] is None
    assert "```\nprint" in answer["output"][0]["content"][0]["text"]


def test_an_answer_that_is_not_kept_has_files_all_the_same(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering(HELLO))

    assert code(chat, store=False)["code"]["files"][0]["version"] == 1


def test_a_stop_while_files_are_written_down_keeps_them_with_their_words(chat: Chat, llm: OfflineLLM) -> None:
    script(llm, answering(HELLO), before_first_token_seconds=0.3)
    with closing(apsw.Connection(str(chat.folder / "data.sqlite3"))) as holder, ThreadPoolExecutor(1) as elsewhere:
        begun = code(chat, background=True)
        until_open(llm)
        holder.execute("begin immediate")
        until_closed(llm)
        stopping = elsewhere.submit(chat.http().post, f"/responses/{begun['id']}/cancel")
        time.sleep(0.3)  # until the stop has arrived
        holder.execute("rollback")
        stopped = stopping.result().json()

    found = chat.http().get(f"/responses/{begun['id']}").json()
    assert found == stopped
    assert (found["status"], bool(found["code"])) == ("completed", True)
