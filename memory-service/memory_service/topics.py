"""What is on a topic: the turns and the facts that have all of its words."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from operator import attrgetter

from chassis.database import Transaction
from memory_service.passages import passages_of
from memory_service.problems import TopicSaysNothing, TopicTooBroad
from memory_service.recall import excerpts
from memory_service.schemas.topics import ForgottenTurn
from memory_service.stores.branches import Branches
from memory_service.stores.fact_changes import FactChanges
from memory_service.stores.facts import Fact, Facts
from memory_service.stores.forgotten_topics import ForgottenTopics
from memory_service.stores.passages import (
    EVERYTHING,
    Passages,
    Span,
    branch_and_depth_of,
    match_of,
    place_of_passage,
    span_of,
    turn_place,
)
from memory_service.stores.turns import Turn, Turns
from memory_service.stores.unindexed import Unindexed
from memory_service.words import asked, indexed

MOST_TURNS = 500
WORDS_SOUGHT = 12
"""The index is asked for so many words of a topic; what it finds is held against all of them."""
COMMON = 20_000
"""A word that so many passages have is not looked up; what the other words find is held against it."""
MOST_CONSIDERED = 2000


class Topic:
    """Words, each as the stems that it may be indexed under. Raises `TopicSaysNothing` when there are none."""

    def __init__(self, said: str) -> None:
        self.words = asked(said)
        if not self.words:
            raise TopicSaysNothing(param="topic")

    def is_in(self, text: str) -> bool:
        """Whether the text has all of them."""
        return self._is_among(_with_beginnings(indexed(text)))

    def is_in_turn(self, turn: Turn) -> bool:
        """Whether its two texts together have all of them."""
        return self._is_among(_stems_of(turn))

    def _is_among(self, stems: Set[str]) -> bool:
        return all(not stems.isdisjoint(alike) for alike in self.words)


def was_forgotten(tx: Transaction, turn: Turn) -> bool:
    """Whether the turn, which arrives only now, was said before a topic that it is on was forgotten."""
    topics = ForgottenTopics(tx).since(turn.owner, turn.conversation_id, turn.created_at)
    return bool(topics) and any(topic.is_among(_stems_of(turn)) for topic in topics)


def is_forgotten(tx: Transaction, owner: str, conversation_id: str, text: str, said_at: float) -> bool:
    """Whether a fact that was said then is on a topic that was forgotten since, of whichever turns it is made."""
    topics = ForgottenTopics(tx).since(owner, conversation_id, said_at)
    return bool(topics) and any(topic.is_among(_with_beginnings(indexed(text))) for topic in topics)


@dataclass(frozen=True)
class FactsOnTopic:
    """Facts that say it, and those that once said it and say something else now."""

    saying: list[Fact]
    having_said: list[Fact]


def facts_on(tx: Transaction, owner: str, topic: Topic, conversation_id: str | None) -> FactsOnTopic:
    """The owner's facts on the topic, in force or not; with a conversation those that were said there."""
    facts = Facts(tx).all_of(owner) if conversation_id is None else Facts(tx).said_in_conversation(conversation_id)
    facts = [fact for fact in facts if fact.owner == owner]
    former = {fact_id for fact_id, text in FactChanges(tx).former_texts(owner) if topic.is_in(text)}
    saying = [fact for fact in facts if topic.is_in(fact.text)]
    former.difference_update(fact.id for fact in saying)
    return FactsOnTopic(saying, [fact for fact in facts if fact.id in former])


def turns_on(
    tx: Transaction, owner: str, topic: Topic, conversation_id: str | None, *, common: int = COMMON
) -> list[ForgottenTurn]:
    """The owner's turns on the topic, oldest first. Raises `TopicTooBroad`."""
    found: list[ForgottenTurn] = []
    for turn, passage in _candidates(tx, owner, topic, conversation_id, common):
        if topic.is_in_turn(turn):
            found.append(_shown(tx, turn, passage))
        if len(found) > MOST_TURNS:
            raise TopicTooBroad()
    return sorted(found, key=attrgetter("created_at", "id"))


def newer_turns_on(
    tx: Transaction, owner: str, topic: Topic, conversation_id: str | None, number: int
) -> list[ForgottenTurn]:
    """Those that arrived after the turn of that number."""
    newer = Turns(tx).find_all(Turns(tx).newer(number, owner)).values()
    here = [turn for turn in newer if conversation_id in (None, turn.conversation_id)]
    return [_shown(tx, turn, None) for turn in here if topic.is_in_turn(turn)]


def _candidates(
    tx: Transaction, owner: str, topic: Topic, conversation_id: str | None, common: int
) -> Iterator[tuple[Turn, int | None]]:
    """Turns that may be on the topic, with a passage of each that has one of its words.

    They are read one by one: their texts together may be more than memory should hold.
    """
    passages = _passages_by_place(tx, owner, topic, conversation_id, common)
    placed = Turns(tx).placed([branch_and_depth_of(place) for place in passages])
    shown_by: dict[str, int | None] = dict.fromkeys([*Turns(tx).kept_aside(owner), *Unindexed(tx).of(owner)])
    shown_by |= {turn.id: passages[turn_place(turn.branch, turn.depth)] for turn in placed.values()}
    for turn_id, passage in shown_by.items():
        turn = Turns(tx).find(turn_id)
        if turn and turn.owner == owner and conversation_id in (None, turn.conversation_id):
            yield turn, passage


def _passages_by_place(
    tx: Transaction, owner: str, topic: Topic, conversation_id: str | None, common: int
) -> dict[int, int]:
    """Where turns stand that the index has under all the words, each with its passage that has the rarest of them.

    Raises `TopicTooBroad` when these are too many to look at.
    """
    known = Passages(tx).of_owner(owner)
    if known is None:
        return {}
    spans = _spans(tx, conversation_id)
    postings = [
        Passages(tx).holding(match_of(known, alike, "either"), spans, common) for alike in topic.words[:WORDS_SOUGHT]
    ]
    telling = sorted((each for each in postings if len(each) < common), key=len)
    if not telling:
        raise TopicTooBroad()
    places = set.intersection(*({place_of_passage(number) for number in each} for each in telling))
    if len(places) > MOST_CONSIDERED:
        raise TopicTooBroad()
    return {place: number for number in telling[0] if (place := place_of_passage(number)) in places}


def _spans(tx: Transaction, conversation_id: str | None) -> list[Span]:
    if conversation_id is None:
        return [EVERYTHING]
    return [span_of(branch.own) for branch in Branches(tx).of(conversation_id)]


def _stems_of(turn: Turn) -> set[str]:
    """What the turn is found by, read as the index reads it."""
    stems: list[str] = []
    for each in passages_of(turn.user_text, turn.assistant_text):
        stems += indexed(turn.user_text[each.user_from : each.user_to])
        stems += indexed(turn.assistant_text[each.assistant_from : each.assistant_to])
    return _with_beginnings(stems)


def _with_beginnings(stems: Iterable[str]) -> set[str]:
    """With `x*` for each character that a stem begins with: how a character that was asked for alone is looked for."""
    return {form for stem in stems for form in (stem, f"{stem[0]}*")}


def _shown(tx: Transaction, turn: Turn, passage: int | None) -> ForgottenTurn:
    user, assistant = excerpts(tx, turn, passage)
    return ForgottenTurn(
        id=turn.id,
        conversation_id=turn.conversation_id,
        created_at=int(turn.created_at),
        user=user,
        assistant=assistant,
    )
