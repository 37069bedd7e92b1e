"""A multipart/form-data body taken apart as it arrives: one file goes where it is told to, small fields are kept."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from files_service.problems import FileRequired, MalformedUpload, UnsupportedParameter
from files_service.schemas import Purpose, UploadFields

FILE_PART = "file"
MOST_PARTS = 16
LONGEST_FIELD = 1_000

# FastAPI cannot derive it: the form is not read by FastAPI, which would keep the whole file first.
UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    **UploadFields.model_json_schema()["properties"],
                },
            }
        }
    },
}


@dataclass(frozen=True)
class ReadForm:
    """What the form said about the file."""

    filename: str
    purpose: Purpose


async def read_form(request: Request, take: Callable[[bytes], None]) -> ReadForm:
    """Reads the request to its end, handing the file's bytes to `take` (on another thread) as they come."""
    form = UploadForm(request.headers.get("content-type", ""), take)
    try:
        async for chunk in request.stream():
            await asyncio.to_thread(form.feed, chunk)
    except ClientDisconnect:
        raise MalformedUpload("The client went away.") from None
    form.finish()
    return ReadForm(form.filename or "", _checked(form.fields).purpose)


def _checked(fields: dict[str, str]) -> UploadFields:
    try:
        checked = UploadFields.model_validate(fields)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False)
        in_body = [{**each, "loc": ("body", *each["loc"])} for each in errors]
        raise RequestValidationError(in_body, body=fields) from None
    if checked.expires_after_anchor is not None or checked.expires_after_seconds is not None:
        raise UnsupportedParameter("Files do not expire by themselves here.", param="expires_after")
    return checked


class UploadForm:
    """Feed it the body; it calls `take` with the file's bytes. Raises `MalformedUpload`, `FileRequired`."""

    def __init__(self, content_type: str, take: Callable[[bytes], None]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise MalformedUpload()
        self.filename: str | None = None
        self.fields: dict[str, str] = {}
        self._take = take
        self._parts = 0
        self._name = ""
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._data = bytearray()
        self._ended = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._extend_header,
                    "on_header_value": self._extend_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._receive,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise MalformedUpload() from None

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise MalformedUpload() from None

    def finish(self) -> None:
        """To be called after the last bytes: raises when the body broke off or had no file."""
        if not self._ended:
            raise MalformedUpload("The multipart body ends too early.")
        if self.filename is None:
            raise FileRequired(param=FILE_PART)

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise MalformedUpload("The form has too many parts.")
        self._header, self._value, self._disposition = b"", b"", b""
        self._data.clear()

    def _extend_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _extend_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise MalformedUpload("A part of the form has no name.")
        self._name = options[b"name"].decode("utf-8", "replace")
        if self._name in self.fields:
            raise MalformedUpload("A field stands twice in the form.", param=self._name)
        if self._name == FILE_PART:
            if self.filename is not None:
                raise FileRequired("One request takes one file.", param=FILE_PART)
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")

    def _receive(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE_PART:
            self._take(data[start:end])
            return
        self._data += data[start:end]
        if len(self._data) > LONGEST_FIELD:
            raise MalformedUpload("A field of the form is too long.", param=self._name)

    def _end_part(self) -> None:
        if self._name != FILE_PART:
            self.fields[self._name] = self._data.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True
