"""What must never happen to a memory, at small scale; `make soak` tries it for minutes."""

from pathlib import Path

from benchmarks.memory.edits import EDITS, edited
from benchmarks.memory.erasing import erased
from benchmarks.memory.faults import down, mostly_wrong
from benchmarks.memory.kills import killed
from benchmarks.memory.loops import looped
from benchmarks.memory.races import raced


def test_no_turn_and_nothing_made_of_it_is_lost_or_doubled_when_the_service_is_killed(tmp_path: Path) -> None:
    _, faults = killed(tmp_path, times=1)

    assert not faults


def test_what_happens_at_the_same_time_leaves_the_memory_whole(tmp_path: Path) -> None:
    _, faults = raced(tmp_path, times=1)

    assert not faults


def test_nothing_is_lost_and_contexts_stay_bounded_when_seven_of_eight_replies_are_wrong(tmp_path: Path) -> None:
    _, faults = mostly_wrong(tmp_path, turns=30)

    assert not faults


def test_nothing_is_lost_and_contexts_stay_bounded_while_the_summariser_is_down(tmp_path: Path) -> None:
    _, faults = down(tmp_path, turns=40)

    assert not faults


def test_what_a_user_settles_while_a_fold_runs_stays_settled(tmp_path: Path) -> None:
    _, faults = edited(tmp_path, times=len(EDITS))

    assert not faults


def test_what_memory_recalled_does_not_become_a_fact_when_the_assistant_repeats_it(tmp_path: Path) -> None:
    _, faults = looped(tmp_path, turns=14)

    assert not faults


def test_what_is_deleted_leaves_every_file_of_the_running_service(tmp_path: Path) -> None:
    _, faults = erased(tmp_path, times=1)

    assert not faults
