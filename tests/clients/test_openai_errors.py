"""How the official SDK for Python tells its users what went wrong, and what it tries again by itself."""

import openai
import pytest

from dev.offline_llm.testing import OfflineLLM

from .somebody import Somebody

HELLO = [{"role": "user", "content": "Good morning, harbour."}]


def test_an_unknown_model_is_a_404_that_names_the_parameter(somebody: Somebody) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        somebody.sdk.chat.completions.create(model="no-such/model", messages=HELLO)

    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert "GET /v1/models" in str(refused.value)


def test_a_wrong_key_is_a_401(somebody: Somebody) -> None:
    stranger = openai.OpenAI(base_url=f"{somebody.url}/v1", api_key="sk-of-nobody")

    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.models.list()

    assert refused.value.type == "authentication_error"


def test_what_is_not_supported_is_a_400_that_names_it(somebody: Somebody) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        somebody.sdk.chat.completions.create(model="deepthinks", messages=HELLO, n=2)

    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "n")


def test_a_value_of_the_wrong_kind_is_a_422_with_a_message(somebody: Somebody) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        somebody.sdk.chat.completions.create(model="deepthinks", messages=HELLO, extra_body={"temperature": "hot"})

    assert refused.value.param == "temperature"
    assert "temperature" in str(refused.value)


def test_a_rate_limit_of_the_provider_is_a_429_that_says_when_to_come_again(
    somebody: Somebody, offline: OfflineLLM
) -> None:
    offline.fail("Good morning", status=429, retry_after=7)

    with pytest.raises(openai.RateLimitError) as refused:
        somebody.sdk.with_options(max_retries=0).chat.completions.create(model="deepthinks", messages=HELLO)

    assert refused.value.code == "model_rate_limited"
    assert refused.value.response.headers["retry-after"] == "7"


def test_a_rejected_key_of_the_server_does_not_look_like_the_users(somebody: Somebody, offline: OfflineLLM) -> None:
    offline.fail("Good morning", status=401)

    with pytest.raises(openai.InternalServerError) as refused:
        somebody.sdk.with_options(max_retries=0).chat.completions.create(model="deepthinks", messages=HELLO)

    assert (refused.value.status_code, refused.value.code) == (502, "model_credentials_rejected")


def test_what_the_sdk_tries_again_is_answered_then(somebody: Somebody, offline: OfflineLLM) -> None:
    offline.fail("My pilot", times=1, cut_after_chunks=0)  # a 502 of ours, which is not tried again on this side

    answer = somebody.sdk.chat.completions.create(
        model="deepthinks", messages=[{"role": "user", "content": "My pilot is called Ada."}]
    )

    assert "Ada" in (answer.choices[0].message.content or "")
    assert len(offline.asked("My pilot")) == 2


def test_what_asks_not_to_be_tried_again_is_not(somebody: Somebody) -> None:
    tries: list[str] = []
    sdk = somebody.sdk.with_options(http_client=openai.DefaultHttpxClient(event_hooks={"request": [tries.append]}))

    with pytest.raises(openai.BadRequestError):
        sdk.chat.completions.create(model="deepthinks", messages=HELLO, n=2)

    assert len(tries) == 1


def test_a_completion_that_fails_in_the_middle_raises_after_the_words_before_it(
    somebody: Somebody, offline: OfflineLLM
) -> None:
    offline.fail("Good morning", cut_after_chunks=4)
    words = []
    stream = somebody.sdk.chat.completions.create(model="deepthinks", messages=HELLO, stream=True)

    with pytest.raises(openai.APIError) as failed:
        words.extend(chunk.choices[0].delta.content for chunk in stream)

    assert failed.value.code == "model_answer_garbled"
    assert "".join(filter(None, words))


def test_a_response_that_fails_in_the_middle_ends_with_its_error(somebody: Somebody, offline: OfflineLLM) -> None:
    offline.fail("Good morning", cut_after_chunks=4)

    events = list(somebody.sdk.responses.create(model="deepthinks", input="Good morning, harbour.", stream=True))

    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert events[-1].response.error.code == "model_answer_garbled"
    assert any(event.type == "response.output_text.delta" for event in events)
