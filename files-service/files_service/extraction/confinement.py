"""Runs reading processes from outside: starts them bare, bounds their time and output, kills them as a group."""

import asyncio
import base64
import binascii
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from files_service.extraction.extract import Answer, Job, Picture, Unreadable
from files_service.failures import Failure

CHILD = "files_service.extraction.child"
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""All of it: no secret of the service is in there."""
OUT_OF_TIME = frozenset({-signal.SIGXCPU, -signal.SIGALRM})
CHUNK = 64 * 1024
GRACE_SECONDS = 1.0
"""How much longer we wait than the process lets itself live."""
MOST_IMAGE_BYTES = 5_000_000
MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}

ANSWERS = TypeAdapter(Answer)


class Crashed(Exception):
    """The process ended without an answer, and not because its time was up: another try may do better."""


@dataclass(frozen=True)
class Limits:
    """What reading may cost, a process and a document."""

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    document_seconds: float
    text_bytes: int
    image_side: int


@dataclass(frozen=True)
class Reading:
    """What was found in a document."""

    text: str
    pages: int | None
    truncated: bool


@dataclass(frozen=True)
class Image:
    """What a model may see of an image."""

    media_type: str
    width: int
    height: int
    data: bytes


async def read_document(path: Path, reader: str, limits: Limits) -> Reading:
    """The text of a document; a long PDF takes several processes. Raises `Unreadable` or `Crashed`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limits.document_seconds
    texts: list[str] = []
    room, page, has_words, truncated = limits.text_bytes, 1, False, False
    while True:
        job = Job(reader, room, limits.memory_bytes, limits.cpu_seconds, limits.wall_seconds, first_page=page)
        answer = await read_confined(path, job)
        texts.append(answer.text)
        room -= len(answer.text.encode())
        has_words = has_words or answer.has_words
        truncated = truncated or answer.truncated
        if answer.next_page is None or answer.next_page <= page:
            break
        if room <= 0 or loop.time() > deadline:
            truncated = True
            break
        page = answer.next_page
    if not has_words:
        raise Unreadable(Failure.NO_TEXT)
    return Reading("".join(texts), answer.pages, truncated)


async def read_image(path: Path, limits: Limits) -> Image:
    """The image, upright and of bounded size. Raises `Unreadable` or `Crashed`."""
    job = Job(
        "image",
        text_bytes=0,
        memory_bytes=limits.memory_bytes,
        cpu_seconds=limits.cpu_seconds,
        wall_seconds=limits.wall_seconds,
        image_side=limits.image_side,
        image_bytes=MOST_IMAGE_BYTES,
    )
    answer = await read_confined(path, job)
    if answer.picture is None:
        raise Crashed("no image")
    return believed(answer.picture)


def believed(picture: Picture) -> Image:
    """The picture of a process that may have met its master: PNG or JPEG it has to be. Raises `Crashed`."""
    try:
        data = base64.b64decode(picture.data, validate=True)
    except binascii.Error:
        raise Crashed("not base64") from None
    if not data.startswith(MAGIC[picture.media_type]):
        raise Crashed(f"not {picture.media_type}")
    return Image(picture.media_type, picture.width, picture.height, data)


async def read_confined(path: Path, job: Job) -> Answer:
    """One reading process from start to end. Raises `Unreadable` or `Crashed`."""
    async with _process(path, job) as process:
        try:
            async with asyncio.timeout(job.wall_seconds + GRACE_SECONDS):
                output = await _output(process, most=2 * (job.text_bytes + job.image_bytes) + CHUNK)
                ended_with = await process.wait()
        except TimeoutError:
            raise Unreadable(Failure.TOO_COMPLEX) from None
    if not output and ended_with in OUT_OF_TIME:
        raise Unreadable(Failure.TOO_COMPLEX)
    try:
        answer = ANSWERS.validate_json(output)
    except ValidationError:
        raise Crashed(f"exit code {ended_with}") from None
    if answer.failure is not None:
        raise Unreadable(answer.failure)
    return answer


@asynccontextmanager
async def _process(path: Path, job: Job) -> AsyncIterator[asyncio.subprocess.Process]:
    with path.open("rb") as document:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            CHILD,
            json.dumps(asdict(job)),
            stdin=document,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=ENVIRONMENT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _output(process: asyncio.subprocess.Process, most: int) -> bytes:
    """All that the process writes. One that writes more than any honest answer is no longer to be trusted."""
    assert process.stdout is not None
    output = bytearray()
    while chunk := await process.stdout.read(CHUNK):
        output += chunk
        if len(output) > most:
            raise Unreadable(Failure.TOO_COMPLEX)
    return bytes(output)
