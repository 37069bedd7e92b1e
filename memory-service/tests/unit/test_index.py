"""The index and the search over it, on a database of their own."""

from dataclasses import replace

import apsw
import pytest

from chassis.database import Row, Transaction
from memory_service import retrieval
from memory_service.indexing import (
    index_conversation,
    index_turn,
    leave_conversation,
    take_out_conversation,
    take_out_turn,
)
from memory_service.postings import PAIRS, RARE, WHOLE_WORDS, gather_all
from memory_service.retrieval import Found, Times
from memory_service.revising import branches_through
from memory_service.scopes import MOST_SPANS, scope_of
from memory_service.stores.branches import Branches, Path
from memory_service.stores.conversations import Conversations
from memory_service.stores.passages import DEEPEST, EVERYTHING, IndexOwner, Passages, match_of
from memory_service.stores.turns import Turn, Turns
from memory_service.words import _stem

START = 1_760_000_000.0


class Counting(Transaction):
    """Counts how many numbers of passages were read from the index."""

    read = 0
    counts = 0

    def value(self, sql: str, *values: object, **named: object) -> object:
        value = super().value(sql, *values, **named)
        self.counts += "count(*)" in sql
        if "passages_fts match" in sql:
            self.read += str(value).count(",") + 1
        return value


class Reading(Transaction):
    """Counts the rows that were read."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx._connection)
        self.read = 0

    def all(self, sql: str, *values: object, **named: object) -> list[Row]:
        rows = super().all(sql, *values, **named)
        self.read += len(rows)
        return rows


@pytest.fixture
def tx(connection: apsw.Connection) -> Counting:
    return Counting(connection)


class Talk:
    """A conversation that grows turn by turn, and forks."""

    def __init__(self, tx: Transaction, owner: str = "user_1", name: str = "conv_1") -> None:
        self.tx, self.owner, self.name, self.said = tx, owner, name, 0
        Conversations(tx).open(name, owner)
        self.branch = Branches(tx).open(name, parent=None, parent_turn_id=None, fork_depth=0)
        self.depth = 0

    def say(self, user: str, assistant: str = "Noted.", hours: float = 0) -> Turn:
        self.depth += 1
        self.said += 1
        moment = START + hours * 3600
        turn = Turn(
            id=f"{self.name}_{self.said}",
            owner=self.owner,
            conversation_id=self.name,
            branch=self.branch,
            depth=self.depth,
            status="completed",
            remembered=True,
            user_text=user,
            assistant_text=assistant,
            file_ids=[],
            model=None,
            tokens=10,
            created_at=moment,
            ended_at=moment,
            session_at=START,
        )
        Turns(self.tx).add(turn)
        Branches(self.tx).extend(self.branch, self.depth)
        index_turn(self.tx, turn)
        return turn

    def fork(self, depth: int) -> None:
        parent = self.branch
        self.branch = Branches(self.tx).open(self.name, parent=parent, parent_turn_id="x", fork_depth=depth)
        self.depth = depth

    @property
    def path(self) -> Path:
        return Branches(self.tx).path(self.branch, self.depth)


def ids(found: list[Found]) -> list[str]:
    return [each.turn.id for each in found]


def holds(tx: Transaction, word: str) -> list[int]:
    """Numbers of passages that hold a word for `user_1`."""
    known = Passages(tx).of_owner("user_1")
    return Passages(tx).holding(match_of(known, [word]), [EVERYTHING], 100) if known else []


def test_a_word_of_one_owner_is_no_word_of_another(tx: Counting) -> None:
    for number in range(1, 13):
        Talk(tx, f"user_{number}", f"conv_{number}").say("My falcon is called Ferdinand.")

    found = retrieval.search(tx, "user_2", "falcon", limit=10)

    assert ids(found) == ["conv_2_1"]
    assert retrieval.search(tx, "user_99", "falcon", limit=10) == []


def test_what_others_say_does_not_change_what_a_search_reads(tx: Counting) -> None:
    Talk(tx, "user_2", "conv_2").say("My falcon is called Ferdinand.")
    retrieval.search(tx, "user_2", "falcon", limit=10)
    alone, tx.read = tx.read, 0
    crowd = Talk(tx)
    for _ in range(200):
        crowd.say("A falcon, another falcon.")

    retrieval.search(tx, "user_2", "falcon", limit=10)

    assert tx.read == alone


def test_common_words_cost_no_more_in_a_long_conversation(tx: Counting) -> None:
    talk = Talk(tx)
    for number in range(6 * RARE):
        talk.say(f"The keeper wrote about day {number}.")

    found = retrieval.search(tx, "user_1", "What did the keeper write about day 700?", path=talk.path, limit=5)

    assert ids(found)[0] == "conv_1_701"
    assert tx.counts == 0  # on a path it shows in how far the newest reach
    assert tx.read <= 5 * RARE


def test_words_that_have_each_become_common_are_found_where_they_stand_together(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("The code of the boathouse is 4711.")
    for number in range(2 * RARE):
        talk.say(f"The code of something, {number}.")
        talk.say(f"Something at the boathouse, {number}.")
        talk.say("Something else altogether.")
        talk.say("And something else again.")
        talk.say("It goes on and on.")

    found = retrieval.search(tx, "user_1", "What is the boathouse code?", path=talk.path, limit=5)

    assert ids(found)[0] == "conv_1_1"
    assert tx.read <= 2 * RARE + PAIRS + 2


def test_one_common_word_is_found_where_it_was_said_last(tx: Counting) -> None:
    talk = Talk(tx)
    for _ in range(2 * RARE):
        talk.say("A kestrel.")

    found = retrieval.search(tx, "user_1", "kestrel", path=talk.path, limit=RARE, beside=False)

    assert {each.turn.depth for each in found} == set(range(RARE + 1, 2 * RARE + 1))


def test_words_that_are_common_and_never_together_are_found_too(tx: Counting) -> None:
    talk = Talk(tx)
    for _ in range(2 * RARE):
        talk.say("A kestrel.")
        talk.say("A heron.")

    assert len(retrieval.search(tx, "user_1", "heron kestrel", path=talk.path, limit=10)) == 10


def test_only_the_path_is_searched_and_its_forks_are_neighbours(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("Let us talk about the saxophone.")
    talk.say("A saxophone costs 900 euros.")
    talk.fork(1)
    talk.say("How much is it?", "1,200 euros.")

    found = retrieval.search(tx, "user_1", "saxophone", path=talk.path, limit=10)

    assert ids(found) == ["conv_1_1", "conv_1_3"]
    assert found[1].passage is None


def test_a_path_of_many_forks_is_searched_whole(tx: Counting) -> None:
    talk, other = Talk(tx), Talk(tx, name="conv_2")
    for number in range(3 * MOST_SPANS):
        talk.say(f"A kestrel, number {number}.")
        other.say("A kestrel elsewhere.")
        talk.fork(talk.depth)

    found = retrieval.search(tx, "user_1", "kestrel", path=talk.path, limit=100, beside=False)

    assert sorted(ids(found)) == sorted(f"conv_1_{number + 1}" for number in range(3 * MOST_SPANS))


def test_a_conversation_is_searched_with_all_its_branches(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("A kestrel.")
    talk.fork(0)
    talk.say("Another kestrel.")
    Talk(tx, name="conv_2").say("A kestrel elsewhere.")

    found = retrieval.search(tx, "user_1", "kestrel", conversation_id="conv_1", limit=10)

    assert sorted(ids(found)) == ["conv_1_1", "conv_1_2"]


@pytest.mark.parametrize(("role", "expected"), [("user", ["conv_1_1"]), ("assistant", ["conv_1_2"])])
def test_a_role_is_that_of_who_said_the_word(tx: Counting, role: retrieval.Role, expected: list[str]) -> None:
    talk = Talk(tx)
    talk.say("I saw a kestrel.", "Where?")
    talk.say("What was that bird?", "A kestrel.")

    assert ids(retrieval.search(tx, "user_1", "kestrel", role=role, limit=10)) == expected


def test_times_are_from_and_before(tx: Counting) -> None:
    talk = Talk(tx)
    for hour in range(4):
        talk.say("A kestrel.", hours=hour)

    found = retrieval.search(
        tx, "user_1", "kestrel", times=Times(START + 3600, START + 3 * 3600), limit=10, beside=False
    )

    assert sorted(ids(found)) == ["conv_1_2", "conv_1_3"]


def test_a_long_answer_is_found_by_one_of_its_passages(tx: Counting) -> None:
    talk = Talk(tx)
    filler = "Granite is a stone that was made in the deep. " * 30
    talk.say("Tell me about birds and stones.", f"{filler} The kestrel nests in the belfry. {filler}")
    talk.say("And the kestrel?", "It is a bird.")

    found = retrieval.search(tx, "user_1", "Where does the kestrel nest: belfry?", path=talk.path, limit=1)

    assert ids(found) == ["conv_1_1"]
    assert found[0].passage is not None
    passage = Passages(tx).find(found[0].passage)
    answer = Turns(tx).find_all(["conv_1_1"])["conv_1_1"].assistant_text
    assert "kestrel nests" in answer[passage.assistant_from : passage.assistant_to]


def test_a_turn_that_is_taken_out_leaves_nothing(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("A kestrel.")
    turn = talk.say("A kestrel and a heron.")

    take_out_turn(tx, turn)

    assert len(holds(tx, "kestrel")) == 1
    assert holds(tx, "heron") == []
    assert Passages(tx).of_owner("user_1") == IndexOwner(1, 1, 1)


def test_a_conversation_that_changes_hands_is_found_by_its_new_owner_alone(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("A kestrel.")
    talk.fork(0)
    talk.say("A heron.")
    take_out_conversation(tx, talk.name)
    Conversations(tx).give(talk.name, "user_2")
    Turns(tx).give(talk.name, "user_2")

    index_conversation(tx, talk.name)

    assert retrieval.search(tx, "user_1", "kestrel heron", limit=10) == []
    assert len(retrieval.search(tx, "user_2", "kestrel heron", limit=10)) == 2
    assert Passages(tx).of_owner("user_2") == IndexOwner(2, 2, 2)


def test_a_turn_that_is_not_remembered_is_not_found_beside_others(tx: Counting) -> None:
    talk = Talk(tx)
    first, second = talk.say("A kestrel."), talk.say("Something else.")
    take_out_turn(tx, second)
    Turns(tx).revise(replace(second, remembered=False, user_text="", assistant_text=""))

    assert ids(retrieval.search(tx, "user_1", "kestrel", path=talk.path, limit=10)) == [first.id]


def test_of_a_very_long_query_no_more_is_stemmed_than_its_ends(tx: Counting) -> None:
    talk = Talk(tx)
    asked_first, asked_last = talk.say("I keep a zebrafish."), talk.say("My violin is from Cremona.")
    pasted = " ".join(f"w{number:x}ord" for number in range(20_000))
    stemmed = _stem.cache_info().misses

    found = retrieval.search(tx, "user_1", f"Where is my zebrafish? {pasted} And the violin?", limit=5)

    assert {each.turn.id for each in found} == {asked_first.id, asked_last.id}
    assert _stem.cache_info().misses - stemmed < 10_000


def test_a_question_below_a_long_text_is_answered(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("The code of the boathouse is 4711.")
    paste = " ".join(f"entry{number}" for number in range(500))
    text = f"{paste} The boathouse code is long. {paste.upper()} {paste.replace('entry', 'line')}"

    found = retrieval.search(tx, "user_1", f"{text} What is the boathouse code?", path=talk.path, limit=5)

    assert ids(found) == ["conv_1_1"]


def test_a_turn_too_deep_for_the_index_takes_nothing_else_out_of_it(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("A kestrel.")
    talk.say("A heron.")
    talk.depth = DEEPEST + 1
    deep = talk.say("A kestrel, deep down.")

    take_out_turn(tx, deep)

    assert len(holds(tx, "kestrel")) == len(holds(tx, "heron")) == 1
    assert ids(retrieval.search(tx, "user_1", "kestrel", path=talk.path, limit=5, beside=False)) == ["conv_1_1"]


def test_many_common_words_within_times_cost_no_more_than_a_few(tx: Counting) -> None:
    talk = Talk(tx)
    for _ in range(50):
        talk.say("heron kestrel osprey falcon curlew plover")
    talk.say("heron siskin")
    known = Passages(tx).of_owner("user_1")
    assert known is not None
    words = [[word] for word in ("heron", "kestrel", "osprey", "falcon", "curlew", "plover", "siskin")]

    postings = gather_all(tx, known, words, scope_of(tx, known, None, None), None, 40)

    assert sum(len(each.numbers) for each in postings) <= WHOLE_WORDS * 40
    assert "siskin" in postings[0].match


def test_who_leads_through_a_turn_is_found_without_walking_every_path(tx: Counting) -> None:
    talk = Talk(tx)
    for number in range(40):
        talk.say(f"Step {number}.")
        talk.fork(talk.depth)
    turn = Turns(tx).find("conv_1_20")
    assert turn is not None
    rows = Reading(tx)

    through = branches_through(rows, turn)

    assert [each.id for each in through] == list(range(turn.branch, talk.branch + 1))
    assert rows.read <= 2 * len(through)


def test_what_was_said_elsewhere_between_the_pieces_of_a_path_does_not_hide_what_it_has(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("The kestrel of my aunt is called Ferdinand.")
    for number in range(MOST_SPANS + 4):
        talk.say("Something else.")
        elsewhere = Talk(tx, name=f"conv_{number + 2}")
        for _ in range(RARE // 2):
            elsewhere.say("A kestrel.")
        talk.fork(talk.depth)
    talk.say("And on.")

    found = retrieval.search(tx, "user_1", "kestrel", path=talk.path, limit=5, beside=False)

    assert ids(found) == ["conv_1_1"]


def test_a_conversation_that_is_left_is_found_no_more_and_its_words_are_cleared_little_by_little(tx: Counting) -> None:
    talk, other = Talk(tx), Talk(tx, name="conv_2")
    for number in range(30):
        talk.say(f"A kestrel, number {number}.")
    other.say("A kestrel elsewhere.")

    leave_conversation(tx, talk.name)
    for branch in Branches(tx).of(talk.name):
        for turn in Turns(tx).of_branch(branch.id):
            Turns(tx).revise(replace(turn, remembered=False, user_text="", assistant_text=""))
    found = retrieval.search(tx, "user_1", "kestrel", limit=10)
    still_there = len(holds(tx, "kestrel"))
    cleared = [Passages(tx).clear_some(20) for _ in range(3)]

    assert ids(found) == ["conv_2_1"]
    assert still_there == 31
    assert cleared == [True, True, False]
    assert len(holds(tx, "kestrel")) == 1
    assert Passages(tx).of_owner("user_1") == IndexOwner(1, 1, 1)


def test_the_place_of_what_was_left_is_nobodys_until_it_is_cleared(tx: Counting) -> None:
    gone = Talk(tx)
    gone.say("A kestrel.")
    leave_conversation(tx, gone.name)
    Turns(tx).erase(gone.name)
    Branches(tx).erase(gone.name)

    new = Talk(tx, name="conv_2")
    new.say("A heron.")

    assert new.branch > gone.branch
    assert ids(retrieval.search(tx, "user_1", "kestrel heron", limit=10)) == ["conv_2_1"]


def test_what_is_said_after_a_conversation_was_left_stays(tx: Counting) -> None:
    talk = Talk(tx)
    talk.say("A kestrel.")
    leave_conversation(tx, talk.name)
    talk.say("A kestrel again.")

    while Passages(tx).clear_some(20):
        pass

    assert len(holds(tx, "kestrel")) == 1
    assert Passages(tx).of_owner("user_1") == IndexOwner(1, 1, 1)


def test_turns_beside_count_less_where_turns_are_long_and_have_many_words(tx: Counting) -> None:
    def share_of_the_turn_beside(owner: str, answer: str) -> float:
        talk = Talk(tx, owner, f"conv_{owner}")
        talk.say("A kestrel.", answer)
        talk.say("Something else.", answer)
        hit, beside = retrieval.search(tx, owner, "kestrel", path=talk.path, limit=2)
        return beside.score / hit.score

    long = "Granite is a stone that was made in the deep. " * 100

    assert share_of_the_turn_beside("user_2", long) < share_of_the_turn_beside("user_1", "Noted.") / 2
