"""A row of the table: what was asked for, what others have published, what was seen."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def heading() -> str:
    """The first two lines of the table."""
    return "\n".join((f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"))


def missed(figures: Iterable[Figure]) -> list[str]:
    """Names of those that are not as they must be."""
    return [figure.name for figure in figures if figure.is_met is False]
