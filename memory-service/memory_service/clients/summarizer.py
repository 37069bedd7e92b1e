"""The model that summarises, through Together's SDK. One call, one deadline; trying again is the caller's.

The SDK sends and authenticates. Its typed methods are passed over: they cost more than all the rest of a call.
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, Self

import httpx
import together

from chassis.neighbours import certificates
from chassis.transport import Client, Transport
from memory_service.settings import Settings

KEEP_CONNECTIONS_SECONDS = 60.0
SCHEMA_NAME = "fold"
MOST_TOKENS = 10**9
"""A provider that says more of one call makes no sense."""


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
        logging.getLogger("together").setLevel(logging.WARNING)  # below that it quotes prompts and keys
        transport = Transport(
            max_connections=settings.fold_workers,
            keep_seconds=KEEP_CONNECTIONS_SECONDS,
            certificates=certificates(),
        )
        self._client = together.AsyncTogether(
            api_key=settings.together_api_key.get_secret_value(),
            base_url=settings.together_base_url.rstrip("/").removesuffix("/v1"),
            max_retries=0,
            timeout=None,
            http_client=Client(transport),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask(self, prompt: Prompt) -> Reply:
        """The model's reply in the prompt's schema. Raises `SummarizerFailed`."""
        try:
            async with asyncio.timeout(self._settings.summarizer_timeout_seconds):
                response = await self._complete(prompt)
            return _reply(json.loads(response.content), self._settings.summarizer_model)
        except TimeoutError:
            raise SummarizerFailed("model_timeout") from None
        except together.APIStatusError as error:
            raise SummarizerFailed(_refusal(error.status_code)) from None
        except (together.APIConnectionError, httpx.HTTPError):
            raise SummarizerFailed("model_unreachable") from None
        except (ValueError, LookupError, TypeError):  # not JSON, or not of the agreed shape
            raise SummarizerFailed("model_garbled") from None

    async def _complete(self, prompt: Prompt) -> httpx.Response:
        settings = self._settings
        body = {
            "model": settings.summarizer_model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            "temperature": settings.summarizer_temperature,
            "max_tokens": settings.summarizer_max_tokens,
            "response_format": {"type": "json_schema", "json_schema": {"name": SCHEMA_NAME, "schema": prompt.schema}},
        }
        return await self._client.post("/v1/chat/completions", cast_to=httpx.Response, body=body)


def _refusal(status: int) -> str:
    if status in (401, 402, 403):
        return "model_credentials_rejected"
    if status == 429:
        return "model_rate_limited"
    return "model_unavailable" if status >= 500 else "model_refused"


def _reply(completion: Any, model: str) -> Reply:
    """Raises `SummarizerFailed`; `LookupError` or `TypeError` for another shape than the agreed one."""
    choice = completion["choices"][0]
    text = choice["message"]["content"]
    if not isinstance(text, str) or not text.strip():
        raise SummarizerFailed("model_garbled")
    if choice.get("finish_reason") == "length":
        raise SummarizerFailed("model_truncated")
    usage = completion.get("usage")
    return Reply(text, model, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))


def _count(usage: Any, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and 0 <= count <= MOST_TOKENS else None
