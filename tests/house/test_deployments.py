"""docker-compose.yml, dev/stack.py and the gateway's routes describe one and the same system."""

import json
import re

import pytest
import yaml

from dev import gateway
from dev.stack import EACH_SERVICES_OWN, SERVICES, Part

from .house import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
NAMES = [part.name for part in SERVICES]


def variables(container: str) -> dict[str, str]:
    return COMPOSE[container].get("environment", {})


def test_both_start_the_same_services() -> None:
    assert set(COMPOSE) == {*NAMES, "gateway", "offline-llm"}
    assert COMPOSE["offline-llm"]["profiles"] == ["offline"]


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_a_container_gets_the_variables_its_settings_name_and_no_others(part: Part) -> None:
    known = {name.upper() for name in part.settings.model_fields}
    set_by_the_image = {"SERVICE_HOST", "SERVICE_PORT"}

    assert set(variables(part.name)) == known - set_by_the_image - EACH_SERVICES_OWN


def test_the_gateways_settings_of_the_example_reach_its_container() -> None:
    offered = set(re.findall(r"GATEWAY_[A-Z_]+(?==)", (ROOT / ".env.example").read_text()))

    assert offered - {"GATEWAY_ADDRESS", "GATEWAY_PORT"} <= set(variables("gateway"))  # those say where it is published


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_both_know_the_same_neighbours(part: Part) -> None:
    addresses = {name[: -len("_URL")].lower() for name in variables(part.name) if name.endswith("_URL")}

    assert addresses & set(NAMES) == set(part.calls)
    for neighbour in part.calls:
        assert variables(part.name)[f"{neighbour.upper()}_URL"] == f"http://{neighbour}:8000"


def test_the_signing_secret_reaches_auth_alone() -> None:
    assert [name for name in COMPOSE if "JWT_SECRET_KEY" in variables(name)] == ["auth"]


def test_only_the_gateway_publishes_a_port() -> None:
    assert [name for name, container in COMPOSE.items() if container.get("ports")] == ["gateway"]


@pytest.mark.parametrize("name", COMPOSE)
def test_a_container_is_closed(name: str) -> None:
    container = COMPOSE[name]

    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["restart"] == "unless-stopped"
    assert container["healthcheck"]["test"]


@pytest.mark.parametrize("name", NAMES)
def test_a_service_keeps_its_whole_data_folder_on_a_volume(name: str) -> None:
    assert f"{name}-data:/data" in COMPOSE[name]["volumes"]
    assert variables(name)["SERVICE_DATA"] == "/data"


def test_addresses_are_fixed_since_nginx_resolves_once() -> None:
    addresses = [container["networks"]["inside"]["ipv4_address"] for container in COMPOSE.values()]

    assert len(set(addresses)) == len(COMPOSE)


def test_the_gateway_forwards_to_every_service_by_both_ways() -> None:
    wanted = {f"GATEWAY_{name.upper()}" for name in NAMES}

    assert {name: variables("gateway")[name] for name in wanted} == {
        f"GATEWAY_{name.upper()}": f"{name}:8000" for name in NAMES
    }
    assert set(variables("gateway")) - {"NGINX_ENVSUBST_FILTER"} <= gateway.variables_in_templates()
    assert wanted <= gateway.variables_in_templates()


def leads(locations: list[tuple[str, str]], path: str) -> bool:
    """Whether one of nginx's locations is for the path."""
    kinds = {"=": str.__eq__, "^~": str.startswith, "": str.startswith, "~": lambda path, regex: re.search(regex, path)}
    return any(kinds[kind](path, pattern) for kind, pattern in locations)


@pytest.mark.parametrize("name", NAMES)
def test_the_gateway_leads_to_every_public_path_of_a_service_and_to_no_internal_one(name: str) -> None:
    routes = (ROOT / "gateway/routes" / f"{name}.conf").read_text()
    locations = re.findall(r"^\s*location (=|~|\^~)? ?(\S+) \{", routes, re.MULTILINE)
    published = json.loads((ROOT / f"{name}-service/contracts/openapi.json").read_text())["paths"]
    paths = {path: re.sub(r"\{\w+\}", "some_id", path) for path in published}

    led = {path for path, example in paths.items() if leads(locations, example)}

    assert led == {path for path in paths if not path.startswith("/internal/")}
