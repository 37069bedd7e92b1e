"""A cell's value as people see it: dates in ISO 8601, numbers as their format shows them, near enough."""

import datetime
import re
from functools import lru_cache
from typing import Any, NamedTuple

QUOTED = re.compile(r'"([^"]*)"')
CURRENCY = re.compile(r"\[\$([^\]-]*)(?:-[^\]]*)?\]")
CONDITION = re.compile(r"\[[^\]]*\]")
PADDING = re.compile(r"[_*].")
ESCAPED = re.compile(r"\\(.)")
DIGITS = re.compile(r"[#0?][#0?,]*(?:\.[#0?]+)?")
UNTRANSLATED = re.compile(r"[Ee][+-]|/|@|General", re.IGNORECASE)
MIDNIGHT = datetime.time()


class NumberFormat(NamedTuple):
    """How Excel's format of positive numbers shows them."""

    prefix: str
    suffix: str
    decimals: int
    grouped: bool
    percent: bool


def shown(cell: Any) -> str:
    """The text of a read-only cell of openpyxl; empty for an empty one."""
    value = cell.value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, cell.number_format)
    if isinstance(value, datetime.datetime):
        return str(value.date()) if value.time() == MIDNIGHT else value.isoformat(" ", "seconds")
    return "" if value is None else str(value)


def _number(value: float, excel_format: str) -> str:
    how = _parsed(excel_format)
    if how is None:
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    scaled = abs(value) * (100 if how.percent else 1)
    digits = f"{scaled:,.{how.decimals}f}" if how.grouped else f"{scaled:.{how.decimals}f}"
    return f"{'-' if value < 0 else ''}{how.prefix}{digits}{how.suffix}"


@lru_cache(maxsize=1024)
def _parsed(excel_format: str | None) -> NumberFormat | None:
    """None for a format that we do not imitate: General, scientific, fractions."""
    section = (excel_format or "General").split(";")[0]
    section = PADDING.sub("", CONDITION.sub("", CURRENCY.sub(r'"\1"', section)))
    bare = QUOTED.sub("", section)
    digits = DIGITS.search(bare)
    if digits is None or UNTRANSLATED.search(bare) or len(DIGITS.findall(bare)) > 1:
        return None
    # The same digits again, in the section that still has its quoted words.
    prefix, _, suffix = section.partition(digits[0])
    _, _, decimals = digits[0].partition(".")
    return NumberFormat(
        prefix=_literal(prefix),
        suffix=_literal(suffix),
        decimals=len(decimals),
        grouped="," in digits[0].rstrip(","),
        percent="%" in bare,
    )


def _literal(text: str) -> str:
    return ESCAPED.sub(r"\1", QUOTED.sub(r"\1", text))
