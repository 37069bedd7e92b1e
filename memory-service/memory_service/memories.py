"""What a user sees of the memory: a conversation's short and long term, and what a search finds."""

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.owners import Owners
from memory_service import retrieval
from memory_service.folding import Limits
from memory_service.forgetting import Receipt, forget_conversation
from memory_service.problems import ConversationNotRemembered
from memory_service.recall import excerpts
from memory_service.schemas.memories import (
    BufferedTurn,
    ConversationMemory,
    FactSource,
    FoundTurn,
    ImportantDetail,
    Interaction,
    LongTerm,
    SearchQuery,
    ShortTerm,
    Statistics,
    SummarizerState,
)
from memory_service.scrubbing import Scrubbing
from memory_service.stores.branches import Branch, Branches, Path
from memory_service.stores.conversations import Conversation, Conversations
from memory_service.stores.episodes import Episode, Episodes
from memory_service.stores.fact_sources import FactSources
from memory_service.stores.facts import PINNED, Fact, Facts
from memory_service.stores.jobs import Job, Jobs
from memory_service.stores.preferences import Preferences
from memory_service.stores.turns import Turn, Turns

TURNS_SHOWN = 200
FACTS_SHOWN = 1000
PINNED_SHOWN = 64


class Memories:
    """A user's own view; what is someone else's is not there."""

    def __init__(
        self, database: Database, limits: Limits, has_summarizer: bool, scrubbing: Scrubbing, clock: Clock
    ) -> None:
        self._database = database
        self._scrubbing = scrubbing
        self._limits = limits
        self._has_summarizer = has_summarizer
        self._clock = clock

    async def show(self, owner: str, conversation_id: str) -> ConversationMemory:
        """All that is remembered of a conversation. Raises `ConversationNotRemembered`."""
        return await self._database.read(lambda tx: self._show(tx, _known(tx, owner, conversation_id)))

    async def forget(self, owner: str, conversation_id: str) -> Receipt:
        """Erases what is remembered of a conversation. Raises `ConversationNotRemembered`."""

        def forget(tx: Transaction) -> Receipt:
            Owners(tx).refuse_departed(owner)
            conversation, _ = _known(tx, owner, conversation_id)
            self._scrubbing.owe(tx)
            return forget_conversation(tx, conversation.id, self._clock())

        return await self._database.write(forget, frees_space=True)

    async def search(self, owner: str, query: SearchQuery) -> list[FoundTurn]:
        """The owner's turns that bear on the query, best first; up to one more than its limit."""

        def search(tx: Transaction) -> list[FoundTurn]:
            found = retrieval.search(
                tx,
                owner,
                query.q,
                conversation_id=query.conversation,
                times=retrieval.Times(query.since, query.until),
                role=query.role,
                limit=query.limit + 1,
                beside=False,
            )
            return [_found(tx, each) for each in found]

        return await self._database.read(search)

    def _show(self, tx: Transaction, known: tuple[Conversation, Branch]) -> ConversationMemory:
        conversation, branch = known
        path = Branches(tx).path(branch.id, branch.tip_depth)
        sizes = Turns(tx).newest_sizes(path, branch.folded_through, TURNS_SHOWN)
        first = sizes[-1].depth if sizes else path.tip + 1
        turns = Turns(tx).between(path, first - 1, path.tip)
        return ConversationMemory(
            id=conversation.id,
            short_term=ShortTerm(
                k=self._limits.adaptive_k(branch),
                turns=[_buffered(turn) for turn in turns],
                tokens=sum(turn.tokens for turn in turns),
            ),
            long_term=_long_term(tx, conversation, path, branch.folded_through),
            statistics=self._statistics(tx, branch, path),
        )

    def _statistics(self, tx: Transaction, branch: Branch, path: Path) -> Statistics:
        jobs = Jobs(tx).of_conversation(branch.conversation_id)
        turns = Turns(tx).count(path, path.root, path.tip).turns
        unfolded_turns = Turns(tx).count(path, branch.folded_through, path.tip).turns
        folded_at = Episodes(tx).last_made_at(branch.conversation_id)
        return Statistics(
            turns=turns,
            folded_turns=turns - unfolded_turns,
            buffer_tokens=branch.unfolded_tokens,
            tokens_per_turn=round(branch.smoothed_tokens),
            fold_threshold_tokens=self._limits.high_tokens,
            folds_pending=len(jobs),
            last_fold_at=int(folded_at) if folded_at else None,
            summarizer=self._summarizer(jobs),
        )

    def _summarizer(self, jobs: list[Job]) -> SummarizerState:
        failed = max((job for job in jobs if job.attempts), key=lambda job: job.attempts, default=None)
        if not self._has_summarizer:
            return SummarizerState(state="waiting_for_key", attempts=0, last_failure=None, next_try_at=None)
        if failed is None:
            return SummarizerState(state="working" if jobs else "idle", attempts=0, last_failure=None, next_try_at=None)
        return SummarizerState(
            state="retrying",
            attempts=failed.attempts,
            last_failure=failed.failure,
            next_try_at=int(failed.next_try_at),
        )


