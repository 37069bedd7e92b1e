"""What must never happen to a memory, tried for minutes: prints what was seen, and exits with 1 if it did happen."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.memory import edits, erasing, faults, kills, loops, races
from benchmarks.memory.figures import Figure, report

Try = Callable[[Path, int], tuple[Figure, list[str]]]

TRIES: dict[str, tuple[Try, int]] = {
    "kills": (kills.killed, 10),
    "races": (races.raced, 20),
    "wrong": (faults.mostly_wrong, 300),
    "down": (faults.down, 300),
    "edits": (edits.edited, 100),
    "loop": (loops.looped, 50),
    "erasing": (erasing.erased, 5),
}
"""What is tried, and how often, or for how many turns. Kills are at four points each."""
FAULTS_SHOWN = 20


def measure(scale: float, names: Iterable[str] = TRIES) -> Iterator[Figure]:
    """The rows of the table, at so much of the full scale; what was wrong goes to the standard error."""
    for name in names:
        attempt, times = TRIES[name]
        with tempfile.TemporaryDirectory() as folder:
            figure, wrong = attempt(Path(folder), max(1, round(times * scale)))
        for fault in wrong[:FAULTS_SHOWN]:
            print(f"  {name}: {fault}", file=sys.stderr, flush=True)
        yield figure


def main() -> None:
    """Exits with 1 when a must is missed."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--only", nargs="+", choices=TRIES, default=list(TRIES), help="these alone")
    ask.add_argument("--scale", type=float, default=1.0, help="share of the full size, to try things out")
    arguments = ask.parse_args()
    report(measure(arguments.scale, arguments.only))


if __name__ == "__main__":
    main()
