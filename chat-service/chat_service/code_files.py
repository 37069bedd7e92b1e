"""Files of structured answers: versions given, listed, read."""

from typing import Any

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.pages import PageQuery
from chat_service.code_answers import CodeDraft
from chat_service.ownership import owned_conversation
from chat_service.problems import CodeFileNotFound
from chat_service.schemas.code_files import CodeFileEntry
from chat_service.stores.code_files import CodeFiles
from chat_service.stores.responses import Responses, StoredResponse


class CodeShelf:
    """The files of users. A foreign conversation and a missing one raise the same `ConversationNotFound`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put(self, turn: StoredResponse, draft: CodeDraft) -> dict[str, Any]:
        """The answer with an id and a version for each file; a turn that is kept keeps them."""

        def write(tx: Transaction) -> dict[str, Any]:
            code = self._numbered(tx, turn, draft)
            if turn.stored and Responses(tx).exists(turn.id):
                Responses(tx).keep_code(turn.id, code)
                for position, file in enumerate(code["files"]):
                    assert turn.conversation_id is not None  # every stored turn has one
                    CodeFiles(tx).add(turn.conversation_id, turn.id, position, file, self._clock())
            return code

        return await self._database.write(write)

    async def page(self, owner: str, conversation_id: str, name: str | None, page: PageQuery) -> list[CodeFileEntry]:
        """Up to `limit + 1` files: the newest version of each, or all versions of one."""

        def read(tx: Transaction) -> list[dict[str, Any]]:
            owned_conversation(tx, owner, conversation_id)
            if page.after and CodeFiles(tx).find(conversation_id, page.after) is None:
                raise CodeFileNotFound(param="after")
            return CodeFiles(tx).page(conversation_id, name, page)

        return [_entry(file) for file in await self._database.read(read)]

    async def find(self, owner: str, conversation_id: str, file_id: str) -> tuple[CodeFileEntry, str]:
        """A file and what is in it. Raises `CodeFileNotFound` too."""

        def read(tx: Transaction) -> dict[str, Any] | None:
            owned_conversation(tx, owner, conversation_id)
            return CodeFiles(tx).find(conversation_id, file_id)

        file = await self._database.read(read)
        if file is None:
            raise CodeFileNotFound(param="file_id")
        return _entry(file), file["content"]

    def _numbered(self, tx: Transaction, turn: StoredResponse, draft: CodeDraft) -> dict[str, Any]:
        files = []
        for file in draft.files:
            version = CodeFiles(tx).next_version(turn.conversation_id, file.name) if turn.conversation_id else 1
            files.append({"id": new_id("code"), "version": version, **file.model_dump()})
        return {"explanation": draft.explanation, "files": files, "notes": draft.notes}


def _entry(file: dict[str, Any]) -> CodeFileEntry:
    shown = {**file, "bytes": len(file["content"].encode(errors="replace")), "created_at": int(file["created_at"])}
    return CodeFileEntry.model_validate(shown)
