"""One fold: from a branch's oldest unfolded turns to an episode and facts, in one compare-and-set commit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.ids import new_id
from chassis.tokens import estimate_tokens
from memory_service.clients.summarizer import Prompt, Reply
from memory_service.fold_prompts import fold_prompt
from memory_service.fold_replies import AcceptedFold, StatedFact, read_fold
from memory_service.folding import Limits, to_merge
from memory_service.learning import Learning
from memory_service.stores.branches import Branch, Branches, Path
from memory_service.stores.conversations import Conversation, Conversations
from memory_service.stores.episodes import Episode, Episodes
from memory_service.stores.facts import Fact, Facts
from memory_service.stores.jobs import FOLD, MERGE, Job, Jobs
from memory_service.stores.preferences import Preferences
from memory_service.stores.turns import Size, Turn, Turns
from memory_service.words import content_stems

KNOWN_FACTS_TOKENS = 200
NAME_TOKENS = 3
"""What the name of a known fact costs beside its text."""
FACTS_READ = 200
TURNS_PER_FOLD = 200


@dataclass(frozen=True)
class Fold:
    """A fold in work: the turns it takes and the call that was or will be made for them.

    One that `fills_gap` takes turns from before the pointer, whose episode was dropped.
    """

    job: Job
    path: Path
    above: int
    turns: list[Turn]
    prompt: Prompt
    fills_gap: bool

    @property
    def through(self) -> int:
        """Depth of the last turn it takes."""
        return self.turns[-1].depth

    def read(self, reply: str) -> AcceptedFold:
        """What of the reply is kept. Raises `BadReply`."""
        return read_fold(reply, self.turns)

    def said_at(self, stated: StatedFact) -> float:
        """When the user said it last."""
        named = {source.turn_id for source in stated.sources}
        return [turn for turn in self.turns if turn.id in named][-1].created_at


class Folds:
    """Prepares and commits folds. `wake` says that something new is owed.

    `token_ratio` tells how many tokens the summariser counts for one of our estimate.
    """

    def __init__(
        self, limits: Limits, clock: Clock, wake: Callable[[], None], token_ratio: Callable[[], float]
    ) -> None:
        self._limits = limits
        self._token_ratio = token_ratio
        self._clock = clock
        self._wake = wake

    def owe_if_due(self, tx: Transaction, branch_id: int) -> None:
        """Asks for a fold of the branch when its buffer is over the limit."""
        branch = Branches(tx).get(branch_id)
        if self._limits.fold_is_due(branch):
            self.owe(tx, branch)

    def owe(self, tx: Transaction, branch: Branch) -> None:
        """Asks for a fold; there may turn out to be none to do."""
        if Jobs(tx).owe(branch.conversation_id, branch.id, FOLD, self._clock()):
            tx.after_commit(self._wake)

    def start_over(self, tx: Transaction, conversation_id: str) -> None:
        """What is in the making for the conversation does not land; it is made again from what there is now."""
        Jobs(tx).start_over(conversation_id, self._clock())
        tx.after_commit(self._wake)

    def recount(self, tx: Transaction, branch: Branch, path: Path) -> None:
        """A turn in the branch's buffer is another now."""
        count = Turns(tx).count(path, branch.folded_through, path.tip)
        Branches(tx).recount(branch.id, turns=count.exchanges, tokens=count.tokens)
        self.owe_if_due(tx, branch.id)

    def prepare(self, tx: Transaction, job: Job, lease: str) -> Fold | None:
        """What the job is to do now; None when there is nothing to do any more."""
        conversation = Conversations(tx).find(job.conversation_id)
        assert conversation is not None
        branch, path = self._adopt_shared(tx, job.branch)
        gap = _gap(tx, path, branch.folded_through)
        above = gap[0] if gap else branch.folded_through
        limits = self._limits.counted_at(self._token_ratio())
        if job.reply is not None and job.depth_from == above + 1 and job.depth_to is not None:
            through = job.depth_to
        elif gap or self._limits.fold_is_due(branch):
            job = replace(job, reply=None)
            through = _chunk(tx, limits, branch, path, gap, job.attempts)[-1].depth
        else:
            return None
        turns = Turns(tx).between(path, above, through)
        known = _known_facts(tx, conversation, path, turns)
        if job.reply is None:
            job = replace(job, known_facts=[fact.id for fact in known])
        Jobs(tx).set_range(job.id, lease, above + 1, through, job.known_facts)
        prompt = fold_prompt(turns, _named(fact.text for fact in known), limits.source_tokens)
        return Fold(job, path, above, turns, prompt, fills_gap=gap is not None)

    def commit(self, tx: Transaction, fold: Fold, accepted: AcceptedFold, reply: Reply) -> None:
        """Pointer, episode and facts together; nothing when the pointer is not where the fold found it."""
        branch = fold.job.branch
        if (fold.fills_gap or _moved(tx, fold)) and Episodes(tx).add(self._episode(fold, accepted, reply)):
            self._add_facts(tx, fold, accepted.facts)
        Jobs(tx).done(fold.job.id)
        if fold.fills_gap:  # there may be another
            self.owe(tx, Branches(tx).get(branch))
        self.owe_if_due(tx, branch)
        self.owe_merge_if_due(tx, branch)

    def owe_merge_if_due(self, tx: Transaction, branch_id: int) -> None:
        """Asks for a merge when eight episodes of a level are live on the branch."""
        branch = Branches(tx).get(branch_id)
        oldest = due_to_merge(tx, branch)
        if not oldest:
            return
        if Jobs(tx).owe(branch.conversation_id, branch_id, MERGE, self._clock(), level=oldest[0].level):
            tx.after_commit(self._wake)

    def _adopt_shared(self, tx: Transaction, branch_id: int) -> tuple[Branch, Path]:
        """Moves the pointer over turns that another branch with the same ancestors has folded already."""
        branch = Branches(tx).get(branch_id)
        path = Branches(tx).path(branch_id, branch.tip_depth)
        while shared := Episodes(tx).starting_at(branch.conversation_id, path, branch.folded_through + 1):
            count = Turns(tx).count(path, branch.folded_through, shared.depth_to)
            Branches(tx).fold(
                branch_id,
                above=branch.folded_through,
                through=shared.depth_to,
                turns=count.exchanges,
                tokens=count.tokens,
            )
            branch = Branches(tx).get(branch_id)
        return branch, path

    def _episode(self, fold: Fold, accepted: AcceptedFold, reply: Reply) -> Episode:
        quote = accepted.quote
        return Episode(
            id=new_id("mem"),
            conversation_id=fold.job.conversation_id,
            branch=fold.turns[-1].branch,
            level=0,
            depth_from=fold.above + 1,
            depth_to=fold.through,
            summary=accepted.summary.text,
            priority=accepted.summary.priority,
            quote_turn_id=quote.turn_id if quote else None,
            quote_from=quote.quote_from if quote else None,
            quote_to=quote.quote_to if quote else None,
            tokens=estimate_tokens(accepted.summary.text),
            happened_at=fold.turns[-1].created_at,
            model=reply.model,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            created_at=self._clock(),
        )

    def _add_facts(self, tx: Transaction, fold: Fold, stated: Sequence[StatedFact]) -> None:
        """They are the owner's to whom the conversation belongs now: a guest may have been merged meanwhile."""
        conversation = Conversations(tx).find(fold.job.conversation_id)
        assert conversation is not None
        learning = Learning(tx, conversation, self._clock())
        known = _named(fold.job.known_facts)
        for each in stated:
            replaced = [known[name] for name in dict.fromkeys(each.replaces) if name in known]
            learning.take_in(each, fold.said_at(each), replaced)


