"""Records as they go out: OpenAI's file object, what chat reads, and a download no browser will show."""

import base64
import re
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from starlette.responses import StreamingResponse

from files_service.collection import FileWithContent
from files_service.failures import MESSAGES
from files_service.media_types import kind_of
from files_service.schemas import FileContents, FileError, FileObject, FileText, ImageContents
from files_service.stores.files import FileRecord

OPENAI_STATUS = {"uploaded": "uploaded", "processing": "uploaded", "ready": "processed", "failed": "error"}
CHUNK = 256 * 1024
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*")


def file_object(file: FileRecord) -> FileObject:
    """The file as its owner sees it."""
    error = FileError(code=file.error_code, message=MESSAGES[file.error_code]) if file.error_code else None
    return FileObject.model_validate(
        {
            "id": file.id,
            "bytes": file.bytes,
            "created_at": file.created_at,
            "filename": file.filename,
            "purpose": file.purpose,
            "status": OPENAI_STATUS[file.state],
            "status_details": error.message if error else None,
            "state": file.state,
            "error": error,
            "kind": kind_of(file.media_type),
            "media_type": file.media_type,
            "pages": file.pages,
            "tokens": file.tokens,
            "truncated": file.truncated,
        }
    )


def file_text(found: FileWithContent) -> FileText:
    """The text as its owner sees it."""
    file = found.file
    return FileText(
        id=file.id, text=found.text or "", pages=file.pages, tokens=file.tokens or 0, truncated=file.truncated
    )


def file_contents(found: FileWithContent) -> FileContents:
    """The file as chat sees it."""
    file = found.file
    return FileContents(
        id=file.id,
        filename=file.filename,
        kind=kind_of(file.media_type),
        media_type=file.media_type,
        state=file.state,
        text=found.text,
        image=_image(found),
        tokens=file.tokens,
        truncated=file.truncated,
        error_code=file.error_code,
    )


def _image(found: FileWithContent) -> ImageContents | None:
    image = found.image
    if image is None:
        return None
    data = base64.b64encode(found.pixels).decode()
    return ImageContents(media_type=image.media_type, data=data, width=image.width, height=image.height)


def download(file: FileRecord, blob: BinaryIO) -> StreamingResponse:
    """The bytes under a type that says nothing, so that no browser takes them for a page of ours."""
    name = quote(file.filename, safe="")
    plain = file.filename if PLAIN_NAME.fullmatch(file.filename) else file.id  # for clients that know no `filename*`
    return StreamingResponse(
        _pieces(blob),
        media_type="application/octet-stream",
        headers={
            "content-length": str(file.bytes),
            "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
            "cache-control": "private, no-store",
        },
    )


def _pieces(blob: BinaryIO) -> Iterator[bytes]:
    with blob:
        while piece := blob.read(CHUNK):
            yield piece
