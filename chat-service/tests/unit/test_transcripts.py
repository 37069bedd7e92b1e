"""Items as messages: calls and their results belong together, or providers refuse the whole."""

from typing import Any

from chat_service.transcripts import IMAGE_TOKENS, matched, messages_of, tokens_in


def said(role: str, *texts: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text} for text in texts]}


def call(call_id: str, name: str = "weather", arguments: str = "{}") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result(call_id: str, output: str = "sunny") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def test_calls_made_together_are_one_message() -> None:
    messages = messages_of([said("user", "Both?"), call("a"), call("b"), result("a"), result("b")])

    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]
    assert [each["id"] for each in messages[1]["tool_calls"]] == ["a", "b"]


def test_words_before_a_call_stand_in_its_message() -> None:
    messages = messages_of([said("assistant", "Let me look."), call("a")])

    assert [(message["content"], len(message["tool_calls"])) for message in messages] == [("Let me look.", 1)]


def test_thoughts_are_never_sent() -> None:
    thought = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}], "summary": []}

    assert messages_of([thought, said("assistant", "Yes.")]) == [{"role": "assistant", "content": "Yes."}]


def test_a_message_of_attachments_alone_stays_and_one_of_nothing_goes() -> None:
    attached = {"type": "message", "role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}

    assert messages_of([attached, said("assistant")]) == [{"role": "user", "content": ""}]


def test_a_result_without_its_call_is_left_out() -> None:
    messages = messages_of([result("gone"), said("assistant", "It is sunny."), said("user", "Thanks.")])

    assert [message["role"] for message in matched(messages)] == ["assistant", "user"]


def test_of_results_that_are_brought_twice_the_first_is_kept() -> None:
    messages = messages_of([call("a"), call("b"), result("a", "sunny"), result("a", "rain"), result("b")])

    kept = matched(messages)

    assert [message["content"] for message in kept] == [None, "sunny", "sunny"]
    assert [message.get("tool_call_id") for message in kept] == [None, "a", "b"]


def test_calls_that_a_model_gave_the_same_id_keep_a_result_each() -> None:
    messages = messages_of([call("a"), call("a"), result("a", "sunny"), result("a", "rain")])

    assert matched(messages) == messages


def test_a_call_without_its_result_is_left_out_and_the_words_beside_it_stay() -> None:
    messages = messages_of([said("assistant", "Let me look."), call("a"), call("b"), result("b"), said("user", "Hm?")])

    kept = matched(messages)

    assert [each["id"] for each in kept[0]["tool_calls"]] == ["b"]
    assert [message["role"] for message in kept] == ["assistant", "tool", "user"]
    assert matched(messages_of([call("a"), said("user", "Hm?")])) == [{"role": "user", "content": "Hm?"}]


def test_a_result_does_not_belong_to_a_call_from_before_the_last_words() -> None:
    messages = messages_of([call("a"), result("a"), said("user", "And?"), result("a")])

    assert [message["role"] for message in matched(messages)] == ["assistant", "tool", "user"]


def test_images_and_arguments_count() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:…"}}

    assert tokens_in({"role": "user", "content": [image, {"type": "text", "text": "abcd" * 10}]}) > IMAGE_TOKENS
    assert tokens_in(messages_of([call("a", arguments="x" * 400)])[0]) >= 100
