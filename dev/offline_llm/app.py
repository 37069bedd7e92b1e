"""The server put together: Together's three paths, health, and the control door."""

import asyncio
import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.offline_llm import tokens
from dev.offline_llm.completing import complete
from dev.offline_llm.control import control_routes
from dev.offline_llm.embedding import embed
from dev.offline_llm.errors import ApiError, InvalidKey, InvalidRequest, UnknownModel, error_body
from dev.offline_llm.faults import Fault, Rules
from dev.offline_llm.models import BY_ID, CATALOGUE
from dev.offline_llm.recording import Recording, bearer_key, document
from dev.offline_llm.settings import Settings
from dev.offline_llm.staging import Stage
from dev.offline_llm.streaming import Framing, Pace, PacedStream, PacedWhole
from dev.offline_llm.wire import Body, ChatRequest, EmbeddingRequest, parsed

_LARGE = 20_000  # bytes of request from which answering goes to a thread, so that other streams keep their pace


def create_app(settings: Settings) -> Starlette:
    """An application with its own rules and its own recording."""
    rules = Rules()
    recording = Recording(settings.recorded_requests, settings.recorded_bytes)

    async def chat_completions(request: Request) -> Response:
        chat = await _body(request, ChatRequest)
        fault = _with_defaults(request.state.fault, settings)
        if len(request.state.exchange.body) > _LARGE:
            completion = await asyncio.to_thread(complete, chat, fault)
        else:
            completion = complete(chat, fault)
        framing = Framing(
            id=f"offline-{request.state.exchange.id}",
            model=chat.model,
            created=int(time.time()),
            usage_on_its_own=bool(chat.stream_options and chat.stream_options.include_usage),
            without_usage=fault.omit_usage,
        )
        pace = Pace(fault.before_first_token_seconds, fault.tokens_per_second or 0)
        return (PacedStream if chat.stream else PacedWhole)(completion, framing, pace)

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat_completions, methods=["POST"]),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
            Route("/v1/models", list_models, methods=["GET"]),
            Route("/health/live", healthy, methods=["GET"]),
            Route("/health/ready", healthy, methods=["GET"]),
            *control_routes(rules, recording),
        ],
        middleware=[Middleware(Stage, rules=rules, recording=recording)],
        exception_handlers={ApiError: _refused, HTTPException: _not_served},
    )


async def embeddings(request: Request) -> Response:
    """One unit vector per text."""
    body = await _body(request, EmbeddingRequest)
    model = BY_ID.get(body.model)
    if model is None or model.type != "embedding":
        raise UnknownModel(f"Unable to access model {body.model}. It is not an embedding model.", "model")
    data = [{"object": "embedding", "index": i, "embedding": embed(text)} for i, text in enumerate(body.texts)]
    counted = sum(map(tokens.count, body.texts))
    usage = None if request.state.fault.omit_usage else {"prompt_tokens": counted, "total_tokens": counted}
    return JSONResponse({"object": "list", "model": body.model, "data": data, "usage": usage})


async def list_models(request: Request) -> Response:
    """A bare array, as Together sends it."""
    _authorise(request)
    return JSONResponse([model.as_listed() for model in CATALOGUE])


async def healthy(request: Request) -> Response:
    """There is nothing to wait for."""
    return JSONResponse({"status": "ok"})


async def _body(request: Request, kind: type[Body]) -> Body:
    """The request's document, once its key is accepted."""
    _authorise(request)
    body = document(await request.body())
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return parsed(kind, body)


def _authorise(request: Request) -> None:
    """Any key will do, except none and those that start with "bad"."""
    key = bearer_key(request.headers)
    if not key or key.startswith("bad"):
        raise InvalidKey("Invalid API key provided.")


def _with_defaults(fault: Fault, settings: Settings) -> Fault:
    """What the fault leaves open is as the server is set."""
    pace = fault.tokens_per_second
    return fault.model_copy(
        update={
            "tokens_per_second": settings.tokens_per_second if pace is None else pace,
            "finish_reason": fault.finish_reason or settings.finish_reason,
            "inline_think": fault.inline_think or settings.inline_think,
        }
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body(), error.status)


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    body = error_body(
        f"{request.method} {request.url.path}: {error.detail}", "invalid_request_error", None, "not_found"
    )
    return JSONResponse(body, error.status_code)
