"""The files that structured answers of a conversation hold."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from chassis.pages import Page, PageParameters, page_of
from chat_service.dependencies import CodeFilesHere, ConversationId, Reader
from chat_service.schemas.code_files import CodeFileEntry

FileId = Annotated[str, Path(max_length=64)]
Name = Annotated[str | None, Query(max_length=200, description="All versions of this one, not the newest of each.")]

HEADERS = {"x-content-type-options": "nosniff", "content-security-policy": "sandbox", "cache-control": "no-store"}

router = APIRouter(prefix="/v1/conversations/{conversation_id}/code_files", tags=["code files"])


@router.get("", operation_id="list_code_files")
async def list_code_files(
    conversation_id: ConversationId, caller: Reader, code_files: CodeFilesHere, page: PageParameters, name: Name = None
) -> Page[CodeFileEntry]:
    """The newest version of each file, or all versions of one."""
    return page_of(await code_files.page(caller.user_id, conversation_id, name, page), page.limit)


@router.get("/{file_id}", operation_id="retrieve_code_file")
async def retrieve_code_file(
    conversation_id: ConversationId, file_id: FileId, caller: Reader, code_files: CodeFilesHere
) -> CodeFileEntry:
    """One of them."""
    return (await code_files.find(caller.user_id, conversation_id, file_id))[0]


@router.get("/{file_id}/content", operation_id="download_code_file", response_class=Response)
async def download_code_file(
    conversation_id: ConversationId, file_id: FileId, caller: Reader, code_files: CodeFilesHere
) -> Response:
    """What is in it, as a download."""
    entry, content = await code_files.find(caller.user_id, conversation_id, file_id)
    name = quote(entry.name.rpartition("/")[2], safe="")
    headers = {**HEADERS, "content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(content.encode(errors="replace"), media_type="text/plain; charset=utf-8", headers=headers)
