"""`/v1/files`: OpenAI's Files API, and the text that was found."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse

from chassis.pages import Page, PageParameters, page_of
from files_service.dependencies import CollectionOfFiles, FilesReader, FilesWriter, UploadsOfFiles
from files_service.routes.answers import download, file_object, file_text
from files_service.routes.upload_form import UPLOAD_BODY, read_form
from files_service.schemas import FileDeleted, FileObject, FileText, Purpose

router = APIRouter(prefix="/v1/files", tags=["files"])

BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("", operation_id="create_file", openapi_extra={"requestBody": UPLOAD_BODY})
async def create_file(request: Request, writer: FilesWriter, uploads: UploadsOfFiles) -> FileObject:
    """Takes a PDF, DOCX, XLSX or text file, or an image; it is read afterwards: see `state`."""
    with uploads.begin(writer.user_id) as upload:
        form = await read_form(request, upload.write)
        file = await upload.finish(form.filename, form.purpose)
    return file_object(file)


@router.get("", operation_id="list_files")
async def list_files(
    reader: FilesReader,
    collection: CollectionOfFiles,
    page: PageParameters,
    purpose: Annotated[Purpose | None, Query()] = None,
) -> Page[FileObject]:
    """The user's files, newest first unless `order=asc`."""
    files = await collection.page(reader.user_id, page, purpose)
    return page_of([file_object(file) for file in files], page.limit)


@router.get("/{file_id}", operation_id="get_file")
async def get_file(file_id: str, reader: FilesReader, collection: CollectionOfFiles) -> FileObject:
    """The file and how far it is."""
    return file_object(await collection.find(reader.user_id, file_id))


@router.get("/{file_id}/content", operation_id="get_file_content", response_class=StreamingResponse, responses=BINARY)
async def get_file_content(file_id: str, reader: FilesReader, collection: CollectionOfFiles) -> StreamingResponse:
    """The bytes as they were uploaded, always as an attachment."""
    return download(*await collection.open(reader.user_id, file_id))


@router.get("/{file_id}/text", operation_id="get_file_text")
async def get_file_text(file_id: str, reader: FilesReader, collection: CollectionOfFiles) -> FileText:
    """The text that was found; 409 while the file is being read, when it could not be, and for an image."""
    return file_text(await collection.text(reader.user_id, file_id))


@router.delete("/{file_id}", operation_id="delete_file")
async def delete_file(file_id: str, writer: FilesWriter, collection: CollectionOfFiles) -> FileDeleted:
    """Forgets the file, its bytes and what was found in them."""
    await collection.delete(writer.user_id, file_id)
    return FileDeleted(id=file_id)
