"""The list of models."""

from typing import Any

import openai
import pytest

from dev.offline_llm.models import CATALOGUE


def test_modes_come_first_then_the_models_that_are_allowed(start: Any, llm: Any) -> None:
    chat = start(allowed_models="some/model, other/model")

    listed = list(chat.sdk().models.list())

    assert [(model.id, model.object, model.owned_by) for model in listed] == [
        ("deepthinks", "model", "deepthinks"),
        ("some/model", "model", "some"),
        ("other/model", "model", "other"),
    ]
    assert all(isinstance(model.created, int) for model in listed)
    assert llm.requests() == []


def test_the_allowed_models_may_be_a_json_list(start: Any) -> None:
    chat = start(allowed_models='["some/model"]')

    assert [model.id for model in chat.sdk().models.list()] == ["deepthinks", "some/model"]


def test_one_model_is_found_under_a_name_with_slashes(chat: Any) -> None:
    model = chat.sdk().models.retrieve("Qwen/Qwen2.5-VL-72B-Instruct")

    assert (model.id, model.owned_by) == ("Qwen/Qwen2.5-VL-72B-Instruct", "Qwen")


def test_a_model_that_is_not_offered_is_not_found(chat: Any) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        chat.sdk().models.retrieve("gpt-5")

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_star_offers_what_the_provider_lists_for_chat(start: Any) -> None:
    chat = start(allowed_models="*")

    listed = [model.id for model in chat.sdk().models.list()]

    assert listed == ["deepthinks", *(model.id for model in CATALOGUE if model.type == "chat")]


def test_a_star_lets_any_model_be_asked_and_the_provider_says_whether_it_has_it(start: Any) -> None:
    chat = start(allowed_models="*")
    hello: Any = [{"role": "user", "content": "Hello"}]

    answer = chat.sdk().chat.completions.create(model="meta-llama/Llama-3.3-70B-Instruct-Turbo-Free", messages=hello)

    assert answer.choices[0].message.content
    with pytest.raises(openai.NotFoundError):
        chat.sdk().chat.completions.create(model="no/such-model", messages=hello)


def test_the_list_is_there_while_the_provider_is_down(start: Any, llm: Any) -> None:
    chat = start(allowed_models="*,some/model")
    llm.misbehave({"fault": {"status": 500}})

    listed = [model.id for model in chat.sdk().models.list()]

    assert listed == ["deepthinks", "some/model"]


def test_the_list_is_for_those_who_are_signed_in(chat: Any) -> None:
    sdk = openai.OpenAI(base_url=f"{chat.url}/v1", api_key="not-a-token", max_retries=0)

    with pytest.raises(openai.AuthenticationError):
        sdk.models.list()
