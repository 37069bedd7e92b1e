"""A running example service (`beta`), and the auth stand-in it trusts."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chassis.testing import FakeAuth, serve

from .example_service import create_example


@pytest.fixture(scope="module")
def auth() -> FakeAuth:
    return FakeAuth()


@pytest.fixture(scope="module")
def auth_url(auth: FakeAuth) -> Iterator[str]:
    with serve(auth.app) as url:
        yield url


@pytest.fixture
def beta(tmp_path: Path, auth_url: str) -> Iterator[httpx.Client]:
    with serve(create_example("beta", tmp_path, auth_url)) as url, httpx.Client(base_url=url) as client:
        yield client
