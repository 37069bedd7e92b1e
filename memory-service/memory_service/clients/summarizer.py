"""The model that summarises, through Together's SDK. One call, one deadline; trying again is the caller's."""

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import httpx
import together

from memory_service.settings import Settings

SCHEMA_NAME = "fold"


@dataclass(frozen=True)
class Prompt:
    """What is asked: instructions, material, and the JSON schema of the reply."""

    system: str
    user: str
    schema: dict[str, Any]


class SummarizerFailed(Exception):
    """There is no usable reply; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Reply:
    """What the model said, raw, and what it cost."""

    text: str
    model: str
    input_tokens: int | None
    output_tokens: int | None


class Summarizer:
    """`async with` closes its connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = together.AsyncTogether(
            api_key=settings.together_api_key.get_secret_value(),
            base_url=settings.together_base_url.rstrip("/").removesuffix("/v1"),
            max_retries=0,
            timeout=settings.summarizer_timeout_seconds,
        )
        self._completions = self._client.chat.completions  # loads half the SDK: now, not while questions wait

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask(self, prompt: Prompt) -> Reply:
        """The model's reply in the prompt's schema. Raises `SummarizerFailed`."""
        try:
            async with asyncio.timeout(self._settings.summarizer_timeout_seconds):
                completion = await self._complete(prompt)
        except (TimeoutError, together.APITimeoutError, httpx.TimeoutException):
            raise SummarizerFailed("model_timeout") from None
        except together.APIStatusError as error:
            raise SummarizerFailed(_refusal(error.status_code)) from None
        except (together.APIConnectionError, httpx.HTTPError):
            raise SummarizerFailed("model_unreachable") from None
        except (together.TogetherError, ValueError):  # a body that is not what it says it is
            raise SummarizerFailed("model_garbled") from None
        return _reply(completion, self._settings.summarizer_model)

    async def _complete(self, prompt: Prompt) -> Any:
        return await self._completions.create(
            model=self._settings.summarizer_model,
            messages=[{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            temperature=self._settings.summarizer_temperature,
            max_tokens=self._settings.summarizer_max_tokens,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": SCHEMA_NAME, "schema": prompt.schema},
            },
        )


def _refusal(status: int) -> str:
    if status in (401, 402, 403):
        return "model_credentials_rejected"
    if status == 429:
        return "model_rate_limited"
    return "model_unavailable" if status >= 500 else "model_refused"


def _reply(completion: Any, model: str) -> Reply:
    """The SDK does not check what it parsed, so neither is anything taken for granted here."""
    choices = getattr(completion, "choices", None)
    message = getattr(choices[0], "message", None) if choices else None
    text = getattr(message, "content", None)
    if not choices or not isinstance(text, str) or not text.strip():
        raise SummarizerFailed("model_garbled")
    if choices[0].finish_reason == "length":
        raise SummarizerFailed("model_truncated")
    usage = getattr(completion, "usage", None)
    return Reply(text, model, getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None))
