"""The server's own door, /_offline: faults to order, requests to look at."""

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.offline_llm.errors import InvalidRequest
from dev.offline_llm.faults import Rule, Rules
from dev.offline_llm.recording import Recording

_RULES = TypeAdapter(list[Rule])


def control_routes(rules: Rules, recording: Recording) -> list[Route]:
    """Routes over the rules and the recording of one server."""

    async def add_faults(request: Request) -> Response:
        try:
            rules.rules.extend(_RULES.validate_json(await request.body()))
        except ValidationError as error:
            raise InvalidRequest(str(error)) from None
        return _listed_rules()

    async def list_faults(request: Request) -> Response:
        return _listed_rules()

    async def clear_faults(request: Request) -> Response:
        rules.drop()
        return Response(status_code=204)

    async def list_requests(request: Request) -> Response:
        after, limit = (_number(request, name, default) for name, default in (("after", 0), ("limit", 100)))
        listed = [exchange.as_listed() for exchange in recording.after(after, limit)]
        return JSONResponse({"object": "list", "data": listed, "open_streams": recording.open_streams})

    async def clear_requests(request: Request) -> Response:
        recording.clear()
        return Response(status_code=204)

    def _listed_rules() -> Response:
        return JSONResponse(
            {"object": "list", "data": [rule.model_dump(exclude_defaults=True) for rule in rules.rules]}
        )

    return [
        Route("/_offline/faults", add_faults, methods=["POST"]),
        Route("/_offline/faults", list_faults, methods=["GET"]),
        Route("/_offline/faults", clear_faults, methods=["DELETE"]),
        Route("/_offline/requests", list_requests, methods=["GET"]),
        Route("/_offline/requests", clear_requests, methods=["DELETE"]),
    ]


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        raise InvalidRequest(f"{name} must be a whole number.", name)
    return int(text)
