"""The `calibrations` table: what is known of how each model counts tokens."""

from chassis.calibration import Calibration
from chassis.database import Transaction


class Calibrations:
    """One row for each model that was heard of; nothing in it is anybody's."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def all(self) -> dict[str, Calibration]:
        """By model."""
        rows = self._tx.all("select model, estimated, counted from calibrations")
        return {row["model"]: Calibration(row["estimated"], row["counted"]) for row in rows}

    def find(self, model: str) -> Calibration:
        """Of a model; one that nothing was heard of is at its beginning."""
        row = self._tx.one("select estimated, counted from calibrations where model = ?", model)
        return Calibration(**row) if row else Calibration()

    def put(self, model: str, calibration: Calibration) -> None:
        """In the place of what was known before."""
        self._tx.run(
            "insert into calibrations (model, estimated, counted) values (:model, :estimated, :counted)"
            " on conflict (model) do update set estimated = excluded.estimated, counted = excluded.counted",
            model=model,
            estimated=calibration.estimated,
            counted=calibration.counted,
        )
