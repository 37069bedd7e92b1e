"""`/internal/contents`: chat asks for the texts and images of the files that a turn names."""

from fastapi import APIRouter

from files_service.dependencies import Chat, CollectionOfFiles
from files_service.routes.answers import file_contents
from files_service.schemas import Contents, ContentsQuery

router = APIRouter(tags=["internal"])


@router.post("/internal/contents", operation_id="get_contents")
async def get_contents(query: ContentsQuery, caller: Chat, collection: CollectionOfFiles) -> Contents:
    """Answers when every file is settled or `wait_seconds` are over; 404 if one of them is unknown."""
    found = await collection.contents(query.owner, query.file_ids, query.wait_seconds)
    return Contents(files=[file_contents(file) for file in found])
