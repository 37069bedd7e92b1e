"""Facts and their sources as a user pages through them."""

from dataclasses import dataclass

from chassis.database import Row, Transaction
from chassis.pages import PageQuery
from memory_service.stores.facts import COLUMNS, HOLDING, WANTED, Fact

LISTED = f"{COLUMNS}, (select count(*) from fact_sources as s where s.fact_id = facts.id) as sources"  # noqa: S608
# Users see whole seconds, and by those a fact holds or does not.
HELD_THEN = "cast(valid_from as integer) <= :as_of and (valid_to is null or cast(valid_to as integer) > :as_of)"
SAID_THERE = (
    "exists (select 1 from fact_sources as s join turns as t on t.id = s.turn_id"
    " where s.fact_id = facts.id and t.conversation_id = :conversation_id)"
)
COMES_LATER = {"asc": ">", "desc": "<"}


@dataclass(frozen=True)
class ListedFact:
    """A fact, and in how many turns it was said."""

    fact: Fact
    sources: int


@dataclass(frozen=True, kw_only=True)
class FactFilter:
    """Which facts: by what has become of them, now or as of a second; by kind; said in a conversation."""

    status: str = "in_force"
    as_of: int | None = None
    kind: str | None = None
    conversation_id: str | None = None


@dataclass(frozen=True)
class Said:
    """Where a fact was said, in the user's own words."""

    turn_id: str
    conversation_id: str
    quote: str
    created_at: float


class FactLists:
    """Reads `facts` and `fact_sources`, a page at a time."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def find(self, owner: str, fact_id: str) -> ListedFact | None:
        """The owner's fact; None when it is missing or someone else's."""
        row = self._tx.one(f"select {LISTED} from facts where id = ? and owner = ?", fact_id, owner)  # noqa: S608
        return _listed(row) if row else None

    def facts(self, owner: str, page: PageQuery, only: FactFilter) -> list[ListedFact]:
        """Up to `limit + 1` of the owner's facts, by when they were stored."""
        wanted = ["owner = :owner", *_of_status(only)]
        if only.kind:
            wanted.append("kind = :kind")
        if only.conversation_id:
            wanted.append(SAID_THERE)
        if page.after:
            wanted.append(f"id {COMES_LATER[page.order]} :after")
        rows = self._tx.all(
            f"select {LISTED} from facts where {' and '.join(wanted)} order by id {page.order} limit :limit",  # noqa: S608
            owner=owner,
            after=page.after,
            limit=page.limit + 1,
            **vars(only),
        )
        return [_listed(row) for row in rows]

    def sources(self, fact_id: str, page: PageQuery) -> list[Said]:
        """Up to `limit + 1` of the turns in which it was said, by when they began."""
        rows = self._tx.all(
            "select s.turn_id, s.quote_from, s.quote_to, t.conversation_id, t.user_text, t.created_at"  # noqa: S608
            " from fact_sources as s join turns as t on t.id = s.turn_id where s.fact_id = :fact"
            f" and (:after is null or s.turn_id {COMES_LATER[page.order]} :after)"
            f" order by s.turn_id {page.order} limit :limit",
            fact=fact_id,
            after=page.after,
            limit=page.limit + 1,
        )
        return [
            Said(
                turn_id=row["turn_id"],
                conversation_id=row["conversation_id"],
                quote=row["user_text"][row["quote_from"] : row["quote_to"]],  # SQLite's own `substr` ends at a NUL
                created_at=row["created_at"],
            )
            for row in rows
        ]


def _of_status(only: FactFilter) -> list[str]:
    """As of a time, those that were in force then, by what has become of them since."""
    then = [] if only.as_of is None else [WANTED, HELD_THEN]
    still = [HOLDING] if only.as_of is None else []
    if only.status == "any":
        return then
    if only.status == "superseded":
        return [*then, "valid_to is not null"]
    if only.status == "in_force":
        return [*then, WANTED, *still]
    return [*then, "status = :status", *still]


def _listed(row: Row) -> ListedFact:
    sources = row.pop("sources")
    return ListedFact(Fact(**row), sources)
