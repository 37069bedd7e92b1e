"""Learns from each turn how its model counts tokens: the provider's count of the prompt against our estimate of it."""

from functools import partial

from chassis.calibration import TokenRatios
from chassis.database import Transaction
from chat_service.ledger_records import CallRecord
from chat_service.models import Catalogue
from chat_service.stores.calibrations import Calibrations
from chat_service.stores.responses import StoredResponse


class Calibrating:
    """Of models that the file describes alone: of others there may be any number, and no context window is known."""

    def __init__(self, catalogue: Catalogue, ratios: TokenRatios) -> None:
        self._catalogue = catalogue
        self._ratios = ratios

    def learn(self, tx: Transaction, turn: StoredResponse, call: CallRecord) -> None:
        """Part of the transaction that ends the turn; `call` is what its answer cost."""
        if call.source != "provider" or not self._catalogue.describes(call.model) or not _is_text_alone(turn):
            return
        calibrations = Calibrations(tx)
        known = calibrations.find(call.model)
        learnt = known.heard(turn.receipt["tokens"] if turn.receipt else 0, call.input_tokens)
        if learnt is not known:
            calibrations.put(call.model, learnt)
            tx.after_commit(partial(self._ratios.learnt, call.model, learnt))


def _is_text_alone(turn: StoredResponse) -> bool:
    """Images are counted by their size and tools as the provider writes them down; our estimate knows neither."""
    parts = turn.receipt["parts"] if turn.receipt else []
    return not turn.request.get("tools") and all(part["kind"] != "image" for part in parts)
