"""Tables as Markdown."""

from collections.abc import Iterable


def table_row(cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(_in_cell(cell) for cell in cells)} |"


def rule_below_header(columns: int) -> str:
    """The line that makes the line before it the header."""
    return f"|{' --- |' * columns}"


def _in_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
