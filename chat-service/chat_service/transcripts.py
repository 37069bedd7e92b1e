"""Items as messages for the model: what was said, called and returned; never what was thought."""

from collections import Counter
from typing import Any

from chassis.tokens import estimate_tokens, shortened
from chat_service.inputs import texts_of
from chat_service.stores.items import Item

IMAGE_TOKENS = 1_200
"""What an image counts for in budgets and estimates; providers count by its size."""

Message = dict[str, Any]


def messages_of(items: list[Item]) -> list[Message]:
    """The messages, without images; calls made together are one message.

    A message without words is left out, unless it is the user's and something is attached to it.
    """
    messages: list[Message] = []
    for item in items:
        match item["type"]:
            case "message":
                texts = texts_of(item)
                if texts or (item["role"] == "user" and item["content"]):
                    role = "system" if item["role"] == "developer" else item["role"]
                    messages.append({"role": role, "content": "\n\n".join(texts)})
            case "function_call":
                _add_call(messages, item)
            case "function_call_output":
                returned = {"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]}
                messages.append(returned)
    return messages


def _add_call(messages: list[Message], item: Item) -> None:
    called = {"name": item["name"], "arguments": item["arguments"]}
    call = {"id": item["call_id"], "type": "function", "function": called}
    if messages and messages[-1]["role"] == "assistant":
        messages[-1].setdefault("tool_calls", []).append(call)
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def matched(messages: list[Message]) -> list[Message]:
    """Without results whose call is not there or has one already, and calls without one: providers refuse those."""
    kept: list[Message] = []
    for position, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] in _calls_open(kept):
                kept.append(message)
        elif calls := message.get("tool_calls"):
            returned = _results_after(messages, position)
            answered = [call for call in calls if call["id"] in returned]
            plain = {name: value for name, value in message.items() if name != "tool_calls"}
            if answered:
                kept.append({**plain, "tool_calls": answered})
            elif plain["content"]:
                kept.append(plain)
        else:
            kept.append(message)
    return kept


def _calls_open(messages: list[Message]) -> Counter[str]:
    """Ids of the calls at the end of the messages whose results are still to come; some models use one id twice."""
    returned: Counter[str] = Counter()
    for message in reversed(messages):
        if message["role"] != "tool":
            return Counter(call["id"] for call in message.get("tool_calls", ())) - returned
        returned[message["tool_call_id"]] += 1
    return Counter()


def _results_after(messages: list[Message], position: int) -> set[str]:
    returned: set[str] = set()
    for message in messages[position + 1 :]:
        if message["role"] != "tool":
            break
        returned.add(message["tool_call_id"])
    return returned


def cut(messages: list[Message], room: int) -> list[Message]:
    """The messages, plain text, within about so many tokens: what short ones leave of their share is for long ones."""
    kept = [dict(message) for message in messages]
    for position, message in enumerate(sorted(kept, key=tokens_in)):
        if message["content"]:
            message["content"] = shortened(message["content"], room // (len(kept) - position))
        room = max(0, room - tokens_in(message))
    return kept


def tokens_in(message: Message) -> int:
    """About how many tokens a message is."""
    content = message.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    said = sum(estimate_tokens(part["text"]) if part["type"] == "text" else IMAGE_TOKENS for part in parts)
    called = [call["function"] for call in message.get("tool_calls", ())]
    return said + sum(estimate_tokens(each["name"] + each["arguments"]) for each in called)
