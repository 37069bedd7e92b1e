"""Learns how the summariser counts tokens: the provider's count of each prompt against our estimate of it."""

from functools import partial

from chassis.calibration import Calibration, TokenRatios
from chassis.database import Transaction
from chassis.tokens import estimate_tokens
from memory_service.clients.summarizer import Prompt, Reply
from memory_service.stores.calibrations import Calibrations


class Calibrating:
    """Of the one `model` that folds; another one starts anew. What a provider counts for the schema is in the ratio."""

    def __init__(self, model: str, known: Calibration) -> None:
        self._model = model
        self._ratios = TokenRatios({model: known})

    def ratio(self) -> float:
        """How many tokens the model counts for one of our estimate."""
        return self._ratios.of(self._model)

    def learn(self, tx: Transaction, prompt: Prompt, reply: Reply) -> None:
        """Part of the transaction that saves the reply."""
        calibrations = Calibrations(tx)
        known = calibrations.find(self._model)
        learnt = known.heard(estimate_tokens(prompt.system) + estimate_tokens(prompt.user), reply.input_tokens or 0)
        if learnt is not known:
            calibrations.put(self._model, learnt)
            tx.after_commit(partial(self._ratios.learnt, self._model, learnt))
