"""What is deleted leaves every file of the service, while it runs: a fact, a turn, a conversation, a topic, an account.

Each has a word of its own, made of random letters, that stands in what is deleted and nowhere else.
"""

import random
import string
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory.checker import violations
from benchmarks.memory.figures import Figure
from benchmarks.memory.lab import Lab
from benchmarks.memory.sayings import Sayings
from benchmarks.memory.talks import Talk
from chassis.ids import new_id

SETTINGS = {"short_term_memory_k": 3, "fold_first_retry_seconds": 0.05}
THINKING = {"match": {}, "fault": {"before_headers_seconds": 0.05}}
LETTERS = 16
MIDDLE = slice(5, 11)
"""The index keeps stems, without the beginning that they share with the word before."""


@dataclass(frozen=True)
class Case:
    """Something that is remembered, the word that stands in it, and its owner."""

    name: str
    lab: Lab
    talk: Talk
    word: str

    def tell(self) -> None:
        """Says the word here and there, early and late, in questions and answers."""
        lines = [f"My neighbour {self.word} has {count} lanterns." for count in range(3)]
        turns = [*lines, "And then?", "Well.", f"Is {self.word} coming too?", "We shall see."]
        self.lab.deliver(*(self.talk.turn(line, f"You said: {line}") for line in turns))

    def call(self, method: str, path: str, **body: object) -> dict[str, object]:
        """The user's own request."""
        with self.lab.http(self.talk.owner) as http:
            answer: dict[str, object] = http.request(method, path, json=body or None).raise_for_status().json()
            return answer

    def until_folded(self) -> None:
        """Returns when all that was said is in episodes and facts too."""
        self.lab.until(lambda: self._owes("jobs where conversation_id = ?", self.talk.id) == 0, "everything folded")

    def is_settled(self) -> bool:
        """Whether nothing is in the making of the conversation, and the file was written anew."""
        return not self._owes("jobs where conversation_id = ?", self.talk.id) and not self._owes("erasures")

    def _owes(self, what: str, *values: str) -> int:
        with self.lab.database() as database:
            [[owed]] = database.execute(f"select count(*) from {what}", values)
            return int(owed)

    def bytes_left(self) -> list[str]:
        """The files in which it still stands."""
        sought = self.word[MIDDLE].encode()
        files = [*self.lab.data.rglob("*"), self.lab.process.log]
        return [path.name for path in files if path.is_file() and sought in path.read_bytes().lower()]


def erased(folder: Path, times: int) -> tuple[Figure, list[str]]:
    """Each kind of deletion so often, on a service that others go on using; what was found afterwards."""
    chance, faults, left, cases = random.Random("erasing"), list[str](), list[str](), list[Case]()
    with Lab(folder, **SETTINGS) as lab:
        lab.llm.misbehave(THINKING)
        with _others_talking(lab):
            for names in (OF_SOMETHING, OF_EVERYTHING) * times:
                now = [_new_case(lab, name, chance) for name in names]
                for case in now:
                    faults += [] if names[case.name](case) else [f"{case.name}: there was nothing to delete"]
                for case in now:
                    lab.until(case.is_settled, f"{case.name} deleted")
                left += _left(now)
                cases += now
        lab.until_idle()
        left += _left(cases)
        faults += left + violations(lab)
    kinds = len(OF_SOMETHING) + len(OF_EVERYTHING)
    name = f"deleted text found in any file of the service, {len(cases)} deletions of {kinds} kinds"
    return Figure(name, "0 bytes", f"{len(left) * LETTERS} bytes", not faults), faults


def _left(cases: list[Case]) -> list[str]:
    return [f"{case.name}: {case.word} still in {file}" for case in cases for file in case.bytes_left()]


def _new_case(lab: Lab, name: str, chance: random.Random) -> Case:
    word = "".join(chance.choices(string.ascii_lowercase, k=LETTERS))
    return Case(name, lab, Talk(new_id("user")), word)


@contextmanager
def _others_talking(lab: Lab) -> Iterator[None]:
    """Somebody else's turns all the while, so that pages are split and the log is never at rest."""
    stopping, sayings = threading.Event(), Sayings("others")

    def talk_on() -> None:
        talk = Talk("somebody_else")
        while not stopping.wait(0.05):
            lab.deliver(talk.turn(*sayings.turn()))

    thread = threading.Thread(target=talk_on)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _fact(case: Case) -> list[str]:
    """One that the user wrote, one that they corrected; the words of a turn would stay."""
    written = case.call("POST", "/v1/memory/facts", text=f"I keep bees with {case.word}.")
    other = case.call("POST", "/v1/memory/facts", text="I keep bees with somebody.")
    case.call("PATCH", f"/v1/memory/facts/{other['id']}", text=f"I keep goats with {case.word}.")
    case.call("PATCH", f"/v1/memory/facts/{other['id']}", text="I keep goats.")
    before = case.bytes_left()
    for fact in (written, other):
        case.call("DELETE", f"/v1/memory/facts/{fact['id']}")
    return before


def _turn(case: Case) -> list[str]:
    """All that said it become empty, as when a user deletes messages in chat."""
    case.tell()
    case.until_folded()
    before = case.bytes_left()
    said = [each.id for each in case.talk.turns.values() if case.word in each.user + each.assistant]
    case.lab.deliver(*(case.talk.revised(each) for each in said))
    return before


def _turn_in_the_making(case: Case) -> list[str]:
    """While the fold that reads it is with the model."""
    case.tell()
    before = case.bytes_left()
    said = [each.id for each in case.talk.turns.values() if case.word in each.user + each.assistant]
    case.lab.deliver(*(case.talk.revised(each, "Never mind.") for each in said))
    return before


def _conversation(case: Case) -> list[str]:
    case.tell()
    case.until_folded()
    before = case.bytes_left()
    case.lab.deliver(case.talk.deleted())
    return before


def _conversation_in_the_making(case: Case) -> list[str]:
    """While the fold that reads it is with the model."""
    case.tell()
    before = case.bytes_left()
    case.lab.deliver(case.talk.deleted())
    return before


def _memory(case: Case) -> list[str]:
    """The conversation stays with chat."""
    case.tell()
    case.until_folded()
    before = case.bytes_left()
    case.call("DELETE", f"/v1/memory/conversations/{case.talk.id}")
    return before


def _topic(case: Case) -> list[str]:
    case.tell()
    case.until_folded()
    before = case.bytes_left()
    case.call("POST", "/v1/memory/forget", topic=case.word)
    return before


def _account(case: Case) -> list[str]:
    case.tell()
    case.call("POST", "/v1/memory/facts", text=f"I keep bees with {case.word}.")
    before = case.bytes_left()
    case.lab.erase_account(case.talk.owner)
    return before


def _merged_account(case: Case) -> list[str]:
    """The account of somebody who came as a guest, and said it then."""
    case.tell()
    before = case.bytes_left()
    case.lab.merge_guest(case.talk.owner, into=f"into_{case.talk.owner}")
    case.until_folded()
    case.lab.erase_account(f"into_{case.talk.owner}")
    return before


OF_SOMETHING: dict[str, Callable[[Case], list[str]]] = {
    "facts": _fact,
    "turns": _turn,
    "turns in the making": _turn_in_the_making,
    "conversation": _conversation,
    "conversation in the making": _conversation_in_the_making,
    "memory of a conversation": _memory,
    "topic": _topic,
}
OF_EVERYTHING: dict[str, Callable[[Case], list[str]]] = {"account": _account, "account of a guest": _merged_account}
"""With these the file is written anew before they are answered, and with it goes what others have left."""
