"""What is written down is true: settings, problem codes, policies."""

import inspect
import json
from collections.abc import Iterator
from inspect import iscoroutinefunction, isfunction
from typing import Any

import pytest
from dotenv import dotenv_values
from fastapi.dependencies.models import Dependant
from pydantic import SecretStr

from chassis import database, identity, inbox, neighbours, owners, problems
from chassis.policies import policy_of, routes_of
from chassis.problems import Problem
from dev.stack import EACH_SERVICES_OWN

from .house import HOUSES, ROOT, House

NOT_FOR_OPERATORS = {"SERVICE_HOST", "SERVICE_PORT", "SERVICE_DATA"}  # set by whoever starts the process


def calls_of(dependant: Dependant) -> Iterator[Any]:
    """The function of a route, and all it depends on."""
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)


def codes(module: object) -> set[str]:
    classes = [value for _, value in inspect.getmembers(module, inspect.isclass) if issubclass(value, Problem)]
    return {value.code for value in classes}


def documented_settings() -> set[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {line.lstrip("# ").split("=")[0] for line in lines if "=" in line}


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_every_setting_is_in_the_example(house: House) -> None:
    names = {name.upper() for name in house.settings.model_fields} - NOT_FOR_OPERATORS - EACH_SERVICES_OWN

    assert names - documented_settings() == set()


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_every_setting_of_a_service_is_in_its_readme(house: House) -> None:
    readme = (house.folder / "README.md").read_text()

    assert {name for name in house.settings.model_fields if f"`{name.upper()}`" not in readme} == set()


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_every_setting_says_what_it_is_for(house: House) -> None:
    assert [name for name, field in house.settings.model_fields.items() if not field.description] == []


def test_the_example_can_be_used_as_it_is() -> None:
    values = dotenv_values(ROOT / ".env.example")

    assert {name: value for name, value in values.items() if value and "SECRET" in name} == {}


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_every_problem_code_is_in_the_readme(house: House) -> None:
    readme = (house.folder / "README.md").read_text()

    assert {code for code in codes(house.module("problems")) - codes(problems) if f"`{code}`" not in readme} == set()


def test_the_codes_every_service_may_answer_are_in_the_docs() -> None:
    page = (ROOT / "docs/problems.md").read_text()
    shared = set().union(*(codes(module) for module in (problems, database, identity, inbox, neighbours, owners)))

    assert {code for code in shared if f"`{code}`" not in page} == set()


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_every_route_declares_its_policy_and_publishes_it(house: House) -> None:
    app = house.module("main").create_app(house.settings())
    published = json.loads((house.folder / "contracts/openapi.json").read_text())["paths"]

    for route in routes_of(app):
        policy = policy_of(route)
        if route.include_in_schema:
            for method in route.methods:
                assert published[route.path_format][method.lower()]["x-policy"] == policy.describe()


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_no_route_and_nothing_it_depends_on_runs_on_a_thread(house: House) -> None:
    app = house.module("main").create_app(house.settings())
    calls = [call for route in routes_of(app) for call in calls_of(route.dependant)]

    assert {call.__qualname__ for call in calls if isfunction(call) and not iscoroutinefunction(call)} == set()


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_production_refuses_the_secrets_of_development(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [name for name, field in house.settings.model_fields.items() if field.annotation is SecretStr]
    monkeypatch.setenv("DEEPTHINKS_ENV", "production")
    for name in secrets:
        monkeypatch.setenv(name.upper(), "k" * 48)
    house.settings()

    for name in secrets:
        with monkeypatch.context() as weaker:
            weaker.delenv(name.upper())
            with pytest.raises(ValueError, match=name.upper()):
                house.settings()
