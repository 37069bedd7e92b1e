"""From a chat request to a finished completion: what is said, why it ends, what it costs. No HTTP, no clock."""

from dataclasses import dataclass, replace
from typing import Any

import orjson

from dev.offline_llm import answering, tokens
from dev.offline_llm.errors import ContextTooLong, InvalidRequest, UnknownModel
from dev.offline_llm.faults import Fault
from dev.offline_llm.folding import asks_for_a_fold, fold
from dev.offline_llm.language import content_stems, squeezed
from dev.offline_llm.models import BY_ID, Model
from dev.offline_llm.passages import SYSTEM, Material, read
from dev.offline_llm.schema_filling import Schema, Source, filled
from dev.offline_llm.seeing import Picture, look
from dev.offline_llm.tool_calling import tool_call
from dev.offline_llm.wire import ChatRequest

GREETING = "Hello! How can I help you today?"


@dataclass(frozen=True)
class Completion:
    """A finished answer as tokens; a tool call has no content."""

    reasoning: list[str]
    content: list[str]
    tool_call: dict[str, Any] | None
    finish_reason: str
    prompt_tokens: int

    @property
    def length(self) -> int:
        """How many tokens were generated."""
        called = tokens.pieces(self.tool_call["function"]["arguments"]) if self.tool_call else []
        return len(self.reasoning) + len(self.content) + len(called)

    def usage(self) -> dict[str, int]:
        """Together's usage object."""
        total = self.prompt_tokens + self.length
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.length, "total_tokens": total}


def chat_model(name: str) -> Model:
    """The model of that name, if it can chat."""
    model = BY_ID.get(name)
    if model is None or model.type != "chat":
        raise UnknownModel(f"Unable to access model {name}. It does not exist or is not a chat model.", "model")
    return model


def complete(request: ChatRequest, fault: Fault) -> Completion:
    """Reads the messages, answers, and ends where max_tokens, stop or a fault says."""
    model = chat_model(request.model)
    if (request.n or 1) > 1:
        raise InvalidRequest("n must be 1.", "n")
    pictures = _look_at(request, model)
    prompt = round(_prompt_tokens(request, pictures) * fault.prompt_tokens_times)
    most = _room(request, fault.context_length or model.context_length, prompt)
    material = read(request.messages)
    call = tool_call(request, material.question)
    reasoning = _thoughts(material) if model.reasons and not request.wants_json else ""
    content = "" if call else _damaged(_content(request, material, pictures), fault, request.wants_json)
    if reasoning and (fault.inline_think or fault.implicit_think):
        opening = "" if fault.implicit_think else "<think>\n"
        reasoning, content = "", f"{opening}{reasoning}\n</think>\n\n{content}"
    content, stopped = _until(content, request.stops)
    return _limited(reasoning, content, call, most, prompt, "stop" if stopped else fault.finish_reason or "stop")


def _limited(
    reasoning: str, content: str, call: dict[str, Any] | None, most: int, prompt: int, reason: str
) -> Completion:
    """Cut to the number of tokens allowed; thinking counts."""
    if call:
        return Completion(tokens.pieces(reasoning)[:most], [], call, "tool_calls", prompt)
    thought, said = tokens.pieces(reasoning), tokens.pieces(content)
    if len(thought) + len(said) > most:
        reason = "length"
    return Completion(thought[:most], said[: max(0, most - len(thought))], None, reason, prompt)


def _content(request: ChatRequest, material: Material, pictures: list[Picture]) -> str:
    wanted = request.response_format
    if wanted and wanted.type == "json_schema":
        if wanted.json_schema is None:
            raise InvalidRequest("response_format.json_schema is required.", "response_format")
        return orjson.dumps(_in_schema(wanted.json_schema.name, wanted.json_schema.schema_, request, material)).decode()
    if wanted and wanted.type == "json_object":
        said = "\n".join(passage.quoted for passage in answering.relevant(material))
        return orjson.dumps({"answer": said or answering.NOTHING_FOUND}).decode()
    return _with_pictures(answering.answer(material), pictures)


