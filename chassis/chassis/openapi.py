"""The published OpenAPI says what is true: problems instead of FastAPI's own 422, and each route's policy."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from chassis.policies import policy_of, routes_of
from chassis.problems import PROBLEM_JSON, ProblemDocument

BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
REFUSAL = {
    "description": "Refused: an RFC 9457 problem with OpenAI's `error` member.",
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
}


def publish_openapi(app: FastAPI) -> None:
    """Replaces `app.openapi` by one that documents refusals and policies as they are."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["ProblemDocument"] = problem
    document["components"]["securitySchemes"] = {"bearer": BEARER}
    for route in routes_of(app):
        if route.include_in_schema:
            for method in route.methods or ():
                _correct(document["paths"][route.path_format][method.lower()], policy_of(route))
    return document


def _correct(operation: dict[str, Any], policy: Any) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = REFUSAL
    operation["x-policy"] = policy.describe()
    if policy.needs_credential:
        operation["security"] = [{"bearer": []}]
