"""The checker of memory's file finds what it is there to find: each row that is broken by hand is told."""

import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from benchmarks.memory.checker import faults_of
from benchmarks.memory.lab import Lab
from benchmarks.memory.sayings import Sayings
from benchmarks.memory.snapshot import Snapshot
from benchmarks.memory.talks import Talk

DAMAGE = {
    "a turn is lost": ("delete from turns where depth = 3 and branch = 1", "lost"),
    "a turn says something else": (
        "update turns set user_text = 'I said nothing.' where depth = 3",
        "not what was told",
    ),
    "a turn is there that nobody told": (
        "update turns set id = 'resp_of_nobody' where depth = 3 and branch = 1",
        "told by nobody",
    ),
    "the pointer stands too far": ("update branches set folded_through = tip_depth + 1 where id = 1", "pointer"),
    "the buffer is counted wrong": ("update branches set unfolded_turns = 17 where id = 1", "short-term memory"),
    "an episode is gone": ("delete from episodes where depth_from = 1", "no episode covers"),
    "an episode holds too much": (
        "update episodes set depth_from = depth_from - 1 where depth_from > 1",
        "elsewhere too",
    ),
    "a merged episode holds too little": (
        "update episodes set depth_from = depth_from + 1 where level = 1",
        "holds less than",
    ),
    "an episode quotes what is not there": ("update episodes set quote_to = 100000", "quotes what is not there"),
    "a fact has no source": ("delete from fact_sources", "said nowhere"),
    "a fact quotes what is not there": ("update fact_sources set quote_from = quote_to", "quotes what is not there"),
    "a fact is somebody else's": ("update facts set owner = 'user_2'", "no turn of its owner's"),
    "a turn is not found": ("delete from passages where number in (select max(number) from passages)", "passages"),
    "a turn is found in part": ("update passages set assistant_to = assistant_to - 1", "not there whole"),
    "an entry is gone": ("delete from passages_fts where rowid in (select min(number) from passages)", "no entry"),
    "a turn is found by somebody else": (
        "update passages_fts set user_text = '99·stolen' where rowid in (select min(number) from passages)",
        "found by somebody else",
    ),
    "what an owner has is counted wrong": ("update index_owners set passages = passages + 1", "counted as"),
    "a row refers to nothing": ("delete from conversations", "refers to nothing"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Talk, Path]:
    """A conversation that was folded and merged, and the file that holds it."""
    talk, sayings = Talk(), Sayings("checker")
    with Lab(tmp_path_factory.mktemp("checker"), short_term_memory_k=3) as lab:
        for _ in range(10):
            lab.deliver(talk.turn(*sayings.turn()), talk.turn(*sayings.turn()))
            lab.until_idle()
    return talk, lab.data / "data.sqlite3"


def test_the_checker_finds_nothing_wrong_with_what_the_service_keeps(told: tuple[Talk, Path]) -> None:
    talk, file = told

    with closing(apsw.Connection(str(file))) as database:
        faults = faults_of(Snapshot(database), talk)

    assert not faults


@pytest.mark.parametrize(("damage", "fault"), DAMAGE.values(), ids=DAMAGE)
def test_the_checker_tells_what_is_broken(told: tuple[Talk, Path], tmp_path: Path, damage: str, fault: str) -> None:
    talk, file = told
    shutil.copy(file, tmp_path)

    with closing(apsw.Connection(str(tmp_path / file.name))) as database:
        database.execute(damage)
        broken = database.changes()
        faults = faults_of(Snapshot(database), talk)

    assert broken
    assert any(fault in each for each in faults), faults
