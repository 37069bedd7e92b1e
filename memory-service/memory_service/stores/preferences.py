"""What users chose about their memory."""

from dataclasses import dataclass

from chassis.database import Transaction


@dataclass(frozen=True)
class Preference:
    """`facts_across_conversations`: facts count wherever they were said; else only where."""

    facts_across_conversations: bool = True


class Preferences:
    """Rows of `preferences`; an owner without one has the defaults."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def of(self, owner: str) -> Preference:
        """What the owner chose."""
        across = self._tx.value("select facts_across_conversations from preferences where owner = ?", owner)
        return Preference() if across is None else Preference(facts_across_conversations=bool(across))

    def set(self, owner: str, chosen: Preference) -> None:
        """The owner's choice from now on."""
        self._tx.run(
            "insert into preferences (owner, facts_across_conversations) values (:owner, :across)"
            " on conflict (owner) do update set facts_across_conversations = :across",
            owner=owner,
            across=chosen.facts_across_conversations,
        )

    def give(self, owner: str, into: str) -> None:
        """Makes them another owner's, who may have chosen already: then that holds."""
        self._tx.run("update or ignore preferences set owner = ? where owner = ?", into, owner)
        self.erase(owner)

    def erase(self, owner: str) -> None:
        """Deletes the row."""
        self._tx.run("delete from preferences where owner = ?", owner)
