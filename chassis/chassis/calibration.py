"""How many tokens a model counts where we estimate one, learnt from what its provider says that each call cost.

`estimate_tokens` goes by bytes, which takes up most of what scripts differ in: a Chinese character is three bytes, and
rarely more than one token. What is left is one number a model, the mean of all that goes to it weighted by size. Who
writes in another script than most of the model's users gets their ratio, not one of their own, and is estimated as
much too high or too low as the scripts differ in bytes a token. So whoever plans for a context window leaves a margin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LEAST_RATIO, MOST_RATIO = 0.5, 3.0
"""What a provider says beyond these counts as these: wrong figures must neither empty a context nor flood it."""
LEAST_TOKENS = 50
"""A prompt estimated at less is mostly what providers put around messages."""
MOST_TOKENS = 8_000
"""A longer prompt counts as one of so many: no single one decides."""
HALF_LIFE_TOKENS = 100_000
"""After so many tokens of prompts, what was learnt before counts for half: a ratio follows its provider's changes."""
FIRST_TOKENS = 500
"""How much the beginning weighs, where an estimate is taken for the truth."""
NOTICEABLE = 0.05
"""A smaller change of a ratio is not put to use: what fits a context would change, and with it the prompt's beginning,
which providers keep from call to call."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of a model: tokens we estimated, and those its provider counted; older ones fade."""

    estimated: float = FIRST_TOKENS
    counted: float = FIRST_TOKENS

    @property
    def ratio(self) -> float:
        """Counted tokens for an estimated one, between `LEAST_RATIO` and `MOST_RATIO`."""
        return _bounded(self.counted / self.estimated)

    def heard(self, estimated: int, counted: int) -> Self:
        """With one more prompt; itself if there is nothing to learn from that one."""
        if estimated < LEAST_TOKENS or counted <= 0:
            return self
        weight = min(estimated, MOST_TOKENS)
        kept = 0.5 ** (weight / HALF_LIFE_TOKENS)
        heard = weight * _bounded(counted / estimated)
        return type(self)(self.estimated * kept + weight, self.counted * kept + heard)


class TokenRatios:
    """The ratios in use, by model; 1.0 for a model that nothing was heard of. Any thread may ask."""

    def __init__(self, known: Mapping[str, Calibration]) -> None:
        self._in_use = {model: calibration.ratio for model, calibration in known.items()}

    def of(self, model: str) -> float:
        """Counted tokens for an estimated one."""
        return self._in_use.get(model, 1.0)

    def learnt(self, model: str, calibration: Calibration) -> None:
        """Puts to use what was stored, if it makes a difference."""
        in_use = self.of(model)
        if abs(calibration.ratio - in_use) > NOTICEABLE * in_use:
            self._in_use[model] = calibration.ratio


def estimated(tokens: int, ratio: float) -> int:
    """About how many tokens by our estimate a model counts as so many."""
    return int(tokens / ratio)


def _bounded(ratio: float) -> float:
    return min(max(ratio, LEAST_RATIO), MOST_RATIO)
