"""What may happen at the same time, does: one event on eight connections, branches that fold side by side, a fold
whose turns are revised, deleted, forgotten or given to somebody else while the model reads them."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.memory.checker import violations
from benchmarks.memory.figures import Figure
from benchmarks.memory.lab import Lab
from benchmarks.memory.replies import HELD
from benchmarks.memory.sayings import Sayings
from benchmarks.memory.talks import Event, Talk

SETTINGS = {"short_term_memory_k": 4, "fold_workers": 8, "fold_first_retry_seconds": 0.05}
CONNECTIONS = 8
TURNS = 12
BRANCHES = 4

Race = Callable[[Lab, Talk, Sayings], list[str]]


def raced(folder: Path, times: int) -> tuple[Figure, list[str]]:
    """Each race so often; the row of the table, and what was wrong afterwards."""
    sayings, faults, talks = Sayings("races"), list[str](), list[Talk]()
    with Lab(folder, **SETTINGS) as lab:
        for number in range(times):
            for name, race in RACES.items():
                talk = Talk(f"{race.__name__}_{number}")
                faults += [f"{name}: {fault}" for fault in race(lab, talk, sayings)]
                lab.llm.behave()
                faults += [f"{name}, at once: {fault}" for fault in violations(lab)]
                talks += [talk] if race in KEEPING else []
        lab.until_idle()
        faults += violations(lab, *talks)
    name = f"the same after races: {', '.join(RACES)}"
    return Figure(name, "0", f"{len(faults)} ({times * len(RACES)} races)", not faults), faults


def same_events(lab: Lab, talk: Talk, sayings: Sayings) -> list[str]:
    """Chat's relay delivers on eight connections what it should deliver on one."""
    events = [talk.turn(*sayings.turn()) for _ in range(TURNS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        outcomes = list(pool.map(lambda _: lab.deliver(*events), range(CONNECTIONS)))
    counted = Counter(outcome for each in outcomes for outcome in each)
    expected = {"applied": TURNS, "duplicate": TURNS * (CONNECTIONS - 1)}
    return [] if counted == expected else [f"outcomes {counted}"]


def branches_folding(lab: Lab, talk: Talk, sayings: Sayings) -> list[str]:
    """Branches that share unfolded turns come over their limits at the same time."""
    lab.deliver(*(talk.turn(*sayings.turn()) for _ in range(4)))
    shared = list(talk.turns)
    branches = [_branch(talk, shared[-1 - number % 2], sayings) for number in range(BRANCHES)]
    lab.llm.misbehave(HELD)
    with ThreadPoolExecutor(BRANCHES) as pool:
        list(pool.map(lambda events: lab.deliver(*events), branches))
    lab.until(lambda: lab.llm.open_streams() >= BRANCHES, "all branches are being folded")
    return []


def revised_in_a_fold(lab: Lab, talk: Talk, sayings: Sayings) -> list[str]:
    """A turn says something else, another nothing, while both are being folded."""
    _begin_a_fold(lab, talk, sayings)
    first, second, *_ = talk.turns
    lab.deliver(talk.revised(first, sayings.statement(), "Oh."), talk.revised(second))
    return []


def deleted_in_a_fold(lab: Lab, talk: Talk, sayings: Sayings) -> list[str]:
    """The conversation goes while it is being folded; a turn of it comes late."""
    _begin_a_fold(lab, talk, sayings)
    lab.deliver(talk.deleted(), talk.turn(*sayings.turn()))
    talk.turns.clear()
    lab.llm.behave()
    return _rows_of(lab, talk, *HOLDING_CONVERSATIONS)


def forgotten_in_a_fold(lab: Lab, talk: Talk, sayings: Sayings) -> list[str]:
    """The user has it forgotten while it is being folded."""
    _begin_a_fold(lab, talk, sayings)
    with lab.http(talk.owner) as http:
        http.delete(f"/v1/memory/conversations/{talk.id}").raise_for_status()
    lab.llm.behave()
    return _rows_of(lab, talk, "episodes", "jobs")


def merged_in_a_fold(lab: Lab, talk: Talk, sayings: Sayings) -> list[str]:
    """A guest signs up while their conversation is being folded."""
    _begin_a_fold(lab, talk, sayings)
    lab.merge_guest(talk.owner, into=f"account_of_{talk.owner}")
    lab.llm.behave()
    lab.until_idle()
    with lab.http(f"account_of_{talk.owner}") as http:
        kept = http.get("/v1/memory/facts").raise_for_status().json()["data"]
    return [] if kept else ["the account has no facts of the guest's"]


def _branch(talk: Talk, fork: str, sayings: Sayings) -> list[Event]:
    events = [talk.turn(*sayings.turn(), after=fork)]
    return [*events, *(talk.turn(*sayings.turn()) for _ in range(4))]


def _begin_a_fold(lab: Lab, talk: Talk, sayings: Sayings) -> None:
    lab.until_idle()
    lab.llm.misbehave(HELD)
    lab.deliver(*(talk.turn(*sayings.turn()) for _ in range(TURNS)))
    lab.until(lab.llm.open_streams, "the fold is with the model")


def _rows_of(lab: Lab, talk: Talk, *tables: str) -> list[str]:
    lab.until_idle()
    with lab.database() as database:
        look = {table: f"select 1 from {table} where conversation_id = ?" for table in tables}
        left = [table for table, sql in look.items() if database.execute(sql, (talk.id,)).fetchone()]
    return [f"{table} of it are left" for table in left]


HOLDING_CONVERSATIONS = ("turns", "branches", "episodes", "jobs")
RACES: dict[str, Race] = {
    f"the same events on {CONNECTIONS} connections": same_events,
    "branches folding side by side": branches_folding,
    "turns revised in a fold": revised_in_a_fold,
    "conversation deleted in a fold": deleted_in_a_fold,
    "memory forgotten in a fold": forgotten_in_a_fold,
    "guest merged in a fold": merged_in_a_fold,
}
KEEPING = (same_events, branches_folding, revised_in_a_fold, deleted_in_a_fold, merged_in_a_fold)
"""Those after which memory must hold every turn as it was told last."""
