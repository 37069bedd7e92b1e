"""A row of the table: what was asked for, what others have published, what was seen."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.surroundings import surroundings

HEADINGS = ("property", "best published", "must", "seen")
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Figure:
    """`is_met` is None where nothing is asked for, or nothing could be measured."""

    name: str
    must: str
    seen: str
    is_met: bool | None = None
    published: str = "-"

    @property
    def row(self) -> str:
        """As a line of a table in Markdown; a missed one stands out."""
        seen = f"**MISSED** {self.seen}" if self.is_met is False else self.seen
        return f"| {self.name} | {self.published} | {self.must} | {seen} |"


def at_least(name: str, seen: float, must: float, *, published: str = "-", form: str = "{:.1f}") -> Figure:
    """A figure that is good when it is high."""
    return Figure(name, "≥ " + form.format(must), form.format(seen), seen >= must, published)


def at_most(name: str, seen: float, must: float, *, published: str = "-", form: str = "{:.1f}") -> Figure:
    """A figure that is good when it is low."""
    return Figure(name, "≤ " + form.format(must), form.format(seen), seen <= must, published)


def merely(name: str, seen: str) -> Figure:
    """A figure that nothing is asked of."""
    return Figure(name, "", seen)


def unmeasured(name: str, must: str, why: str, *, published: str = "-") -> Figure:
    """A row that says why it is empty."""
    return Figure(name, must, f"{NOT_MEASURED}: {why}", None, published)


def report(figures: Iterable[Figure]) -> None:
    """Prints the table, each row as soon as it was seen; exits with 1 when a must is missed."""
    print(surroundings(), f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|", sep="\n", flush=True)
    missed = []
    for figure in figures:
        print(figure.row, flush=True)
        if figure.is_met is False:
            missed.append(figure.name)
    if missed:
        sys.exit(f"\nMISSED: {', '.join(missed)}")
