"""The model: Together, or anything that speaks like it, through the together SDK. Every failure is one of our problems.

The SDK sends and authenticates. Its typed methods and streaming objects are passed over: they cost 0.2 ms for each
message of a call, and more than all the rest of its way for each token. Its retries and timeouts are off: ours know
about first words and about the whole call.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

import httpx
import orjson
import structlog
import together

from chassis.neighbours import certificates
from chassis.problems import Problem
from chassis.transport import Client, Transport
from chat_service.clients.model_embeddings import ModelVectors, read_vectors
from chat_service.clients.model_stream import Answer, ModelChunk, ModelUsage
from chat_service.clients.model_thoughts import Thinking
from chat_service.clients.model_troubles import problem_of_status
from chat_service.problems import (
    ModelAnswerEmpty,
    ModelAnswerGarbled,
    ModelCredentialsRejected,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    ProviderKeyRejected,
)
from chat_service.settings import Settings

__all__ = ["Model", "ModelCall", "ModelChunk", "ModelUsage"]

RETRY_PAUSE_SECONDS = 0.25
LONGEST_RETRY_PAUSE_SECONDS = 5.0
AFTER_FINISH_SECONDS = 1.0
LIST_SECONDS = 10.0
WARM_UP_SECONDS = 2.0
KEEP_CONNECTIONS_SECONDS = 60.0

Result = TypeVar("Result")
Moment = Callable[[], "asyncio.Future[bool]"]

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class ModelCall:
    """What to ask. Fields are named as Together names them; None leaves the choice to the provider.

    `thinking` is not sent: it says how the answer is to be read.
    """

    model: str
    messages: list[dict[str, Any]]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: list[str] | None = None
    seed: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: str | None = None
    thinking: Thinking = "field"

    def body(self) -> dict[str, Any]:
        """The document to send."""
        return {name: value for name, value in vars(self).items() if value is not None and name != "thinking"}


class Model:
    """`async with Model(settings) as model`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Self:
        settings = self._settings
        logging.getLogger("together").setLevel(logging.WARNING)  # below that it quotes prompts and keys
        transport = Transport(
            max_connections=settings.model_max_connections,
            keep_seconds=KEEP_CONNECTIONS_SECONDS,
            certificates=certificates(),
        )
        base_url = settings.together_base_url.rstrip("/").removesuffix("/v1")
        self._together = together.AsyncTogether(
            api_key=settings.together_api_key.get_secret_value(),
            base_url=base_url,
            max_retries=0,
            timeout=None,
            http_client=Client(transport, {"accept-encoding": "identity"}),  # streams are read as they come
        )
        self._completions_url = httpx.URL(f"{base_url}/v1/chat/completions")  # read once, not with every call
        self._post: Any = partial(self._together.post, stream=True, stream_cls=together.AsyncStream)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._together.close()

    async def stream(
        self, call: ModelCall, api_key: str | None = None, moment: Moment | None = None
    ) -> AsyncGenerator[ModelChunk]:
        """The answer piece by piece; close the iterator (`aclose`) or cancel its reader to stop the model at once.

        `api_key` is the user's own; without one the call goes by the server's. Between two looks at what has come the
        answer gathers until the `moment` that it gives, at once without. The last chunk alone has a `finish_reason`,
        and the usage if the provider told it. Raises the problems of the model, in the middle of an answer too.
        """
        settings = self._settings
        loop = asyncio.get_running_loop()
        call_ends_at = loop.time() + settings.model_call_seconds
        answer, chunks = await self._tried(call.model, partial(self._try, call, api_key))
        try:
            while chunks:
                for chunk in chunks:
                    yield chunk
                if moment:
                    await answer.gather(moment())
                silence = AFTER_FINISH_SECONDS if answer.finished else settings.model_between_chunks_seconds
                chunks = await answer.read(min(loop.time() + silence, call_ends_at))
            last = answer.last()
            if rest := answer.rest():
                yield rest
            if answer.is_empty:
                yield ModelChunk(usage=last.usage)  # nothing was said, and it is billed all the same
                raise ModelAnswerEmpty()
            yield last
        finally:
            await answer.close()

    async def embed(self, model: str, texts: list[str], api_key: str | None = None) -> ModelVectors:
        """A vector for each text. Raises the problems of the model."""
        return await self._tried(model, partial(self._try_to_embed, model, texts, api_key))

    async def models(self, api_key: str | None = None) -> list[dict[str, Any]]:
        """What the provider lists, as it lists it."""
        try:
            async with asyncio.timeout(LIST_SECONDS):
                # The SDK's own `models.list` asks another API, which wants a project.
                answer = await self._together.get("/v1/models", cast_to=httpx.Response, options=_options(api_key))
            document = orjson.loads(answer.content)
        except TimeoutError:
            raise ModelTimeout() from None
        except orjson.JSONDecodeError:
            raise ModelAnswerGarbled() from None
        except (together.APIError, httpx.HTTPError) as error:
            raise _problem_of(error, api_key) from error
        listed = document.get("data") if isinstance(document, dict) else document
        if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
            raise ModelAnswerGarbled()
        return listed

    async def check_key(self, api_key: str) -> None:
        """Raises `ProviderKeyRejected`; `ModelRateLimited` and `ModelUnavailable` when the provider does not say."""
        try:
            await self.models(api_key)
        except ProviderKeyRejected:
            raise ProviderKeyRejected(param="key") from None
        except ModelRateLimited:
            raise
        except Problem as problem:
            log.warning("provider_key_not_checked", code=problem.code)
            raise ModelUnavailable("The provider cannot be asked about the key at the moment.") from problem

    async def warm_up(self) -> None:
        """Makes the first real call as fast as any other; never fails, the provider may be down."""
        try:
            async with asyncio.timeout(WARM_UP_SECONDS):
                await self.models()
        except (TimeoutError, Problem) as error:
            log.warning("model_not_warmed_up", error=type(error).__name__)

    async def _tried(self, model: str, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """What an attempt comes to. Tries again where that is safe; all tries share one deadline."""
        tries, loop = 0, asyncio.get_running_loop()
        ends_at = loop.time() + self._settings.model_first_chunk_seconds
        try:
            async with asyncio.timeout_at(ends_at):
                while True:
                    try:
                        return await attempt()
                    except Problem as problem:
                        log.warning("model_failed", code=problem.code, model=model, tries=tries + 1)
                        pause = _pause_after(problem, tries)
                        if pause is None or tries == self._settings.model_retries or loop.time() + pause >= ends_at:
                            raise
                    tries += 1
                    await asyncio.sleep(pause)
        except TimeoutError:
            raise ModelTimeout() from None

    async def _try_to_embed(self, model: str, texts: list[str], api_key: str | None) -> ModelVectors:
        try:
            response = await self._together.post(
                "/v1/embeddings",
                cast_to=httpx.Response,
                body={"model": model, "input": texts},
                options=_options(api_key),
            )
        except (together.APIError, httpx.HTTPError) as error:
            raise _problem_of(error, api_key) from error
        except ValueError as error:  # half a surrogate pair cannot be written as JSON
            raise ModelRefused() from error
        return read_vectors(response.content, len(texts))

    async def _try(self, call: ModelCall, api_key: str | None) -> tuple[Answer, list[ModelChunk]]:
        try:
            response = await self._post(
                self._completions_url,
                cast_to=httpx.Response,
                content=orjson.dumps(call.body() | {"stream": True}),
                options=_options(api_key),
            )
        except (together.APIError, httpx.HTTPError) as error:
            raise _problem_of(error, api_key) from error
        except orjson.JSONEncodeError as error:  # half a surrogate pair, say
            raise ModelRefused() from error
        answer = Answer(response, call.thinking)
        try:
            return answer, await answer.read()
        except BaseException:
            await answer.close()
            raise


def _pause_after(problem: Problem, tries: int) -> float | None:
    """Seconds to wait before the next try, as the provider asked and a little more; None when there is to be none."""
    if not isinstance(problem, ModelUnavailable | ModelRateLimited):
        return None
    asked = float(problem.headers.get("retry-after", "0"))
    if asked > LONGEST_RETRY_PAUSE_SECONDS:
        return None
    return asked + RETRY_PAUSE_SECONDS * 2**tries * random.uniform(0.5, 1.5)


def _options(api_key: str | None) -> together.RequestOptions:
    """Of a request; `api_key` is another than the server's. What is not said here the SDK would copy for each."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return {"headers": headers, "max_retries": 0, "timeout": None}


def _problem_of(error: Exception, api_key: str | None) -> Problem:
    if not isinstance(error, together.APIStatusError):
        return ModelUnavailable()  # no connection, or it broke before there was an answer
    problem = problem_of_status(error.status_code, error.response.headers, error.body)
    if api_key and isinstance(problem, ModelCredentialsRejected):
        return ProviderKeyRejected()
    return problem
