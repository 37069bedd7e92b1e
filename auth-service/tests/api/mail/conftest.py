"""Services that send mail into their folder: two that tests share, and those that a test starts for itself."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from auth_service.main import create_app
from auth_service.settings import Settings
from chassis.testing import serve

from ...conftest import ALONE, CHEAP_ARGON2, Client, Clock
from .letterbox import Letterbox

APP_URL = "https://chat.example.org"


class MailClient(Client):
    """A client of a service whose mail a test can read."""

    letters: Letterbox


StartMail = Callable[..., AbstractContextManager[MailClient]]


@pytest.fixture(scope="session")
def verifying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailClient]:
    """A service that tests share, where accounts begin with a mail."""
    with _serving(tmp_path_factory.mktemp("verifying"), Clock(), email_verification="required") as client:
        yield client


@pytest.fixture(scope="session")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailClient]:
    """A service that tests share, which sends mail and verifies no address."""
    with _serving(tmp_path_factory.mktemp("trusting"), Clock()) as client:
        yield client


@pytest.fixture
def start_mail(tmp_path: Path, clock: Clock) -> StartMail:
    """`with start_mail(**settings) as auth:` runs a service of the test's own, on the test's clock."""
    return lambda **settings: _serving(tmp_path, clock, **settings)


@contextmanager
def _serving(folder: Path, clock: Clock, **changed: Any) -> Iterator[MailClient]:
    given: dict[str, Any] = {
        "service_data": folder,
        "app_url": APP_URL,
        "mails_per_mailbox_per_hour": 20,
        **CHEAP_ARGON2,
        **ALONE,
        **changed,
    }
    settings = Settings(**given)
    with serve(create_app(settings, clock)) as url, MailClient(url) as client:
        client.letters = Letterbox(settings.service_data)
        yield client
