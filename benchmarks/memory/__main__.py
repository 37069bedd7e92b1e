"""Prints what memory finds, keeps and costs: property, best published, must, seen. README.md says how to read it."""

import argparse
from collections.abc import Callable, Iterable

from benchmarks.memory import invariants, languages, locomo_scores, long_conversation, needles, searching
from benchmarks.memory.figures import Figure, report

MEASURES: dict[str, Callable[[float], Iterable[Figure]]] = {
    "locomo": locomo_scores.measure,
    "search": searching.measure,
    "long": long_conversation.measure,
    "needles": needles.measure,
    "languages": languages.measure,
    "invariants": invariants.measure,
}


def main() -> None:
    """Exits with 1 when a must is missed."""
    arguments = _arguments()
    report(figure for name in arguments.only for figure in MEASURES[name](arguments.scale))


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="these measurements alone")
    ask.add_argument("--scale", type=float, default=1.0, help="share of the full size, to try things out")
    return ask.parse_args()


if __name__ == "__main__":
    main()
