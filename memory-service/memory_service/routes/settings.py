"""`/v1/memory/settings`: what a user chose about the memory."""

from dataclasses import asdict

from fastapi import APIRouter

from memory_service.dependencies import PreferencesOf, Reader, Writer
from memory_service.schemas.settings import ChangeMemorySettings, MemorySettings

router = APIRouter(prefix="/v1/memory/settings", tags=["memory"])


@router.get("", operation_id="get_memory_settings")
async def get_settings(user: Reader, preferences: PreferencesOf) -> MemorySettings:
    """All that the caller can choose, with what was chosen or is the default."""
    return MemorySettings(**asdict(await preferences.find(user.user_id)))


@router.patch("", operation_id="change_memory_settings")
async def change_settings(body: ChangeMemorySettings, user: Writer, preferences: PreferencesOf) -> MemorySettings:
    """Changes what is given."""
    return MemorySettings(**asdict(await preferences.change(user.user_id, body)))
