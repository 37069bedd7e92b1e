"""Decides whether a question is one for a tool, and writes the call."""

from typing import Any

import orjson

from dev.offline_llm.errors import InvalidRequest
from dev.offline_llm.language import content_stems
from dev.offline_llm.schema_filling import Source, filled
from dev.offline_llm.wire import ChatRequest, Function, NamedTool


def tool_call(request: ChatRequest, question: str) -> dict[str, Any] | None:
    """The call to make instead of answering: one at most, and none once the last message brings a tool's result."""
    function = _chosen(request, question)
    if function is None:
        return None
    arguments = filled(function.parameters, Source([question], question), "tools")
    return {
        "index": 0,
        "id": f"call_{len(request.messages):04d}_{function.name}",
        "type": "function",
        "function": {"name": function.name, "arguments": orjson.dumps(arguments).decode()},
    }


def _chosen(request: ChatRequest, question: str) -> Function | None:
    functions = [tool.function for tool in request.tools]
    choice = request.tool_choice or "auto"
    if isinstance(choice, NamedTool):
        named = next((each for each in functions if each.name == choice.function.name), None)
        if named is None:
            raise InvalidRequest(f"tool_choice names no tool: {choice.function.name}", "tool_choice")
        return named
    if not functions or choice == "none" or (choice == "auto" and request.messages[-1].role == "tool"):
        return None
    best = max(functions, key=lambda each: _bearing(each, question))
    return best if choice == "required" or _bearing(best, question) else None


def _bearing(function: Function, question: str) -> int:
    """How many of the question's words its name, its description and its parameters' names share."""
    parameters = " ".join(function.parameters.get("properties", {}))
    told = f"{function.name} {function.description or ''} {parameters}".replace("_", " ")
    return len(set(content_stems(told)) & set(content_stems(question)))
