"""One gateway for most tests; where settings matter, another one is opened on them."""

from collections.abc import Iterator

import pytest

from .door import Door
from .houses import House, opened
from .upstreams import Auth, Upstream

APP = "https://app.example"
LISTED = f"{APP} http://localhost:3000 app://obsidian.md"
# so slow to refill that no test sees it, but turns: one a second
LIMITS = {"AUTH": 4, "TURNS": 60, "UPLOADS": 5, "REST": 6}


@pytest.fixture(scope="session")
def running_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = {"GATEWAY_MAX_BODY": "64k", "GATEWAY_MAX_UPLOAD": "1m", "GATEWAY_ALLOWED_ORIGINS": LISTED}
    with opened(tmp_path_factory.mktemp("gateway"), settings) as house:
        yield house


@pytest.fixture(scope="session")
def running_limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    limits = {f"GATEWAY_{bucket}_PER_MINUTE": str(number) for bucket, number in LIMITS.items()}
    trusted = {"GATEWAY_TRUSTED_PROXY": "127.0.0.1/32", "GATEWAY_OPEN_REQUESTS": "3"}
    with opened(tmp_path_factory.mktemp("limited"), limits | trusted) as house:
        yield house


@pytest.fixture
def house(running_house: House) -> House:
    return running_house.reset()


@pytest.fixture
def limited(running_limited: House) -> House:
    """Behind a load balancer, which is the tests themselves, with small buckets and no allowed origin."""
    return running_limited.reset()


@pytest.fixture
def door(house: House) -> Door:
    return house.door


@pytest.fixture
def auth(house: House) -> Auth:
    return house.auth


@pytest.fixture
def chat(house: House) -> Upstream:
    return house.upstreams["chat"]


@pytest.fixture
def files(house: House) -> Upstream:
    return house.upstreams["files"]
