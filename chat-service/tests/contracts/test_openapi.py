"""Every operation does what the published OpenAPI says; the model is the offline stand-in.

Files has none, the other neighbours are down.
"""

from collections.abc import Iterator

import pytest
from schemathesis import Case
from starlette.applications import Starlette

from chassis.testing import FakeAuth, serve, service_token
from chat_service.main import create_app
from chat_service.settings import Settings
from dev.conformance import Door, published_schema
from dev.offline_llm.testing import running

NOBODY = "http://127.0.0.1:9"
NO_FILES = Starlette()
"""Answers 404 to everything."""
BEYOND_SCHEMA = ("name", "persona", "time_zone", "metadata.conversation_id")
"""One line of printable characters; no control characters; a zone that there is; one of any metadata that is a text."""

schema = published_schema(create_app(Settings()))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    auth = FakeAuth()
    with serve(auth.app) as auth_url, serve(NO_FILES) as files_url, running() as llm:
        settings = Settings(
            service_data=tmp_path_factory.mktemp("chat"),
            storage_reserve_bytes=0,
            auth_url=auth_url,
            together_base_url=llm.url,
            memory_url=NOBODY,
            memory_seconds=0.01,
            files_url=files_url,
            analytics_url=NOBODY,
        )
        token = service_token("auth", "chat", settings.secret_auth_chat.get_secret_value())
        with serve(create_app(settings)) as url:
            yield Door(url, user=auth.headers(), services={"auth": {"authorization": f"Bearer {token}"}})


@schema.parametrize()
def test_every_operation_does_what_it_publishes(case: Case, door: Door) -> None:
    door.check(case, beyond_schema=BEYOND_SCHEMA)
