"""Files of structured answers, as they are listed."""

from typing import Literal

from pydantic import BaseModel


class CodeFileEntry(BaseModel):
    """A version of a file; its content is downloaded by itself, and stands in the response's `code` too."""

    id: str
    object: Literal["code_file"] = "code_file"
    conversation_id: str
    response_id: str
    name: str
    version: int
    language: str | None
    notes: str | None
    bytes: int
    created_at: int