def _known(tx: Transaction, owner: str, conversation_id: str) -> tuple[Conversation, Branch]:
    """The conversation and the branch of its newest turn; someone else's and a forgotten one are not there."""
    conversation = Conversations(tx).owned(owner, conversation_id)
    if conversation is None or conversation.active_branch is None or not Turns(tx).any_known(conversation_id):
        raise ConversationNotRemembered()
    return conversation, Branches(tx).get(conversation.active_branch)


def _long_term(tx: Transaction, conversation: Conversation, path: Path, folded_through: int) -> LongTerm:
    return LongTerm(
        interactions=[_interaction(tx, each) for each in Episodes(tx).live(path, folded_through)],
        important_details=_details(tx, conversation, path),
    )


def _interaction(tx: Transaction, episode: Episode) -> Interaction:
    quoted = Turns(tx).find(episode.quote_turn_id) if episode.quote_turn_id else None
    return Interaction(
        id=episode.id,
        timestamp=int(episode.happened_at),
        summary=episode.summary,
        verbatim_context=quoted.user_text[episode.quote_from : episode.quote_to] if quoted else "",
        priority_score=episode.priority,
        turn_id=episode.quote_turn_id,
        level=episode.level,
    )


def _details(tx: Transaction, conversation: Conversation, path: Path) -> list[ImportantDetail]:
    """Facts that were said on the path, with where on it; before them those that the user pinned, wherever said."""
    facts, owner = Facts(tx), conversation.owner
    across = Preferences(tx).of(owner).facts_across_conversations
    first = facts.visible(owner, conversation.id, path, PINNED_SHOWN, across=across)
    here = facts.visible(owner, conversation.id, path, FACTS_SHOWN, across=False)
    pinned = {fact.id: fact for fact in first if fact.status == PINNED}
    shown = pinned | {fact.id: fact for fact in here}
    details = [_detail(tx, fact, path) for fact in shown.values()]
    return [each for each in details if each.sources or each.id in pinned]


def _detail(tx: Transaction, fact: Fact, path: Path) -> ImportantDetail:
    said = [quote for quote in FactSources(tx).quotes(fact.id) if path.holds(quote.branch, quote.depth)]
    sources = [FactSource(turn_id=quote.turn_id, quote=quote.text) for quote in said]
    return ImportantDetail(id=fact.id, text=fact.text, kind=fact.kind, priority=fact.priority, sources=sources)


def _buffered(turn: Turn) -> BufferedTurn:
    return BufferedTurn(
        turn_id=turn.id,
        user=turn.user_text,
        assistant=turn.assistant_text,
        created_at=int(turn.created_at),
        tokens=turn.tokens,
    )


def _found(tx: Transaction, found: retrieval.Found) -> FoundTurn:
    turn = Turns(tx).find(found.turn.id)
    assert turn is not None
    user, assistant = excerpts(tx, turn, found.passage)
    return FoundTurn(
        id=turn.id,
        conversation_id=turn.conversation_id,
        created_at=int(turn.created_at),
        user=user,
        assistant=assistant,
        score=round(found.score, 4),
    )
