"""files-service: may a turn name a file, and what is in it: its text, or the image made anew."""

from typing import Literal

from pydantic import BaseModel, ValidationError

from chassis.neighbours import Neighbour, NeighbourDown, NeighbourRefused
from chassis.problems import Forbidden
from chat_service.problems import FileNotFound, FilesUnavailable

State = Literal["uploaded", "processing", "ready", "failed"]
Kind = Literal["text", "image"]

CHECK_SECONDS = 3.0
BEYOND_THE_WAIT_SECONDS = 2.0


class FileInfo(BaseModel):
    """What a user sees of a file."""

    id: str
    filename: str
    kind: Kind
    state: State


class FileImage(BaseModel):
    """An image as the model gets it: upright, scaled down, nothing but its pixels; `data` is base64."""

    media_type: Literal["image/png", "image/jpeg"]
    data: str

    @property
    def url(self) -> str:
        """As the model's API takes it."""
        return f"data:{self.media_type};base64,{self.data}"


class FileText(BaseModel):
    """A file as chat gets it; once it is ready `text` is there, or `image` for one of kind `image`."""

    id: str
    filename: str
    kind: Kind
    state: State
    text: str | None = None
    image: FileImage | None = None
    truncated: bool | None = None


class FileTexts(BaseModel):
    files: list[FileText]


class Files:
    """Raises `FileNotFound` for missing and foreign files alike, `FilesUnavailable` while files is down."""

    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def find(self, file_id: str, bearer: str) -> FileInfo:
        """A file of the user behind the token `bearer`."""
        try:
            answer = await self._neighbour.call("GET", f"/v1/files/{file_id}", deadline=CHECK_SECONDS, bearer=bearer)
            return FileInfo.model_validate_json(answer.content)
        except NeighbourRefused as refused:
            if refused.refused_status == 403:
                raise Forbidden("This credential may not read files.") from refused
            if refused.refused_status == 404:
                raise FileNotFound() from refused
            raise FilesUnavailable() from refused
        except (NeighbourDown, ValidationError) as error:
            raise FilesUnavailable() from error

    async def texts(self, owner: str, file_ids: list[str], wait_seconds: float) -> list[FileText]:
        """The files, once each is ready or failed, or as they are when the time is up (at most 10 s)."""
        asked = {"owner": owner, "file_ids": file_ids, "wait_seconds": wait_seconds}
        try:
            answer = await self._neighbour.call(
                "POST",
                "/internal/contents",
                json=asked,
                deadline=wait_seconds + BEYOND_THE_WAIT_SECONDS,
                idempotent=True,
            )
            files = FileTexts.model_validate_json(answer.content).files
        except NeighbourRefused as refused:
            if refused.refused_status == 404:
                raise FileNotFound() from refused
            raise FilesUnavailable() from refused
        except (NeighbourDown, ValidationError) as error:
            raise FilesUnavailable() from error
        if [file.id for file in files] != file_ids:  # a turn must not go on without a file that it names
            raise FilesUnavailable()
        return files
