"""Turns with images: a model that can see is asked, and goes on seeing for a few turns."""

import base64
import zlib
from struct import pack
from typing import Any

import pytest

from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .neighbours import Neighbours
from .test_tools import WEATHER, called, result

EYES = "Qwen/Qwen2.5-VL-72B-Instruct"


def png(red: int, green: int, blue: int) -> str:
    """Eight by eight pixels of a colour, as a `data:` URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * 8) * 8
    image = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    image += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(image).decode()


def looking(*images: dict[str, Any], text: str = "What colour is this?") -> list[dict[str, Any]]:
    return [{"role": "user", "content": [*images, {"type": "input_text", "text": text}]}]


def inline(url: str) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url, "detail": "auto"}


def urls_in(message: dict[str, Any]) -> list[str]:
    parts = message["content"] if isinstance(message["content"], list) else []
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


def test_an_image_goes_to_a_model_that_can_see(chat: Chat, llm: OfflineLLM) -> None:
    red = png(255, 0, 0)

    answer = chat.ask(looking(inline(red)))

    call = llm.requests()[-1]["body"]
    assert call["model"] == EYES
    assert urls_in(call["messages"][-1]) == [red]
    assert "red" in answer["output"][0]["content"][0]["text"].lower()
    assert answer["model"] == "deepthinks"


def test_an_uploaded_image_is_looked_at_however_it_is_named(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    blue = png(0, 0, 255)
    file_id = neighbours.files.add_image(blue)

    for kind in ("input_image", "input_file"):
        chat.ask(looking({"type": kind, "file_id": file_id}))
        assert llm.requests()[-1]["body"]["model"] == EYES
        assert urls_in(llm.requests()[-1]["body"]["messages"][-1]) == [blue]


def test_an_image_can_be_asked_about_in_the_turns_that_follow(chat: Chat, llm: OfflineLLM) -> None:
    red = png(255, 0, 0)
    conversation = chat.ask(looking(inline(red)))["conversation"]["id"]

    models, seen = [], []
    for question in ("And how large is it?", "Is it a photograph?", "Who took it?", "What did I ask first?"):
        chat.ask(question, conversation=conversation)
        call = llm.requests()[-1]["body"]
        models.append(call["model"] == EYES)
        seen.append(urls_in(call["messages"][-1]) == [red])

    assert models == seen == [True, True, True, False]


def test_an_image_is_seen_to_the_end_of_a_long_exchange(chat: Chat, llm: OfflineLLM) -> None:
    red = png(255, 0, 0)
    asked: dict[str, Any] = {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}}
    answer = chat.ask(looking(inline(red)), **asked)

    calls = []
    for _ in range(5):
        answer = chat.ask([result(called(answer))], previous_response_id=answer["id"], **asked)
        calls.append(llm.requests()[-1]["body"])

    assert [call["model"] for call in calls] == [EYES] * 5
    assert [urls_in(call["messages"][1]) for call in calls] == [[red]] * 5


def test_documents_and_memories_leave_a_model_with_a_small_context_room(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    document = neighbours.files.add("The keeper counts ships. " * 8_000)
    conversation = chat.ask("A tale. " + "The keeper counts ships. " * 1_000)["conversation"]["id"]
    attached = {"type": "input_file", "file_id": document}

    answer = chat.ask(looking(inline(png(255, 0, 0)), attached), conversation=conversation)

    receipt = chat.http().get(f"/responses/{answer['id']}/context").json()
    call = llm.requests()[-1]["body"]
    assert call["model"] == EYES
    assert receipt["tokens"] + call["max_tokens"] < 32_768
    assert neighbours.memory.asked[-1]["token_budget"] < 8_000
    [file] = [part for part in receipt["parts"] if part["kind"] == "file"]
    assert (file["reason"], file["tokens"] > 5_000) == ("truncated", True)


def test_an_exchange_about_an_image_does_not_go_on_with_a_model_without_eyes(chat: Chat) -> None:
    choice = {"type": "function", "name": "get_weather"}
    answer = chat.ask(looking(inline(png(255, 0, 0))), tools=[WEATHER], tool_choice=choice)
    body = {
        "model": "Qwen/Qwen3-235B-A22B-Instruct-2507-tput",
        "input": [result(called(answer))],
        "previous_response_id": answer["id"],
    }

    refused = chat.http().post("/responses", json=body)

    assert (refused.status_code, refused.json()["code"]) == (400, "images_not_supported")


def test_a_deleted_image_does_not_stop_the_conversation(chat: Chat, llm: OfflineLLM, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add_image(png(0, 255, 0))
    conversation = chat.ask(looking({"type": "input_image", "file_id": file_id}))["conversation"]["id"]
    del neighbours.files.files[file_id]

    answer = chat.ask("And how large is it?", conversation=conversation)

    assert answer["status"] == "completed"
    receipt = chat.http().get(f"/responses/{answer['id']}/context").json()
    assert [part["reason"] for part in receipt["dropped"] if part["kind"] == "image"] == ["unavailable"]


def test_a_question_after_an_image_does_not_wait_for_files_to_come_back(
    chat: Chat, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    file_id = neighbours.files.add_image(png(0, 255, 0))
    conversation = chat.ask(looking({"type": "input_image", "file_id": file_id}))["conversation"]["id"]

    with neighbours.files.down():  # `file_wait_seconds` is longer than the client waits
        answer = chat.ask("And how large is it?", conversation=conversation)

    assert answer["status"] == "completed"
    assert not urls_in(llm.requests()[-1]["body"]["messages"][-1])


def test_a_receipt_names_images_by_their_hash(chat: Chat) -> None:
    answer = chat.ask(looking(inline(png(1, 2, 3))))

    receipt = chat.http().get(f"/responses/{answer['id']}/context").json()

    [url] = urls_in(receipt["messages"][-1])
    assert url.startswith("sha256:")
    assert [part["source"] for part in receipt["parts"] if part["kind"] == "image"] == ["user"]


def test_a_model_without_eyes_refuses_an_image(chat: Chat) -> None:
    body = {"model": "Qwen/Qwen3-235B-A22B-Instruct-2507-tput", "input": looking(inline(png(0, 0, 0)))}

    answer = chat.http().post("/responses", json=body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "images_not_supported"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image", "image_url": "https://example.com/cat.png"},
        {"type": "input_image", "image_url": "http://127.0.0.1:8002/internal/owners/erase"},
        {"type": "input_image", "image_url": "file:///etc/passwd"},
        {"type": "input_image"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_image", "file_id": "file_1", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_file", "file_url": "http://127.0.0.1/"},
    ],
)
def test_nothing_is_fetched_and_only_pictures_are_taken(chat: Chat, llm: OfflineLLM, part: dict[str, Any]) -> None:
    answer = chat.http().post("/responses", json={"input": looking(part)})

    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_parameter")
    assert not llm.requests()


def test_a_document_is_no_image(chat: Chat, neighbours: Neighbours) -> None:
    file_id = neighbours.files.add("words")

    answer = chat.http().post("/responses", json={"input": looking({"type": "input_image", "file_id": file_id})})

    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_parameter")


def test_one_turn_takes_only_so_many_images(chat: Chat) -> None:
    answer = chat.http().post("/responses", json={"input": looking(*[inline(png(0, 0, 0))] * 9)})

    assert (answer.status_code, answer.json()["code"]) == (400, "input_too_long")


def test_references_do_not_multiply_an_image(chat: Chat, llm: OfflineLLM) -> None:
    large = png(255, 0, 0) + "A" * 3_000_000
    brought = {"items": [{"role": "user", "content": [inline(large)]}]}
    conversation = chat.http().post("/conversations", json=brought).json()["id"]
    (item,) = chat.http().get(f"/conversations/{conversation}/items").json()["data"]
    again = [{"type": "item_reference", "id": item["id"]}] * 8 + [{"role": "user", "content": "Well?"}]

    answer = chat.http().post("/responses", json={"model": "deepthinks", "input": again})

    assert (answer.status_code, answer.json()["code"]) == (400, "input_too_long")
    assert not llm.requests()
