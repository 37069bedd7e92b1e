"""docker-compose.yml, dev/stack.py and the gateway's routes describe one and the same system."""

import re

import pytest
import yaml

from dev import gateway
from dev.development_secrets import NAMES as SECRET_NAMES
from dev.stack import SERVICES, Part

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
    needed = {name for name in known if name in SECRET_NAMES or name.endswith("_URL")} - {"TOGETHER_BASE_URL"}

    assert set(variables(part.name)) - known == set()
    assert needed - set(variables(part.name)) == set()


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_both_know_the_same_neighbours(part: Part) -> None:
    urls = {name[: -len("_URL")].lower() for name in variables(part.name) if name.endswith("_URL")} - {"together_base"}

    assert urls == set(part.calls)
    for neighbour in part.calls:
        assert variables(part.name)[f"{neighbour.upper()}_URL"] == f"http://{neighbour}:8000"


def test_the_signing_secret_reaches_auth_alone() -> None:
    assert [name for name in COMPOSE if "JWT_SECRET_KEY" in variables(name)] == ["auth"]


def test_only_the_gateway_publishes_a_port() -> None:
    assert [name for name, container in COMPOSE.items() if container.get("ports")] == ["gateway"]


@pytest.mark.parametrize("name", [*NAMES, "gateway"])
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


@pytest.mark.parametrize("name", NAMES)
def test_every_service_has_its_own_routes_at_the_gateway(name: str) -> None:
    routes = (ROOT / "gateway/routes" / f"{name}.conf").read_text()

    assert re.search(r"\blocation\b", routes)
