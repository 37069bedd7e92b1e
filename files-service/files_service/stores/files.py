"""The files, and with them the durable queue of those that wait to be read."""

from dataclasses import dataclass
from typing import Any, Literal

from chassis.database import Row, Transaction

State = Literal["uploaded", "processing", "ready", "failed"]
SETTLED = frozenset({"ready", "failed"})

COLUMNS = (
    "id, owner, filename, purpose, media_type, bytes, sha256, created_at, state, tries, pages, tokens, truncated,"
    " error_code"
)


@dataclass(frozen=True)
class FileRecord:
    """A row of `files`. `pages` are pages or sheets; a text's `pages` and `tokens` are known once it is ready."""

    id: str
    owner: str
    filename: str
    purpose: str
    media_type: str
    bytes: int
    sha256: str
    created_at: int
    state: State
    tries: int
    pages: int | None
    tokens: int | None
    truncated: bool
    error_code: str | None

    @property
    def settled(self) -> bool:
        return self.state in SETTLED


class Files:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, **values: Any) -> FileRecord:
        """Stores a new file, which thereby waits to be read."""
        row = self._tx.one(
            "insert into files (id, owner, filename, purpose, media_type, bytes, sha256, created_at)"  # noqa: S608 - our own column names
            " values (:id, :owner, :filename, :purpose, :media_type, :bytes, :sha256, :created_at)"
            f" returning {COLUMNS}",
            **values,
        )
        assert row is not None
        return _record(row)

    def find(self, owner: str, file_id: str) -> FileRecord | None:
        """The file, if it is this owner's."""
        row = self._tx.one(
            f"select {COLUMNS} from files where id = :id and owner = :owner",  # noqa: S608 - our own column names
            id=file_id,
            owner=owner,
        )
        return _record(row) if row else None

    def page(
        self, owner: str, *, after: str | None, order: Literal["asc", "desc"], purpose: str | None, count: int
    ) -> list[FileRecord]:
        """Up to `count` files of an owner in the order they came; `after` is the id that ended the page before."""
        beyond = ">" if order == "asc" else "<"
        rows = self._tx.all(
            f"select {COLUMNS} from files"  # noqa: S608 - our own column names and words
            " where owner = :owner"
            f"  and (:after is null or id {beyond} :after)"
            "   and (:purpose is null or purpose = :purpose)"
            f" order by id {order}"
            " limit :count",
            owner=owner,
            after=after,
            purpose=purpose,
            count=count,
        )
        return [_record(row) for row in rows]

    def remove(self, owner: str, file_id: str) -> bool:
        """Forgets the file and its text; False when this owner has no such file."""
        return self._tx.run("delete from files where id = :id and owner = :owner", id=file_id, owner=owner) > 0

    def remove_all(self, owner: str) -> dict[str, int]:
        """Forgets every file of an owner and their texts; returns the bytes of each by its id."""
        rows = self._tx.all("delete from files where owner = :owner returning id, bytes", owner=owner)
        return {row["id"]: row["bytes"] for row in rows}

    def give(self, owner: str, into: str) -> list[int]:
        """Makes the files of `owner` those of `into`; returns the bytes of each."""
        rows = self._tx.all(
            "update files set owner = :into where owner = :owner returning bytes", owner=owner, into=into
        )
        return [row["bytes"] for row in rows]

    def ids(self) -> set[str]:
        """The ids of all files of all owners."""
        return {row["id"] for row in self._tx.all("select id from files")}

    def count_waiting(self) -> int:
        """How many files are neither ready nor failed."""
        return int(self._tx.value("select count(*) from files where state in ('uploaded', 'processing')"))

    def claim(self, now: float, lease_until: float) -> FileRecord | None:
        """The file that waits longest and that nobody holds, now held by the caller until `lease_until`."""
        row = self._tx.one(
            "update files set state = 'processing', tries = tries + 1, lease_until = :lease_until"  # noqa: S608 - our own column names
            " where id = (select id from files"
            "              where state in ('uploaded', 'processing') and lease_until <= :now"
            "              order by id limit 1)"
            f" returning {COLUMNS}",
            now=int(now),
            lease_until=int(lease_until),
        )
        return _record(row) if row else None

    def settle_ready(
        self, held: FileRecord, *, pages: int | None, tokens: int | None, truncated: bool, now: float
    ) -> bool:
        """Ends the wait of a held file; False when it is gone or held by somebody else by now."""
        changed = self._tx.run(
            "update files set state = 'ready', pages = :pages, tokens = :tokens, truncated = :truncated,"
            " settled_at = :now"
            " where id = :id and state = 'processing' and tries = :tries",
            id=held.id,
            tries=held.tries,
            pages=pages,
            tokens=tokens,
            truncated=int(truncated),
            now=int(now),
        )
        return changed > 0

    def settle_failed(self, held: FileRecord, code: str, now: float) -> bool:
        """Ends the wait of a held file with nothing; False as for `settle_ready`."""
        changed = self._tx.run(
            "update files set state = 'failed', error_code = :code, settled_at = :now"
            " where id = :id and state = 'processing' and tries = :tries",
            id=held.id,
            tries=held.tries,
            code=code,
            now=int(now),
        )
        return changed > 0

    def give_back(self, held: FileRecord) -> None:
        """Lets a held file wait again; the try counts."""
        self._tx.run(
            "update files set state = 'uploaded', lease_until = 0"
            " where id = :id and state = 'processing' and tries = :tries",
            id=held.id,
            tries=held.tries,
        )

    def give_back_all(self, *, refund: bool) -> None:
        """Lets every held file wait again; with `refund` the try that was broken off does not count."""
        self._tx.run(
            "update files set state = 'uploaded', lease_until = 0, tries = tries - :refund where state = 'processing'",
            refund=int(refund),
        )


def _record(row: Row) -> FileRecord:
    return FileRecord(**{**row, "truncated": bool(row["truncated"])})
