"""`/v1/settings`: what a user chose."""

from dataclasses import asdict

from fastapi import APIRouter

from chat_service.dependencies import PreferencesHere, Reader, Writer
from chat_service.schemas.settings import ChangeSettings, SettingsObject
from chat_service.stores.user_settings import Preferences

router = APIRouter(prefix="/v1/settings", tags=["settings"])


@router.get("", operation_id="get_settings")
async def get_settings(caller: Reader, preferences: PreferencesHere) -> SettingsObject:
    """All that the caller can choose, with what was chosen or is the default."""
    return _shown(await preferences.find(caller.user_id))


@router.patch("", operation_id="change_settings")
async def change_settings(body: ChangeSettings, caller: Writer, preferences: PreferencesHere) -> SettingsObject:
    """Changes what is given; devices that change different things at once do not undo each other."""
    return _shown(await preferences.change(caller.user_id, body))


def _shown(found: Preferences) -> SettingsObject:
    changed_at = None if found.updated_at is None else int(found.updated_at)
    return SettingsObject(**{**asdict(found), "updated_at": changed_at})
