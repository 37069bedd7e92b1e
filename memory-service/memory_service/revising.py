"""Puts other texts in the place of a turn's, and takes back all that was made of the old ones."""

from collections.abc import Sequence

from chassis.database import Transaction
from memory_service.folds import Folds
from memory_service.indexing import index_turn, take_out_turn
from memory_service.retraction import retract_unsaid, unsay_turn
from memory_service.scrubbing import Scrubbing
from memory_service.stores.branches import Branch, Branches
from memory_service.stores.episodes import Episode, Episodes
from memory_service.stores.fact_changes import FactChanges
from memory_service.stores.fact_sources import FactSources
from memory_service.stores.facts import USER, Fact, Facts
from memory_service.stores.turns import Turn, Turns
from memory_service.words import alike_stems


class Revising:
    """One revision is one transaction; what was dropped is then made again from what the turns say now."""

    def __init__(self, folds: Folds, scrubbing: Scrubbing) -> None:
        self._folds = folds
        self._scrubbing = scrubbing

    def revise(self, tx: Transaction, old: Turn, new: Turn) -> None:
        """`new` is `old` with other texts; without any it is an empty node, and paths lead through it as before."""
        branches = branches_through(tx, old)
        Turns(tx).revise(new)
        take_out_turn(tx, old)
        if new.remembered:
            index_turn(tx, new)
        dropped = _drop_episodes(tx, old)
        _take_back_facts(tx, old, new, dropped)
        self._folds.start_over(tx, old.conversation_id)
        for branch in branches:
            if old.depth > branch.folded_through:
                self._folds.recount(tx, branch, Branches(tx).path(branch.id, branch.tip_depth))
            elif dropped:  # the first of them to fold the turns again may do it for the others, if they are all theirs
                self._folds.owe(tx, branch)
        self._scrubbing.owe(tx)

    def unsay(self, tx: Transaction, turn: Turn) -> None:
        """Takes back only the facts, for a turn that goes soon with others: those may be from the same fold."""
        _take_back_facts(tx, turn, None, _unmerged(episodes_over(tx, turn)))
        self._scrubbing.owe(tx)


def episodes_over(tx: Transaction, turn: Turn) -> list[Episode]:
    """Those that tell of the turn, merged ones too."""
    around = Episodes(tx).around(turn.conversation_id, turn.depth)
    return [each for each in around if Branches(tx).path(each.branch, each.depth_to).holds(turn.branch, turn.depth)]


def _drop_episodes(tx: Transaction, turn: Turn) -> list[Episode]:
    """Returns the unmerged ones."""
    over = episodes_over(tx, turn)
    for episode in over:
        Episodes(tx).drop(episode.id)
    return _unmerged(over)


def _unmerged(episodes: Sequence[Episode]) -> list[Episode]:
    return [episode for episode in episodes if episode.level == 0]


def branches_through(tx: Transaction, turn: Turn) -> list[Branch]:
    """Every branch that leads through the turn: its own, and what forks off one of these, not before it."""
    found = {turn.branch: Branches(tx).get(turn.branch)}
    waiting = [turn.branch]
    while waiting:
        forks = Branches(tx).forks(waiting.pop(), turn.depth)
        waiting += (fork.id for fork in forks if fork.id not in found)
        found |= {fork.id: fork for fork in forks}
    return [found[branch] for branch in sorted(found)]


def _take_back_facts(tx: Transaction, old: Turn, new: Turn | None, dropped: Sequence[Episode]) -> None:
    """A fact stays when another turn bears it out. One that was found in the same fold may have words of the turn."""
    read_together = [turn.id for episode in dropped for turn in _turns_of(tx, episode)]
    facts = Facts(tx).said_in([old.id, *read_together])
    unsay_turn(tx, old, new)
    for fact in facts:
        former = " ".join(each.before.text for each in FactChanges(tx).of(fact.id) if each.before)
        said, now, before, elsewhere = alike_stems(_texts([old]), fact.text, former, _texts(_sources(tx, fact)))
        if fact.edited_by != USER and said & now - elsewhere:
            retract_unsaid(tx, fact)
        elif said & before - elsewhere:
            FactChanges(tx).forget_texts_before(fact.id, fact.text)


def _turns_of(tx: Transaction, episode: Episode) -> list[Turn]:
    path = Branches(tx).path(episode.branch, episode.depth_to)
    return Turns(tx).between(path, episode.depth_from - 1, episode.depth_to)


def _sources(tx: Transaction, fact: Fact) -> list[Turn]:
    return [turn for each in FactSources(tx).of(fact.id) if (turn := Turns(tx).find(each.turn_id))]


def _texts(turns: Sequence[Turn]) -> str:
    return " ".join(f"{turn.user_text} {turn.assistant_text}" for turn in turns)
