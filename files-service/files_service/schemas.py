"""What crosses the wire: OpenAI's file object with what it lacks, and what chat asks."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
Kind = Literal["text", "image"]
FileId = Annotated[str, Field(min_length=1, max_length=64)]


class UploadFields(BaseModel):
    """The form's fields next to the file. `expires_after` is OpenAI's and refused: nothing here expires yet."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose = "user_data"
    expires_after_anchor: str | None = Field(None, alias="expires_after[anchor]")
    expires_after_seconds: str | None = Field(None, alias="expires_after[seconds]")


class FileError(BaseModel):
    code: str = Field(description="Stable, for programs; listed in the service's README.")
    message: str


class FileObject(BaseModel):
    """OpenAI's file object; what comes after `status_details` is ours."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: Purpose
    expires_at: int | None = None
    status: Literal["uploaded", "processed", "error"]
    status_details: str | None
    state: Literal["uploaded", "processing", "ready", "failed"]
    error: FileError | None
    kind: Kind = Field(description="What a model gets of it: its text, or the image itself.")
    media_type: str
    pages: int | None = Field(description="Pages of a PDF, sheets of a workbook; null when unknown or meaningless.")
    tokens: int | None = Field(
        description="About how many tokens the text is; null until it is ready, and for an image."
    )
    truncated: bool = Field(description="Some of the text is missing: it was too long, or a page could not be read.")


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class FileText(BaseModel):
    """The text of a file as the model gets it: Markdown, with `[page N]` or `## Sheet: name` where a part begins."""

    id: str
    object: Literal["file.text"] = "file.text"
    text: str
    pages: int | None
    tokens: int
    truncated: bool


class ContentsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner: FileId
    file_ids: list[FileId] = Field(min_length=1, max_length=64)
    wait_seconds: float = Field(0, ge=0, le=10, allow_inf_nan=False)


class ImageContents(BaseModel):
    """The image as models get it: the first frame, upright, scaled down, nothing but its pixels."""

    media_type: Literal["image/png", "image/jpeg"]
    data: str = Field(description="Base64.")
    width: int
    height: int


class FileContents(BaseModel):
    id: str
    filename: str
    kind: Kind
    media_type: str
    state: Literal["uploaded", "processing", "ready", "failed"]
    text: str | None = Field(description="null unless the file is ready, and for an image.")
    image: ImageContents | None = Field(description="null unless the file is ready, and for a text.")
    tokens: int | None
    truncated: bool
    error_code: str | None = Field(description="null unless the file has failed.")


class Contents(BaseModel):
    files: list[FileContents]