def due_to_merge(tx: Transaction, branch: Branch) -> list[Episode]:
    """The four episodes of the branch that are to be merged next; none when it has few enough."""
    path = Branches(tx).path(branch.id, branch.tip_depth)

    def adjoin(one: Episode, other: Episode) -> bool:
        return not Turns(tx).count(path, one.depth_to, other.depth_from - 1).turns

    return to_merge(Episodes(tx).live(path, branch.folded_through), adjoin)


def _gap(tx: Transaction, path: Path, folded_through: int) -> tuple[int, int] | None:
    """The oldest stretch before the pointer with turns that are in no episode, as (`above`, `upto`)."""
    gaps = Episodes(tx).gaps(path, folded_through)
    return next((gap for gap in gaps if Turns(tx).count(path, *gap).turns), None)


def _chunk(
    tx: Transaction, limits: Limits, branch: Branch, path: Path, gap: tuple[int, int] | None, attempts: int
) -> list[Size]:
    if gap:
        return limits.piece(Turns(tx).oldest_sizes(path, *gap, TURNS_PER_FOLD), attempts)
    sizes = Turns(tx).oldest_sizes(path, branch.folded_through, path.tip, TURNS_PER_FOLD)
    return limits.chunk(branch, sizes, attempts)


def _moved(tx: Transaction, fold: Fold) -> bool:
    return Branches(tx).fold(
        fold.job.branch,
        above=fold.above,
        through=fold.through,
        turns=sum(turn.opens for turn in fold.turns),
        tokens=sum(turn.tokens for turn in fold.turns),
    )


def _known_facts(tx: Transaction, conversation: Conversation, path: Path, turns: Sequence[Turn]) -> list[Fact]:
    """Facts that the turns may speak of, those on their topics first, within what a fold may be told."""
    across = Preferences(tx).of(conversation.owner).facts_across_conversations
    facts = Facts(tx).visible(conversation.owner, conversation.id, path, FACTS_READ, across=across)
    said = content_stems("\n".join(turn.user_text for turn in turns))
    known, room = [], KNOWN_FACTS_TOKENS
    for fact in sorted(facts, key=lambda fact: -len(said & content_stems(fact.text))):
        room -= estimate_tokens(fact.text) + NAME_TOKENS
        if room < 0:
            break
        known.append(fact)
    return known


def _named(known: Iterable[str]) -> dict[str, str]:
    """Each by what it is called in the prompt."""
    return {f"f{number}": each for number, each in enumerate(known, start=1)}
