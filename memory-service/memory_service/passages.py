"""Cuts a turn into what the index holds: short turns whole, long ones in passages that each keep their question."""

from collections.abc import Iterator

from chassis.tokens import BYTES_PER_TOKEN, estimate_tokens
from memory_service.stores.passages import Passage

PASSAGE_TOKENS = 200
_BREAKS = ("\n\n", "\n", ". ", "? ", "! ", "。", "; ", ", ", " ")


def passages_of(user_text: str, assistant_text: str) -> list[Passage]:
    """The passages of a turn, in order; at least one."""
    if estimate_tokens(user_text) + estimate_tokens(assistant_text) <= PASSAGE_TOKENS:
        return [Passage(0, len(user_text), 0, len(assistant_text))]
    asked = [Passage(start, stop, 0, 0) for start, stop in pieces(user_text)]
    answered = [Passage(0, 0, start, stop) for start, stop in pieces(assistant_text)]
    return asked + answered


def pieces(text: str, most_tokens: int = PASSAGE_TOKENS) -> Iterator[tuple[int, int]]:
    """Ranges of at most about `most_tokens` that cover the text, cut at the best break in their second half."""
    bytes_per_character = max(1.0, len(text.encode("utf-8", "surrogatepass")) / max(1, len(text)))
    most = max(1, int(most_tokens * BYTES_PER_TOKEN / bytes_per_character))
    start = 0
    while len(text) - start > most:
        stop = _best_break(text, start + most // 2, start + most)
        yield start, stop
        start = stop
    if start < len(text):
        yield start, len(text)


def _best_break(text: str, least: int, most: int) -> int:
    for mark in _BREAKS:
        found = text.rfind(mark, least, most)
        if found >= 0:
            return found + len(mark)
    return most
