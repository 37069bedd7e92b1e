"""What a route may ask for: the objects that the lifespan put at `app.state`, by type."""

from typing import Annotated

from fastapi import Depends, Request

from chassis.identity import Principal
from chassis.policies import User
from chat_service.completions import Completions
from chat_service.conversations import ConversationBook
from chat_service.models import Catalogue
from chat_service.responses import Archive
from chat_service.settings import Settings
from chat_service.turns import Turns


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


def _completions(request: Request) -> Completions:
    completions: Completions = request.app.state.completions
    return completions


def _turns(request: Request) -> Turns:
    turns: Turns = request.app.state.turns
    return turns


def _archive(request: Request) -> Archive:
    archive: Archive = request.app.state.archive
    return archive


def _conversations(request: Request) -> ConversationBook:
    conversations: ConversationBook = request.app.state.conversations
    return conversations


SettingsHere = Annotated[Settings, Depends(_settings)]
CatalogueHere = Annotated[Catalogue, Depends(_catalogue)]
CompletionsHere = Annotated[Completions, Depends(_completions)]
TurnsHere = Annotated[Turns, Depends(_turns)]
ArchiveHere = Annotated[Archive, Depends(_archive)]
ConversationsHere = Annotated[ConversationBook, Depends(_conversations)]

Reader = Annotated[Principal, Depends(User("chat:read"))]
Writer = Annotated[Principal, Depends(User("chat:write"))]
