"""Forgets a topic for good: facts and turns on it, and all that was made of them. Or only says what would go."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.owners import Owners
from memory_service.problems import ConversationNotRemembered
from memory_service.retraction import retract_for_good
from memory_service.revising import Revising, episodes_over
from memory_service.schemas.topics import Forgetting, ForgetTopic, ForgottenFact, ForgottenTurn
from memory_service.scrubbing import Scrubbing
from memory_service.stores.conversations import Conversations
from memory_service.stores.fact_changes import FactChanges
from memory_service.stores.fact_sources import FactSources
from memory_service.stores.facts import Facts
from memory_service.stores.forgotten_topics import ForgottenTopics
from memory_service.stores.jobs import Jobs
from memory_service.stores.turns import FORGOTTEN, Turn, Turns, husk_of
from memory_service.topics import FactsOnTopic, Topic, facts_on, newer_turns_on, turns_on

TURNS_AT_ONCE = 10
FACTS_AT_ONCE = 200
PAUSE_SECONDS = 1.0
"""Folds wait so long after a transaction: the next would make what they have begun start over."""

T = TypeVar("T")


@dataclass(frozen=True)
class _Found:
    """What is on the topic among turns up to the number `through`, and how many episodes tell of them."""

    turns: list[ForgottenTurn]
    facts: FactsOnTopic
    episodes: int
    through: int

    @property
    def turn_ids(self) -> list[str]:
        return [turn.id for turn in self.turns]


class _OnlyTried(Exception):
    """Takes back what was done to see what would go."""

    def __init__(self, gone: list[ForgottenFact]) -> None:
        self.gone = gone


class TopicForgetting:
    """What is on the topic goes a few rows a transaction, for others wait meanwhile: first the facts, then the turns.

    A turn goes with all that was made of it, so nothing derived outlives it; what an interruption leaves undone is
    found again by the next try.
    """

    def __init__(self, database: Database, revising: Revising, scrubbing: Scrubbing, clock: Clock) -> None:
        self._database = database
        self._revising = revising
        self._scrubbing = scrubbing
        self._clock = clock

    async def forget(self, owner: str, wish: ForgetTopic) -> Forgetting:
        """Raises `TopicSaysNothing`, `TopicTooBroad`, `ConversationNotRemembered`."""
        topic = Topic(wish.topic)
        found = await self._database.read(lambda tx: _find(tx, owner, topic, wish.conversation))
        if wish.dry_run:
            facts = await self._try(owner, found, wish.conversation)
        else:
            note = partial(self._note, owner=owner, topic=topic, found=found, within=wish.conversation)
            found = await self._write(note)
            facts = await self._forget(owner, found, wish.conversation)
        return Forgetting(
            topic=wish.topic, dry_run=wish.dry_run, facts=facts, turns=found.turns, episodes=found.episodes
        )

    async def _try(self, owner: str, found: _Found, conversation_id: str | None) -> list[ForgottenFact]:
        """The facts that would go: they do, and are put back."""

        def only_try(tx: Transaction) -> None:
            gone = self._forget_facts(tx, owner, found.facts, conversation_id)
            raise _OnlyTried([*gone, *self._unsay(tx, owner, found.turn_ids)])

        try:
            await self._write(only_try)
        except _OnlyTried as tried:
            return tried.gone
        raise AssertionError("what is only tried is taken back")

    async def _forget(self, owner: str, found: _Found, conversation_id: str | None) -> list[ForgottenFact]:
        """All facts go before the first turn: one that was folded from several turns of the topic goes with any."""
        gone: list[ForgottenFact] = []
        for facts in _few_facts(found.facts):
            gone += await self._write(partial(self._forget_facts, owner=owner, facts=facts, within=conversation_id))
        for some in _batches(found.turn_ids, TURNS_AT_ONCE):
            gone += await self._write(partial(self._unsay, owner=owner, turn_ids=some))
        for some in _batches(found.turn_ids, TURNS_AT_ONCE):
            await self._write(partial(self._make_husks, owner=owner, turn_ids=some))
        return gone

    def _note(self, tx: Transaction, owner: str, topic: Topic, found: _Found, within: str | None) -> _Found:
        """From here on turns that arrive late are husks already; returns what was found with what has arrived since."""
        Owners(tx).refuse_departed(owner)
        ForgottenTopics(tx).add(owner, within, topic.words, self._clock())
        return replace(found, turns=[*found.turns, *newer_turns_on(tx, owner, topic, within, found.through)])

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        return await self._database.write(work, frees_space=True)

    def _forget_facts(
        self, tx: Transaction, owner: str, facts: FactsOnTopic, within: str | None
    ) -> list[ForgottenFact]:
        """Those on the topic; `within` a conversation, what was said elsewhere too only counts as not said there."""
        Owners(tx).refuse_departed(owner)
        before = Facts(tx).texts(owner)
        for fact in facts.saying:
            if within is not None:
                FactSources(tx).drop_all_in(fact.id, within)
            if within is None or not FactSources(tx).of(fact.id):
                retract_for_good(tx, fact, self._clock())
        for fact in facts.having_said:
            FactChanges(tx).forget_texts_before(fact.id, fact.text)
        self._scrubbing.owe(tx)
        return _gone(tx, owner, before)

    def _unsay(self, tx: Transaction, owner: str, turn_ids: Sequence[str]) -> list[ForgottenFact]:
        """Returns the facts that nothing bears out without these turns."""
        Owners(tx).refuse_departed(owner)
        before = Facts(tx).texts(owner)
        for turn in _still_there(tx, turn_ids):
            self._revising.unsay(tx, turn)
        return _gone(tx, owner, before)

    def _make_husks(self, tx: Transaction, owner: str, turn_ids: Sequence[str]) -> None:
        """They stay known, so that neither chat nor a late event brings them back."""
        Owners(tx).refuse_departed(owner)
        conversations = set[str]()
        for turn in _still_there(tx, turn_ids):
            self._revising.revise(tx, turn, husk_of(turn))
            conversations.add(turn.conversation_id)
        for conversation_id in conversations:
            Jobs(tx).put_off(conversation_id, self._clock() + PAUSE_SECONDS)


def _find(tx: Transaction, owner: str, topic: Topic, conversation_id: str | None) -> _Found:
    if conversation_id is not None and Conversations(tx).owned(owner, conversation_id) is None:
        raise ConversationNotRemembered(param="conversation")
    turns = turns_on(tx, owner, topic, conversation_id)
    episodes = {each.id for turn in _still_there(tx, [turn.id for turn in turns]) for each in episodes_over(tx, turn)}
    return _Found(turns, facts_on(tx, owner, topic, conversation_id), len(episodes), Turns(tx).newest_number())


def _gone(tx: Transaction, owner: str, before: Mapping[str, str]) -> list[ForgottenFact]:
    left = Facts(tx).texts(owner)
    return [ForgottenFact(id=fact_id, text=text) for fact_id, text in before.items() if fact_id not in left]


def _batches(all_of_them: Sequence[T], at_once: int) -> Iterator[Sequence[T]]:
    return (all_of_them[first : first + at_once] for first in range(0, len(all_of_them), at_once))


def _few_facts(facts: FactsOnTopic) -> Iterator[FactsOnTopic]:
    yield from (FactsOnTopic([*some], []) for some in _batches(facts.saying, FACTS_AT_ONCE))
    yield from (FactsOnTopic([], [*some]) for some in _batches(facts.having_said, FACTS_AT_ONCE))


def _still_there(tx: Transaction, turn_ids: Sequence[str]) -> Iterator[Turn]:
    for turn_id in turn_ids:
        turn = Turns(tx).find(turn_id)
        if turn and turn.status != FORGOTTEN:
            yield turn
