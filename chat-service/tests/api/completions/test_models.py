"""The list of models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from dev.offline_llm.models import CATALOGUE

INSTRUCT = "Qwen/Qwen3-235B-A22B-Instruct-2507-tput"
ONE_MODE = f"""
[modes.deepthinks]
model = "{INSTRUCT}"
[models."{INSTRUCT}"]
"""
HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def models_file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "models.toml"
        path.write_text(text)
        return path

    return write


def test_modes_come_first_then_the_models_they_are_made_of(chat: Any, llm: Any) -> None:
    listed = list(chat.sdk().models.list())

    assert [(model.id, model.object, model.owned_by) for model in listed] == [
        ("deepthinks", "model", "deepthinks"),
        ("deepthinks-reason", "model", "deepthinks"),
        ("deepthinks-code", "model", "deepthinks"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-tput", "model", "Qwen"),
        ("Qwen/Qwen3-235B-A22B-Thinking-2507", "model", "Qwen"),
        ("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", "model", "Qwen"),
        ("Qwen/Qwen2.5-VL-72B-Instruct", "model", "Qwen"),
        ("BAAI/bge-base-en-v1.5", "model", "BAAI"),
    ]
    assert all(isinstance(model.created, int) for model in listed)
    assert llm.requests() == []


def test_an_entry_says_what_a_model_can_and_what_it_costs(chat: Any) -> None:
    with chat.http() as http:
        mode = http.get("/v1/models/deepthinks").json()
        vision = http.get("/v1/models/Qwen/Qwen2.5-VL-72B-Instruct").json()
        coder = http.get("/v1/models/Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8").json()
        embedding = http.get("/v1/models/BAAI/bge-base-en-v1.5").json()

    assert mode["vision"] is True  # by another model
    assert (mode["type"], mode["context_window"]) == ("chat", 262_144)
    assert mode["price"] == {"input": 0.2, "output": 0.6, "cached_input": None}
    assert (vision["vision"], coder["vision"]) == (True, False)
    assert (embedding["type"], embedding["context_window"]) == ("embedding", 512)


def test_a_model_that_is_only_allowed_by_name_says_that_nothing_is_known(
    start: Any, models_file: Callable[[str], Path]
) -> None:
    chat = start(models_file=models_file('allow = ["other/model"]' + ONE_MODE))

    with chat.http() as http:
        entry = http.get("/v1/models/other/model").json()

    assert entry["owned_by"] == "other"
    assert [entry[name] for name in ("type", "context_window", "vision", "price")] == [None] * 4


def test_one_model_is_found_under_a_name_with_slashes(chat: Any) -> None:
    model = chat.sdk().models.retrieve("Qwen/Qwen2.5-VL-72B-Instruct")

    assert (model.id, model.owned_by) == ("Qwen/Qwen2.5-VL-72B-Instruct", "Qwen")


def test_a_model_that_is_not_offered_is_not_found(chat: Any) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        chat.sdk().models.retrieve("gpt-5")

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_star_offers_what_the_provider_lists_for_chat_and_embeddings(
    start: Any, models_file: Callable[[str], Path]
) -> None:
    chat = start(models_file=models_file('allow = ["*"]' + ONE_MODE))

    listed = {model.id: model for model in chat.sdk().models.list()}

    assert set(listed) == {"deepthinks", *(model.id for model in CATALOGUE)}
    theirs = listed["Qwen/Qwen3-235B-A22B-Thinking-2507"].to_dict()
    assert (theirs["context_window"], theirs["price"]) == (
        262_144,
        {"input": 0.65, "output": 3.0, "cached_input": None},
    )


def test_a_star_lets_any_model_be_asked_and_the_provider_says_whether_it_has_it(
    start: Any, models_file: Callable[[str], Path]
) -> None:
    chat = start(models_file=models_file('allow = ["*"]' + ONE_MODE))

    answer = chat.sdk().chat.completions.create(model="meta-llama/Llama-3.3-70B-Instruct-Turbo-Free", messages=HELLO)

    assert answer.choices[0].message.content
    with pytest.raises(openai.NotFoundError):
        chat.sdk().chat.completions.create(model="no/such-model", messages=HELLO)


def test_the_list_is_there_while_the_provider_is_down(start: Any, llm: Any, models_file: Callable[[str], Path]) -> None:
    chat = start(models_file=models_file('allow = ["*", "some/model"]' + ONE_MODE))
    llm.misbehave({"fault": {"status": 500}})

    listed = [model.id for model in chat.sdk().models.list()]

    assert listed == ["deepthinks", INSTRUCT, "some/model"]


def test_the_list_is_for_those_who_are_signed_in(chat: Any) -> None:
    sdk = openai.OpenAI(base_url=f"{chat.url}/v1", api_key="not-a-token", max_retries=0)

    with pytest.raises(openai.AuthenticationError):
        sdk.models.list()
