"""What a reading process may not do, tried in a real one."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from files_service.extraction.confinement import Crashed, Limits, believed, read_document
from files_service.extraction.extract import Job, Picture, Unreadable

from ..conftest import wait_until
from ..documents import CAIRO_REPORT, pdf_bomb
from ..pictures import MADE, photo_with_a_second_one
from ..reading_processes import reading_processes

JOB = Job("text", text_bytes=1000, memory_bytes=768 << 20, cpu_seconds=5, wall_seconds=10)
LIMITS = Limits(768 << 20, cpu_seconds=10, wall_seconds=15, document_seconds=60, text_bytes=1_000_000, image_side=2048)


@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        ("open('/etc/passwd')", "OSError"),
        ("open('/proc/self/environ')", "OSError"),
        ("socket.socket()", "OSError"),
        ("os.pipe()", "OSError"),
        ("bytearray(900 << 20)", "MemoryError"),
    ],
)
def test_a_confined_process_can_neither_open_nor_connect_nor_grow(attempt: str, refusal: str) -> None:
    program = (
        "import os, socket\n"
        "from files_service.extraction import child\n"
        f"child._confine(child.Job(**{JOB.__dict__!r}))\n"
        f"try:\n    {attempt}\nexcept Exception as error:\n    print(type(error).__name__)\nelse:\n    print('allowed')"
    )

    run = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == refusal


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        ("pdf", CAIRO_REPORT.read_bytes()),
        ("image", photo_with_a_second_one()),
        *(("image", path.read_bytes()) for path in sorted(MADE.iterdir())),
    ],
)
def test_a_reader_needs_nothing_that_confinement_takes_away(tmp_path: Path, reader: str, content: bytes) -> None:
    document = tmp_path / "document"
    document.write_bytes(content)
    job = json.dumps({**JOB.__dict__, "reader": reader, "image_side": 64, "image_bytes": 10_000})
    command = [sys.executable, "-I", "-m", "files_service.extraction.child", job]

    with document.open("rb") as stdin:
        run = subprocess.run(command, stdin=stdin, capture_output=True, env={}, check=True)

    assert json.loads(run.stdout)["failure"] is None
    assert run.stderr == b""


async def test_a_reading_process_has_no_secret_low_priority_and_a_group_of_its_own(tmp_path: Path) -> None:
    document = tmp_path / "slow.pdf"
    document.write_bytes(pdf_bomb(20_000_000))
    reading = asyncio.create_task(read_document(document, "pdf", LIMITS))
    await asyncio.to_thread(
        wait_until, lambda: [os.getpriority(os.PRIO_PROCESS, p) for p in reading_processes()] == [19]
    )
    [process] = reading_processes()

    environment, descriptors, group = await asyncio.to_thread(seen_of, process)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await reading

    assert environment == b"LC_ALL=C.UTF-8\0"
    assert descriptors == {"0", "1", "2"}
    assert group == process != os.getpgid(0)
    assert reading_processes() == []


def seen_of(process: int) -> tuple[bytes, set[str], int]:
    """Environment, descriptors and group of a process."""
    folder = Path(f"/proc/{process}")
    return (folder / "environ").read_bytes(), {entry.name for entry in (folder / "fd").iterdir()}, os.getpgid(process)


async def test_a_document_that_needs_too_much_memory_is_too_complex(tmp_path: Path) -> None:
    document = tmp_path / "large.txt"
    document.write_bytes(b"x" * 60_000_000)
    limits = replace(LIMITS, memory_bytes=128 << 20, text_bytes=100_000_000)

    with pytest.raises(Unreadable) as refused:
        await read_document(document, "text", limits)

    assert refused.value.failure == "file_too_complex"


@pytest.mark.parametrize("data", ["<script>", base64.b64encode(b"<script>").decode(), ""])
def test_a_process_that_a_hostile_image_took_over_is_not_believed(data: str) -> None:
    with pytest.raises(Crashed):
        believed(Picture("image/png", 1, 1, data))
