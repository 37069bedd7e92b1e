"""What happens between the end of a reading and its row."""

import time
from pathlib import Path

from chassis.database import Database
from chassis.migrations import package_migrations
from files_service.blobs import Blobs
from files_service.extracting import Extracting
from files_service.extraction.confinement import Image, Limits
from files_service.settling import Settling
from files_service.stores.files import Files

LIMITS = Limits(768 << 20, cpu_seconds=10, wall_seconds=15, document_seconds=60, text_bytes=1000, image_side=2048)
IMAGE = Image("image/png", 1, 1, b"pixels")
FILE = {
    "id": "file_1",
    "owner": "user_1",
    "filename": "a.png",
    "purpose": "vision",
    "media_type": "image/png",
    "bytes": 1,
    "sha256": "0" * 64,
    "created_at": 1,
}


async def test_an_image_that_is_deleted_before_it_is_kept_leaves_nothing(tmp_path: Path) -> None:
    with Database(tmp_path, [package_migrations("files_service")]) as database:
        blobs = Blobs(tmp_path / "blobs")
        extracting = Extracting(database, blobs, Settling(), time.time, LIMITS, workers=0)
        await database.write(lambda tx: Files(tx).add(**FILE))
        held = await database.write(lambda tx: Files(tx).claim(time.time(), time.time() + 60))
        assert held is not None
        await database.write(lambda tx: Files(tx).remove(held.owner, held.id))

        await extracting._keep(held, IMAGE)

        assert list((tmp_path / "blobs").iterdir()) == []
