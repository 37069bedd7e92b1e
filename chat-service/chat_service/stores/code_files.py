"""The `code_files` table: which file of which structured answer is which version of its name."""

from typing import Any

import orjson

from chassis.database import Row, Transaction
from chassis.pages import PageQuery

COLUMNS = (
    "code_files.id, code_files.conversation_id, code_files.response_id, code_files.position, code_files.name,"
    " code_files.version, code_files.created_at, json_extract(responses.code, '$.files[' || position || ']') as file"
)
NEWEST = (
    "code_files.version = (select max(version) from code_files as other"
    " where other.conversation_id = code_files.conversation_id and other.name = code_files.name)"
)


class CodeFiles:
    """Files of conversations that are known to be their owner's."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def next_version(self, conversation_id: str, name: str) -> int:
        """Counts up from 1, over all branches."""
        newest: int | None = self._tx.value(
            "select max(version) from code_files where conversation_id = ? and name = ?", conversation_id, name
        )
        return (newest or 0) + 1

    def add(self, conversation_id: str, response_id: str, position: int, file: dict[str, Any], now: float) -> None:
        """Notes the version of a file, which stands at that position in the response's `code`."""
        self._tx.run(
            "insert into code_files (id, conversation_id, response_id, position, name, version, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            file["id"],
            conversation_id,
            response_id,
            position,
            file["name"],
            file["version"],
            now,
        )

    def page(self, conversation_id: str, name: str | None, page: PageQuery) -> list[dict[str, Any]]:
        """Up to `limit + 1` files by age: the newest version of each, or all versions of one name."""
        comes_later, direction = ("<", "desc") if page.order == "desc" else (">", "asc")
        rows = self._tx.all(
            f"select {COLUMNS} from code_files join responses on responses.id = code_files.response_id"  # noqa: S608
            f" where code_files.conversation_id = :conversation_id and {'code_files.name = :name' if name else NEWEST}"
            f" and (:after is null or code_files.id {comes_later} :after)"
            f" order by code_files.id {direction} limit :limit",
            conversation_id=conversation_id,
            after=page.after,
            limit=page.limit + 1,
            **({"name": name} if name else {}),
        )
        return [_file(row) for row in rows]

    def find(self, conversation_id: str, file_id: str) -> dict[str, Any] | None:
        """One file of a conversation."""
        row = self._tx.one(
            f"select {COLUMNS} from code_files join responses on responses.id = code_files.response_id"  # noqa: S608
            " where code_files.conversation_id = ? and code_files.id = ?",
            conversation_id,
            file_id,
        )
        return _file(row) if row else None

    def erase_of(self, response_id: str) -> None:
        """Forgets the files of a response."""
        self._tx.run("delete from code_files where response_id = ?", response_id)


def _file(row: Row) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in ("file", "position")}
    return {**orjson.loads(row["file"]), **kept}
