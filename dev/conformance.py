"""Holds a running service against its own OpenAPI with schemathesis: every operation, valid and invalid requests."""

from collections.abc import Collection, Mapping
from typing import Any

import requests
import schemathesis
from fastapi import FastAPI
from schemathesis import Case, Response
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from chassis.problems import BadRequest, InvalidJson, UnknownParameter, Unprocessable

CODES_OF_VALIDATION = (BadRequest.code, InvalidJson.code, UnknownParameter.code, Unprocessable.code)
Headers = Mapping[str, str]
EXAMPLES = 15
"""Random requests an operation, on top of the deterministic ones that probe each parameter's edges."""


def published_schema(app: FastAPI, examples: int = EXAMPLES) -> BaseSchema:
    """What the app promises; `@schema.parametrize()` makes a test of each operation. The app need not run."""
    generation = {
        "max-examples": examples,
        "deterministic": True,
        "database": "none",
        "no-shrink": True,
        "allow-extra-parameters": False,  # unknown query parameters are passed over
    }
    config = SchemathesisConfig.from_dict({"generation": generation})
    return schemathesis.openapi.from_dict(app.openapi(), config=config)


class Door:
    """A running service, with request headers for each kind of caller that its routes' policies name."""

    def __init__(self, url: str, *, user: Headers, services: Mapping[str, Headers] | None = None) -> None:
        self._url = url
        self._user = user
        self._services = services or {}
        self._session = requests.Session()
        self._session.trust_env = False

    def check(self, case: Case, beyond_schema: Collection[str] = ()) -> Response:
        """Sends the request as someone the route is for, and fails unless the answer is as published.

        `beyond_schema` names fields with rules that a JSON schema cannot say.
        """
        # The probe that leaves the credential out looks for the header by this very name.
        headers = {name.title(): value for name, value in self._credential(case).items()}
        excluded: list[CheckFunction] = [positive_data_acceptance]
        if _repeats_a_parameter(case):
            excluded.append(negative_data_rejection)
        response = case.call_and_validate(
            base_url=self._url, session=self._session, headers=headers, excluded_checks=excluded
        )
        _valid_requests_are_not_called_invalid(case, response, beyond_schema)
        return response

    def _credential(self, case: Case) -> Headers:
        kind, _, details = case.operation.definition.raw["x-policy"].partition(" ")
        if kind == "user":
            return self._user
        return self._services[details.split()[0]] if kind == "service" else {}


def _repeats_a_parameter(case: Case) -> bool:
    """`?a=1&a=2` stands for a list in JSON Schema, and for the last of them where one value is meant."""
    parameters = case.operation.definition.raw.get("parameters", ())
    lists = {each["name"] for each in parameters if "items" in each.get("schema", {})}
    return any(isinstance(value, list) and name not in lists for name, value in (case.query or {}).items())


def _valid_requests_are_not_called_invalid(case: Case, response: Response, beyond_schema: Collection[str]) -> None:
    """What the schema allows may meet a refusal of the domain, with a code of its own, but no failed validation."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    param = problem["error"]["param"]
    if problem["code"] in CODES_OF_VALIDATION and param not in beyond_schema and not _is_whole_float(case.body, param):
        raise AssertionError(f"the schema allows {case.as_curl_command()}, but: {problem['detail']}")


def _is_whole_float(body: Any, param: str | None) -> bool:
    """JSON Schema takes 5.0 for an integer, and our services may not."""
    value = body
    for name in (param or "").split("."):
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name)
    return isinstance(value, float) and value.is_integer()
