"""What files' neighbours expect of it holds for the real files."""

import time
from functools import partial
from pathlib import Path
from typing import Any

from chassis.database import Database, Transaction
from chassis.migrations import package_migrations
from chassis.testing import FakeAuth, serve, service_token
from dev.pacts import WithRealTokens, states, verifier, verify_for_auth
from files_service.blobs import Blobs
from files_service.failures import Failure
from files_service.main import create_app
from files_service.settings import Settings
from files_service.stores.files import FileRecord, Files
from files_service.stores.images import ImageRecord, Images
from files_service.stores.texts import Texts

from ..conftest import FilesService
from ..pictures import png


def held(tx: Transaction, id: str, owner: str, filename: str, media_type: str = "text/plain") -> FileRecord:
    """A file that came in and is being read."""
    Files(tx).add(
        id=id,
        owner=owner,
        filename=filename,
        purpose="user_data",
        media_type=media_type,
        bytes=1,
        sha256="0" * 64,
        created_at=int(time.time()),
    )
    file = Files(tx).claim(now=time.time(), lease_until=time.time() + 60)
    assert file is not None
    return file


def ready(tx: Transaction, *, text: str, **file: str) -> None:
    record = held(tx, **file)
    Texts(tx).put(record.id, text)
    Files(tx).settle_ready(record, pages=None, tokens=7, truncated=False, now=time.time())


def failed(tx: Transaction, **file: str) -> None:
    Files(tx).settle_failed(held(tx, **file), Failure.CORRUPT, now=time.time())


def drawn(tx: Transaction, **file: str) -> None:
    record = held(tx, **file, media_type="image/jpeg")
    Images(tx).put(record.id, ImageRecord("image/png", 8, 8))
    Files(tx).settle_ready(record, pages=None, tokens=None, truncated=False, now=time.time())


STATES: dict[str, Any] = {
    "a file that is ready": ready,
    "a file that has failed": failed,
    "an image that is ready": drawn,
}


async def test_chat_finds_what_it_expects(tmp_path: Path) -> None:
    with Database(tmp_path, [package_migrations("files_service")]) as database:
        for name, parameters in states("chat", "files"):
            await database.write(partial(STATES[name], **parameters))
            if STATES[name] is drawn:
                Blobs(tmp_path / "blobs").keep_image(parameters["id"], png(8, 8))

    auth = FakeAuth()
    with serve(auth.app) as auth_url:
        settings = Settings(auth_url=auth_url, service_data=tmp_path, storage_reserve_bytes=0)
        service = service_token("chat", "files", settings.secret_chat_files.get_secret_value())
        app = WithRealTokens(create_app(settings), user=auth.access_token("user_1"), service=service)
        with serve(app) as url:
            verifier("files", url, "chat").verify()


def test_auth_finds_what_it_expects(tmp_path: Path) -> None:
    auth = FakeAuth()
    with serve(auth.app) as auth_url:
        settings = Settings(auth_url=auth_url, service_data=tmp_path, storage_reserve_bytes=0)

        def upload(url: str, owner: str) -> None:
            FilesService(url, settings, auth).upload(b"The kettle holds 1.7 litres.", user_id=owner)

        verify_for_auth("files", create_app(settings), settings.secret_auth_files, upload)
