"""The app factory: what makes a FastAPI application one of our services."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from chassis import problems
from chassis.openapi import publish_openapi
from chassis.policies import Public, refuse_undeclared_routes, routes_of
from chassis.problems import Problem
from chassis.requests import BodyLimit, RequestContext, problem_response
from chassis.settings import ServiceSettings

log = structlog.get_logger()

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
ReadyCheck = Callable[[], Awaitable[bool]]

HTTP_PROBLEMS: dict[int, type[Problem]] = {
    400: problems.BadRequest,
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    413: problems.PayloadTooLarge,
}


class Health(BaseModel):
    status: str


def create_app(
    name: str,
    settings: ServiceSettings,
    *,
    routers: Sequence[APIRouter],
    lifespan: Lifespan,
    version: str = "0.1.0",
    quiet: tuple[str, ...] = (),
) -> FastAPI:
    """An application with liveness, readiness, request ids, problems and a declared policy on every route.

    Of routes that begin as one of `quiet` only failures are logged.

    Readiness is 503 until `app.state.ready` (an async callable, set by the lifespan) answers true.
    Raises `UndeclaredPolicy` when a route does not say who may call it.
    """
    app = FastAPI(
        title=f"Deepthinks {name}",
        version=version,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # FastAPI's own asks for it at every request
    )
    app.state.ready = None
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(RequestContext, quiet=quiet)
    _answer_problems(app)
    for router in (*routers, _health_routes()):
        app.router.routes.extend(router.routes)  # included routers are matched twice with every request
    refuse_undeclared_routes(app)
    publish_openapi(app)
    return app


def _health_routes() -> APIRouter:
    router = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(Public())], include_in_schema=False)

    @router.get("/live")
    async def live() -> Health:
        return Health(status="ok")

    @router.get("/ready")
    async def ready(request: Request) -> Health:
        check: ReadyCheck | None = request.app.state.ready
        if check is None or not await check():
            raise problems.Unavailable("Not ready yet.")
        return Health(status="ok")

    return router


def _answer_problems(app: FastAPI) -> None:
    async def on_problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        if error.status >= 500:
            log.warning("refused", code=error.code, status=error.status)
        return problem_response(error)

    async def on_invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem_response(_validation_problem(error.errors(), error.body))

    async def on_http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        problem = HTTP_PROBLEMS.get(error.status_code, problems.BadRequest)()
        problem.headers = dict(error.headers or {})
        if error.status_code == problems.MethodNotAllowed.status:
            problem.headers = {"allow": ", ".join(_methods_at(request))}
        return problem_response(problem)

    async def on_lone_surrogate(_: Request, __: Exception) -> JSONResponse:
        # JSON can spell half a character (\ud800); it ends wherever the text has to become bytes, with nothing stored.
        return problem_response(problems.Unprocessable("The request holds text that is not valid Unicode."))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(UnicodeEncodeError, on_lone_surrogate)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)


def _methods_at(request: Request) -> list[str]:
    """What the path takes; Starlette itself names only the methods of the first route that has it."""
    matching = (route for route in routes_of(request.app) if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in route.methods})


def _validation_problem(errors: Sequence[Any], body: object) -> Problem:
    """The first of pydantic's errors as a problem; the value itself is never repeated."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return problems.InvalidJson()
    if first["loc"] == ("body",) and (first["type"] == "missing" or isinstance(body, bytes)):
        return problems.Unprocessable("This route takes JSON: send a body, and `content-type: application/json`.")
    param = _param(first, body)
    if first["type"] == "extra_forbidden":
        return problems.UnknownParameter(f"Unknown field: {param}.", param=param)
    message = first["msg"].removeprefix("Value error, ")
    return problems.Unprocessable(f"{param}: {message}." if param else f"{message}.", param=param)


def _param(error: Any, body: object) -> str | None:
    """Where the error is, as the caller wrote it."""
    source, *parts = error["loc"]
    if source == "body":
        missing = parts[-1:] if error["type"] == "missing" else []
        parts = [*_found(parts[: len(parts) - len(missing)], body), *missing]
    return ".".join(str(part) for part in parts) or None


def _found(parts: list[Any], body: Any) -> list[Any]:
    """The parts that lead through the body; pydantic also says which kind of a union it took a value for."""
    if not parts:
        return []
    part, *rest = parts
    without = _found(rest, body)
    if (isinstance(body, dict) and part in body) or (isinstance(body, list) and isinstance(part, int)):
        return max(without, [part, *_found(rest, body[part])], key=len)
    return without
