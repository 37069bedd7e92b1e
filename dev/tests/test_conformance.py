"""Services that do not keep their OpenAPI are found out."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from hypothesis import given, settings
from pydantic import BaseModel
from schemathesis.core.failures import FailureGroup

import chassis.app
from chassis.policies import Public
from chassis.problems import Unprocessable
from chassis.settings import ServiceSettings
from chassis.testing import serve
from dev.conformance import Door, published_schema

Check = Callable[..., None]


class Kettle(BaseModel):
    litres: float


router = APIRouter(dependencies=[Depends(Public())])


@router.get("/honest")
async def honest(litres: Annotated[float, Query(ge=0, le=3)]) -> Kettle:
    return Kettle(litres=litres)


@router.get("/broken")
async def broken() -> Kettle:
    raise ValueError("a bug")


@router.get("/fussy")
async def fussy(litres: Annotated[int, Query(ge=0, le=3)]) -> Kettle:
    raise Unprocessable("No kettle is that small.", param="litres")


@router.get("/lying", response_model=None, responses={200: {"model": Kettle}})
async def lying() -> dict[str, Any]:
    return {"liters": 1.7}


def kitchen() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    return chassis.app.create_app("kitchen", ServiceSettings(), routers=[router], lifespan=lifespan)


@pytest.fixture(scope="module")
def check() -> Iterator[Check]:
    """Sends valid requests to a path of the kitchen."""
    app = kitchen()
    schema = published_schema(app)
    with serve(app) as url:
        door = Door(url, user={})

        def send(path: str, **options: Any) -> None:
            @settings(max_examples=3, deadline=None, database=None)
            @given(case=schema[path]["GET"].as_strategy())
            def every(case: Any) -> None:
                door.check(case, **options)

            every()

        yield send


def test_a_service_that_does_what_it_publishes_passes(check: Check) -> None:
    check("/honest")


def test_an_answer_that_crashes_is_found(check: Check) -> None:
    with pytest.raises(FailureGroup, match="Server error"):
        check("/broken")


def test_an_answer_of_another_shape_is_found(check: Check) -> None:
    with pytest.raises(FailureGroup, match="litres"):
        check("/lying")


def test_a_request_that_the_schema_allows_and_the_service_calls_invalid_is_found(check: Check) -> None:
    with pytest.raises(AssertionError, match="No kettle is that small"):
        check("/fussy")


def test_a_rule_that_a_schema_cannot_say_is_let_pass_when_named(check: Check) -> None:
    check("/fussy", beyond_schema=("litres",))