def _in_schema(name: str, schema: Schema, request: ChatRequest, material: Material) -> Any:
    if asks_for_a_fold(name, schema):
        return fold(schema, request.question)
    # a system message asks for the form of a JSON answer, and says nothing that could stand in one
    told = replace(material, passages=[passage for passage in material.passages if passage.source != SYSTEM])
    texts = [passage.quoted for passage in answering.relevant(told)]
    return filled(schema, Source(texts or [answering.NOTHING_FOUND], material.question), "response_format")


def _with_pictures(text: str, pictures: list[Picture]) -> str:
    """What is seen comes first, and is an answer by itself."""
    if not pictures:
        return text
    seen = "\n".join(picture.described() for picture in pictures)
    if text.endswith(answering.NOTHING_FOUND):
        return text.removesuffix(answering.NOTHING_FOUND) + seen
    return f"{seen}\n{text}"


def _look_at(request: ChatRequest, model: Model) -> list[Picture]:
    """The images of the last user message; earlier ones were spoken about already."""
    last = next((message for message in reversed(request.messages) if message.role == "user"), None)
    urls = last.image_urls if last else []
    if urls and not model.vision:
        raise InvalidRequest(f"Model {model.id} does not take images.", "messages")
    return [look(url) for url in urls]


def _prompt_tokens(request: ChatRequest, pictures: list[Picture]) -> int:
    said = sum(tokens.count_message(message.text) for message in request.messages)
    seen = sum(tokens.count_image(picture.width, picture.height) for picture in pictures)
    offered = sum(tokens.count(tool.model_dump_json()) for tool in request.tools)
    return said + seen + offered


def _room(request: ChatRequest, window: int, prompt: int) -> int:
    """How many tokens may be generated."""
    left = window - prompt
    asked = request.most_tokens
    if left >= 1 and (asked is None or asked <= left or request.context_length_exceeded_behavior == "truncate"):
        return min(asked or left, left)
    raise ContextTooLong(
        f"`inputs` tokens + `max_new_tokens` must be <= {window}. "
        f"Given: {prompt} `inputs` tokens and {asked or 1} `max_new_tokens`",
        "max_tokens",
    )


def _thoughts(material: Material) -> str:
    """Deterministic thinking: what is looked for, where, and what is nearest."""
    found = answering.relevant(material)
    sought = ", ".join(dict.fromkeys(content_stems(material.question))) or "nothing in particular"
    nearest = f'The nearest says: "{squeezed(found[0].text)[:200]}"' if found else "None of them bears on it."
    return f"The question is about: {sought}. There are {len(material.passages)} passages to look through. {nearest}"


def _until(content: str, stops: list[str]) -> tuple[str, bool]:
    """The content before the first stop text, and whether there was one."""
    ends = [content.find(stop) for stop in stops if stop in content]
    return (content[: min(ends)], True) if ends else (content, False)


def _damaged(content: str, fault: Fault, is_json: bool) -> str:
    """The content as the fault wants it."""
    if fault.content is not None:
        return fault.content
    if fault.empty_answer:
        return ""
    match fault.bad_json if is_json else None:
        case "invalid":
            return "{'summary': not json, " + content[:20]
        case "truncated":
            return content[: len(content) // 2]
        case "wrong_fields":
            return '{"title":"Something else","items":[1,2,3]}'
        case "empty":
            return ""
        case "greeting":
            return GREETING
        case "greeting_values":
            return orjson.dumps(_greeted(orjson.loads(content))).decode()
    return content


def _greeted(value: Any) -> Any:
    """The same shape, with a greeting wherever a text was: true to the schema, and about nothing."""
    if isinstance(value, dict):
        return {name: _greeted(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_greeted(inner) for inner in value]
    return GREETING if isinstance(value, str) else value
