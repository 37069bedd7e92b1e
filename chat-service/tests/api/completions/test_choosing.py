"""Which model answers a completion, and what it is asked for."""

from pathlib import Path
from typing import Any

import openai
import pytest

RED_PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
VISION = "Qwen/Qwen2.5-VL-72B-Instruct"
LOOK: Any = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What colour is this?"},
            {"type": "image_url", "image_url": {"url": RED_PIXEL}},
        ],
    }
]
HELLO: Any = [{"role": "user", "content": "Hello"}]


def test_a_mode_lets_another_model_look_at_images(chat: Any, llm: Any) -> None:
    answer = chat.sdk().chat.completions.create(model="deepthinks", messages=LOOK)

    assert llm.requests()[-1]["body"]["model"] == VISION
    assert answer.model == "deepthinks"
    assert chat.recorded[-1].model == VISION


def test_a_mode_without_images_keeps_its_model(chat: Any, llm: Any) -> None:
    chat.sdk().chat.completions.create(model="deepthinks", messages=HELLO)

    assert llm.requests()[-1]["body"]["model"] == "Qwen/Qwen3-235B-A22B-Instruct-2507-tput"


def test_a_model_without_eyes_is_not_asked_to_look(chat: Any, llm: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        chat.sdk().chat.completions.create(model="Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", messages=LOOK)

    assert (caught.value.code, caught.value.param) == ("images_not_supported", "model")
    assert llm.requests() == []


def test_a_model_for_embeddings_does_not_chat(chat: Any, llm: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        chat.sdk().chat.completions.create(model="BAAI/bge-base-en-v1.5", messages=HELLO)

    assert (caught.value.code, caught.value.param) == ("model_unsuitable", "model")
    assert llm.requests() == []


def test_what_a_model_can_say_caps_what_is_asked_for(start: Any, llm: Any, tmp_path: Path) -> None:
    model = "Qwen/Qwen3-235B-A22B-Instruct-2507-tput"
    path = tmp_path / "models.toml"
    path.write_text(f'[modes.deepthinks]\nmodel = "{model}"\n[models."{model}"]\nmax_output_tokens = 7\n')
    chat = start(models_file=path)

    chat.sdk().chat.completions.create(model="deepthinks", messages=HELLO, max_tokens=100)
    chat.sdk().chat.completions.create(model="deepthinks", messages=HELLO, max_tokens=3)

    assert [request["body"]["max_tokens"] for request in llm.requests()] == [7, 3]


@pytest.mark.parametrize("fault", [{}, {"inline_think": True}])
@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_come_apart_from_the_answer_however_the_model_gives_them(
    chat: Any, llm: Any, fault: dict[str, bool], stream: bool
) -> None:
    llm.misbehave({"fault": fault})

    thought, said = asked(chat, "deepthinks-reason", stream)

    assert thought.startswith("The question is about")
    assert said.startswith("I am Deepthinks")


def test_thoughts_without_their_first_tag_are_found_where_the_file_says_so(
    start: Any, llm: Any, tmp_path: Path
) -> None:
    model = "Qwen/Qwen3-235B-A22B-Thinking-2507"
    path = tmp_path / "models.toml"
    path.write_text(f'[modes.deepthinks]\nmodel = "{model}"\n[models."{model}"]\nthinking = "implicit"\n')
    chat = start(models_file=path)
    llm.misbehave({"fault": {"implicit_think": True}})

    thought, said = asked(chat, "deepthinks", stream=True)

    assert thought.startswith("The question is about")
    assert said.startswith("I am Deepthinks")
    assert "thinking" not in llm.requests()[-1]["body"]


def test_nothing_but_thoughts_is_no_answer(chat: Any, llm: Any) -> None:
    llm.misbehave({"fault": {"inline_think": True, "empty_answer": True}})

    with pytest.raises(openai.APIStatusError) as caught:
        chat.sdk().chat.completions.create(model="deepthinks-reason", messages=HELLO)

    assert (caught.value.status_code, caught.value.code) == (502, "model_answer_empty")
    assert (chat.recorded[-1].outcome, chat.recorded[-1].source) == ("failed", "provider")
    assert chat.recorded[-1].output_tokens > 0


def asked(chat: Any, model: str, stream: bool) -> tuple[str, str]:
    """What was thought and what was said."""
    answer = chat.sdk().chat.completions.create(model=model, messages=HELLO, stream=stream)
    if not stream:
        message = answer.choices[0].message
        return message.reasoning, message.content
    deltas = [chunk.choices[0].delta for chunk in answer]
    thoughts = [getattr(delta, "reasoning", None) or "" for delta in deltas]
    return "".join(thoughts), "".join(delta.content or "" for delta in deltas)
