"""Files that a turn names: checked before anything is stored, waited for once the turn is accepted."""

import asyncio
from collections.abc import Callable
from typing import Any

from chassis.identity import Principal
from chat_service.clients.files import FileInfo, Files, FileText
from chat_service.inputs import file_ids, parts_of
from chat_service.problems import FileFailed, FileNotReady, FilesUnavailable, InputTooLong, UnsupportedParameter
from chat_service.stores.items import Item

LONGEST_POLL_SECONDS = 10.0
OUTAGE_PAUSE_SECONDS = 0.5
LEAST_PAUSE_SECONDS = 0.05


class Attachments:
    """`wait_seconds` bounds the wait for files that are still being read."""

    def __init__(self, files: Files, max_files: int, max_images: int, wait_seconds: float) -> None:
        self._files = files
        self._max_files = max_files
        self._max_images = max_images
        self._wait_seconds = wait_seconds

    async def admit(self, items: list[Item], caller: Principal) -> None:
        """Writes the files' names into the items, and makes images of those that are.

        Raises unless each is the caller's own, has not failed, and is an image where one is wanted.
        """
        named = file_ids(items)
        if len(named) > self._max_files:
            raise InputTooLong(f"One turn takes at most {self._max_files} files.", param="input")
        found = await asyncio.gather(*(self._files.find(file_id, caller.token) for file_id in named))
        if any(file.state == "failed" for file in found):
            raise FileFailed()
        by_id = {file.id: file for file in found}
        for part in (part for item in items for part in item.get("content", ()) if part.get("file_id") in by_id):
            _describe(part, by_id[part["file_id"]])
        if len(parts_of(items, "input_image")) > self._max_images:
            raise InputTooLong(f"One turn takes at most {self._max_images} images.", param="input")

    async def texts(self, owner: str, items: list[Item], *, waits: bool = True) -> list[FileText]:
        """The text of each file, in the order they are named; `waits` for those that are still being read.

        Raises `FileFailed`, `FileNotReady` and the like.
        """
        named = file_ids(items)
        if not named:
            return []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self._wait_seconds if waits else 0)
        while True:
            files = await self._poll(owner, named, lambda: deadline - loop.time())
            if any(file.state == "failed" for file in files):
                raise FileFailed()
            if all(file.state == "ready" for file in files):
                return files
            if loop.time() >= deadline:
                raise FileNotReady()
            await asyncio.sleep(LEAST_PAUSE_SECONDS)

    async def _poll(self, owner: str, named: list[str], seconds_left: Callable[[], float]) -> list[FileText]:
        """One long poll; an outage of files is waited out like a file that is not ready."""
        while True:
            try:
                return await self._files.texts(owner, named, max(0.0, min(LONGEST_POLL_SECONDS, seconds_left())))
            except FilesUnavailable:
                if seconds_left() <= 0:
                    raise
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)


def _describe(part: dict[str, Any], file: FileInfo) -> None:
    if file.kind == "image":
        part |= {"type": "input_image", "detail": "auto"}
    elif part["type"] == "input_image":
        raise UnsupportedParameter("input", "That file is no image; name it as an `input_file`.")
    part["filename"] = file.filename
