"""The index: passages of remembered turns and their FTS5 rows. The one file whose SQL is SQLite's alone."""

import hashlib
import json
from dataclasses import dataclass

from chassis.database import Row, Transaction
from memory_service.stores.branches import Path

# user_text, assistant_text, scope, date, previous, before
WEIGHTS = "1.0, 1.0, 0.0, 1.0, 0.5, 0.5"
RANKED = 1000
"""Of more matches than this only the best are looked at: joining them costs more than finding them."""


@dataclass(frozen=True)
class Passage:
    """Character ranges of a turn's two texts; one of them may be empty."""

    user_from: int
    user_to: int
    assistant_from: int
    assistant_to: int


@dataclass(frozen=True)
class Indexed:
    """What the index holds of one passage."""

    user_text: str
    assistant_text: str
    date: str
    previous: str
    before: str


@dataclass(frozen=True)
class Hit:
    """A passage that matched; `score` is bm25 turned round, higher is better."""

    turn: int
    turn_id: str
    conversation_id: str
    depth: int
    created_at: float
    session_at: float
    passage: Passage
    score: float


class Passages:
    """Passages of turns and the full-text index over them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, turn: int, owner: str, conversation_id: str, passage: Passage, indexed: Indexed) -> None:
        """Indexes one passage of a turn for its owner."""
        number = self._tx.value(
            "insert into passages (turn, user_from, user_to, assistant_from, assistant_to)"
            " values (?, ?, ?, ?, ?) returning number",
            turn,
            passage.user_from,
            passage.user_to,
            passage.assistant_from,
            passage.assistant_to,
        )
        self._tx.run(
            "insert into passages_fts (rowid, user_text, assistant_text, scope, date, previous, before)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            number,
            indexed.user_text,
            indexed.assistant_text,
            _scope(owner, conversation_id),
            indexed.date,
            indexed.previous,
            indexed.before,
        )

    def search(
        self, owner: str, words: list[str], *, conversation_id: str | None = None, path: Path | None = None, limit: int
    ) -> list[Hit]:
        """The owner's passages that hold any of the words, best first; with `path` only those on it."""
        rows = self._tx.all(
            f"""
            with best as materialized (
                select rowid as number, -bm25(passages_fts, {WEIGHTS}) as score
                  from passages_fts where passages_fts match :match order by score desc limit {RANKED}
            )
            select p.turn, t.id, t.conversation_id, t.depth, t.created_at, t.session_at,
                   p.user_from, p.user_to, p.assistant_from, p.assistant_to, best.score
              from best
              join passages as p on p.number = best.number
              join turns    as t on t.number = p.turn
             where t.owner = :owner
               and (:path is null or exists (select 1 from json_each(:path) as segment
                                              where t.branch = segment.value ->> 0
                                                and t.depth <= segment.value ->> 1))
             order by best.score desc, p.number desc
             limit :limit
            """,  # noqa: S608 - the weights are ours
            match=_match(owner, words, conversation_id),
            owner=owner,
            path=json.dumps([(each.branch, each.upto) for each in path.segments]) if path else None,
            limit=limit,
        )
        return [_hit(row) for row in rows]

    def give(self, conversation_id: str, into: str) -> None:
        """From now on another owner finds them."""
        self._tx.run(
            "update passages_fts set scope = ? where rowid in (select p.number from passages as p"
            " join turns as t on t.number = p.turn where t.conversation_id = ?)",
            _scope(into, conversation_id),
            conversation_id,
        )

    def take_out(self, turn: int) -> None:
        """Takes the passages of one turn out of the index."""
        self._tx.run("delete from passages_fts where rowid in (select number from passages where turn = ?)", turn)
        self._tx.run("delete from passages where turn = ?", turn)

    def erase(self, conversation_id: str) -> None:
        """Takes every passage of the conversation out of the index."""
        self._tx.run(
            "delete from passages_fts where rowid in (select p.number from passages as p"
            " join turns as t on t.number = p.turn where t.conversation_id = ?)",
            conversation_id,
        )
        self._tx.run(
            "delete from passages where turn in (select number from turns where conversation_id = ?)", conversation_id
        )


def _match(owner: str, words: list[str], conversation_id: str | None) -> str:
    """The FTS5 query. Every word is quoted, so nothing a user writes is query syntax."""
    scope = [f'scope : "{_token(owner)}"']
    if conversation_id is not None:
        scope.append(f'scope : "{_token(conversation_id)}"')
    quoted = " OR ".join('"' + word.replace('"', "") + '"' for word in words)
    return " AND ".join([*scope, f"- scope : ({quoted})"])


def _scope(owner: str, conversation_id: str) -> str:
    return f"{_token(owner)} {_token(conversation_id)}"


def _token(name: str) -> str:
    """One word of the index for an owner or a conversation, whatever characters its id has."""
    return "x" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _hit(row: Row) -> Hit:
    return Hit(
        turn=row["turn"],
        turn_id=row["id"],
        conversation_id=row["conversation_id"],
        depth=row["depth"],
        created_at=row["created_at"],
        session_at=row["session_at"],
        passage=Passage(row["user_from"], row["user_to"], row["assistant_from"], row["assistant_to"]),
        score=row["score"],
    )
