"""What a route may ask for: the objects that the lifespan put at `app.state`, by type.

All are async: FastAPI would run each plain function on a thread.
"""

from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, Path, Request

from chassis.identity import Principal
from chassis.policies import User
from chat_service.branches import Branches
from chat_service.code_files import CodeShelf
from chat_service.completions import Completions
from chat_service.conversations import ConversationBook
from chat_service.deletions import Deletions
from chat_service.embeddings import Embeddings
from chat_service.models import Catalogue
from chat_service.preferences import PreferenceBook
from chat_service.provider_keys import ProviderKeys
from chat_service.receipts import Receipts
from chat_service.repeats import Repeatable
from chat_service.responses import Archive
from chat_service.settings import Settings
from chat_service.stored_completions import StoredCompletions
from chat_service.turns import Turns

ConversationId = Annotated[str, Path(max_length=64)]
ResponseId = Annotated[str, Path(max_length=64)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, description="Makes a retry safe.")]
RetryCount = Annotated[str | None, Header(include_in_schema=False)]


async def _repeatable(
    request: Request, idempotency_key: IdempotencyKey = None, x_stainless_retry_count: RetryCount = None
) -> Repeatable:
    """By what the request is known when it comes again. OpenAI's SDKs count their retries."""
    place = f"{request.scope['path']} {request.headers.get('x-conversation-id', '')}\n"
    request_hash = sha256(place.encode() + await request.body()).hexdigest()
    is_retry = (x_stainless_retry_count or "0").strip("0").isdecimal()
    return Repeatable(request_hash, idempotency_key, is_retry)


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


async def _completions(request: Request) -> Completions:
    completions: Completions = request.app.state.completions
    return completions


async def _embeddings(request: Request) -> Embeddings:
    embeddings: Embeddings = request.app.state.embeddings
    return embeddings


async def _turns(request: Request) -> Turns:
    turns: Turns = request.app.state.turns
    return turns


async def _archive(request: Request) -> Archive:
    archive: Archive = request.app.state.archive
    return archive


async def _conversations(request: Request) -> ConversationBook:
    conversations: ConversationBook = request.app.state.conversations
    return conversations


async def _branches(request: Request) -> Branches:
    branches: Branches = request.app.state.branches
    return branches


async def _deletions(request: Request) -> Deletions:
    deletions: Deletions = request.app.state.deletions
    return deletions


async def _preferences(request: Request) -> PreferenceBook:
    preferences: PreferenceBook = request.app.state.preferences
    return preferences


async def _provider_keys(request: Request) -> ProviderKeys:
    keys: ProviderKeys = request.app.state.provider_keys
    return keys


async def _stored_completions(request: Request) -> StoredCompletions:
    completions: StoredCompletions = request.app.state.stored_completions
    return completions


async def _code_files(request: Request) -> CodeShelf:
    shelf: CodeShelf = request.app.state.code_shelf
    return shelf


async def _receipts(request: Request) -> Receipts:
    receipts: Receipts = request.app.state.receipts
    return receipts


SettingsHere = Annotated[Settings, Depends(_settings)]
CatalogueHere = Annotated[Catalogue, Depends(_catalogue)]
CompletionsHere = Annotated[Completions, Depends(_completions)]
EmbeddingsHere = Annotated[Embeddings, Depends(_embeddings)]
TurnsHere = Annotated[Turns, Depends(_turns)]
StoredCompletionsHere = Annotated[StoredCompletions, Depends(_stored_completions)]
CodeFilesHere = Annotated[CodeShelf, Depends(_code_files)]
ReceiptsHere = Annotated[Receipts, Depends(_receipts)]
ArchiveHere = Annotated[Archive, Depends(_archive)]
ConversationsHere = Annotated[ConversationBook, Depends(_conversations)]
BranchesHere = Annotated[Branches, Depends(_branches)]
DeletionsHere = Annotated[Deletions, Depends(_deletions)]
PreferencesHere = Annotated[PreferenceBook, Depends(_preferences)]
ProviderKeysHere = Annotated[ProviderKeys, Depends(_provider_keys)]
RepeatableHere = Annotated[Repeatable, Depends(_repeatable)]

Reader = Annotated[Principal, Depends(User("chat:read"))]
Writer = Annotated[Principal, Depends(User("chat:write"))]
