"""Puts other texts in the place of a turn's, and takes back all that was made of the old ones."""

from collections.abc import Iterator, Sequence

from chassis.database import Transaction
from memory_service.folds import Folds
from memory_service.retrieval import PRECEDING_TURNS, index_turn
from memory_service.scrubbing import Scrubbing
from memory_service.stores.branches import Branch, Branches, Path
from memory_service.stores.episodes import Episode, Episodes
from memory_service.stores.facts import Fact, Facts
from memory_service.stores.passages import Passages
from memory_service.stores.turns import Turn, Turns
from memory_service.words import content_stems


class Revising:
    """One revision is one transaction; what was dropped is then made again from what the turns say now."""

    def __init__(self, folds: Folds, scrubbing: Scrubbing) -> None:
        self._folds = folds
        self._scrubbing = scrubbing

    def revise(self, tx: Transaction, old: Turn, new: Turn) -> None:
        """`new` is `old` with other texts; without any it is an empty node, and paths lead through it as before."""
        branches = _branches_through(tx, old)
        number = Turns(tx).revise(new)
        _index_again(tx, number, new)
        dropped = _drop_episodes(tx, old)
        _take_back_facts(tx, old, dropped)
        self._folds.start_over(tx, old.conversation_id)
        for branch, path in branches:
            if old.depth > branch.folded_through:
                self._folds.recount(tx, branch, path)
            elif dropped:  # the first of them to fold the turns again may do it for the others, if they are all theirs
                self._folds.owe(tx, branch)
        self._scrubbing.owe(tx)


def _branches_through(tx: Transaction, turn: Turn) -> list[tuple[Branch, Path]]:
    """Every branch that leads through the turn, with the path to its tip."""
    branches = Branches(tx)
    with_paths = ((each, branches.path(each.id, each.tip_depth)) for each in branches.of(turn.conversation_id))
    return [(branch, path) for branch, path in with_paths if path.holds(turn.branch, turn.depth)]


def _index_again(tx: Transaction, number: int, new: Turn) -> None:
    """The turn, and those after it whose entries quote it."""
    Passages(tx).take_out(number)
    if new.remembered:
        _index(tx, number, new)
    for turn in _quoting(tx, new.branch, new.depth, PRECEDING_TURNS):
        its_number = Turns(tx).number_of(turn.id)
        Passages(tx).take_out(its_number)
        _index(tx, its_number, turn)


def _index(tx: Transaction, number: int, turn: Turn) -> None:
    path = Branches(tx).path(turn.branch, turn.depth)
    index_turn(tx, number, turn, Turns(tx).before(path, turn.depth, PRECEDING_TURNS))


def _quoting(tx: Transaction, branch: int, depth: int, count: int) -> Iterator[Turn]:
    """The next `count` remembered turns after that place, on every branch that goes on from there."""
    following = Turns(tx).following(branch, depth, count)
    yield from following
    for fork in Branches(tx).forks(branch, depth):
        before_it = sum(turn.depth <= fork.fork_depth for turn in following)
        if before_it < count:
            yield from _quoting(tx, fork.id, fork.fork_depth, count - before_it)


def _drop_episodes(tx: Transaction, turn: Turn) -> list[Episode]:
    """Those that summarise the turn, merged ones too; returns the unmerged ones."""
    dropped = []
    for episode in Episodes(tx).around(turn.conversation_id, turn.depth):
        if Branches(tx).path(episode.branch, episode.depth_to).holds(turn.branch, turn.depth):
            Episodes(tx).drop(episode.id)
            dropped.append(episode)
    return [episode for episode in dropped if episode.level == 0]


def _take_back_facts(tx: Transaction, old: Turn, dropped: Sequence[Episode]) -> None:
    """A fact stays when another turn bears it out. One that was found in the same fold may have words of the turn."""
    read_together = [turn.id for episode in dropped for turn in _turns_of(tx, episode)]
    for fact in Facts(tx).said_in([old.id, *read_together]):
        sources = [turn for each in fact.sources if each.turn_id != old.id and (turn := Turns(tx).find(each.turn_id))]
        if not sources or _borrows(fact, old, sources):
            Facts(tx).drop(fact.id)
        elif len(sources) < len(fact.sources):
            first = min(sources, key=lambda turn: turn.depth)
            Facts(tx).take_source(fact.id, old.id)
            Facts(tx).move(fact.id, first.branch, first.depth)


def _turns_of(tx: Transaction, episode: Episode) -> list[Turn]:
    path = Branches(tx).path(episode.branch, episode.depth_to)
    return Turns(tx).between(path, episode.depth_from - 1, episode.depth_to)


def _borrows(fact: Fact, old: Turn, sources: Sequence[Turn]) -> bool:
    """Whether the fact says something that only the old texts said."""
    said = content_stems(" ".join(f"{turn.user_text} {turn.assistant_text}" for turn in sources))
    return bool(content_stems(fact.text) & content_stems(f"{old.user_text} {old.assistant_text}") - said)
