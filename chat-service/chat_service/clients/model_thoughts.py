"""Thoughts that a model writes into its text, `<think>…</think>`, parted from the answer as they come."""

from typing import Literal

Thinking = Literal["field", "tagged", "implicit"]
"""Where a model's thoughts are: in a field of their own (or there are none), between tags, or before the second tag
with the first one missing. Tags in front of the answer are understood whichever it is; thoughts in a field end that.
"""

OPEN = "<think>"
CLOSE = "</think>"


class ThoughtSplitter:
    """Takes text in pieces of any size; gives thoughts and words. White space around the thoughts is dropped.

    What may be the beginning of a tag is held back until it is one, or is not. Tags inside the answer are text.
    """

    def __init__(self, thinking: Thinking) -> None:
        self.is_over = False
        """Whether all that comes from here on is the answer: it need not be split any more."""
        self._begins_inside = thinking == "implicit"
        self._step = self._begin
        self._held = ""

    def split(self, piece: str) -> tuple[str, str]:
        """What of it was thought, and what was said."""
        self._held += piece
        thought = said = ""
        step = None
        while step is not self._step and not self.is_over:
            step = self._step
            thought += step()
        if self.is_over:
            said, self._held = self._held, ""
        return thought, said

    def rest(self) -> tuple[str, str]:
        """What is still held back when nothing more comes."""
        held, self._held = self._held.rstrip(), ""
        if self._step == self._think:
            return held, ""
        return (held.lstrip(), "") if self._begins_inside else ("", held)

    def _begin(self) -> str:
        """Before everything: is there a tag?"""
        beginning = self._held.lstrip()
        if beginning.startswith(OPEN):
            self._held = beginning[len(OPEN) :]
            self._step = self._enter
        elif not OPEN.startswith(beginning):
            if self._begins_inside:
                self._step = self._enter
            else:
                self.is_over = True
        return ""

    def _enter(self) -> str:
        """Before the first thought."""
        self._held = self._held.lstrip()
        if self._held:
            self._step = self._think
        return ""

    def _think(self) -> str:
        """Among the thoughts: gives those that are surely followed by more, or by the tag that ends them."""
        thought, tag, after = self._held.partition(CLOSE)
        if tag:
            self._held = after
            self._step = self._leave
            return thought.rstrip()
        certain = thought[: len(thought) - _possible_tag(thought)].rstrip()
        self._held = thought[len(certain) :]
        return certain

    def _leave(self) -> str:
        """Before the first word of the answer."""
        self._held = self._held.lstrip()
        self.is_over = bool(self._held)
        return ""


def _possible_tag(text: str) -> int:
    """How many characters at the end may be the beginning of the tag that ends the thoughts."""
    at = text.rfind(CLOSE[0], -len(CLOSE) + 1)
    return len(text) - at if at >= 0 and CLOSE.startswith(text[at:]) else 0
