"""The `stream_events` table: the append-only log from which every reader of a response is served."""

from collections.abc import Sequence

from chassis.database import Transaction


class StreamEvents:
    """Frames are complete server-sent events; a frame's place in the log is its sequence number."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def append(self, response_id: str, first: int, frames: Sequence[bytes]) -> bool:
        """Adds frames, at least one, numbered from `first`; False when there is no such response any more."""
        added = self._tx.run_each(
            "insert into stream_events (response_id, sequence, frame) select id, ?, ? from responses where id = ?",
            [(sequence, frame, response_id) for sequence, frame in enumerate(frames, first)],
        )
        return added == 1

    def after(self, response_id: str, sequence: int) -> list[bytes]:
        """The frames beyond a sequence number; -1 for all."""
        rows = self._tx.all(
            "select frame from stream_events where response_id = ? and sequence > ? order by sequence",
            response_id,
            sequence,
        )
        return [row["frame"] for row in rows]

    def drop(self, response_id: str) -> None:
        """Drops the log of a response."""
        self._tx.run("delete from stream_events where response_id = ?", response_id)

    def drop_ended_before(self, moment: float, limit: int) -> int:
        """Drops the logs of up to `limit` responses that ended before; returns how many responses lost theirs."""
        old = [
            row["id"]
            for row in self._tx.all(
                "select id from responses where has_log = 1 and ended_at < ? limit ?", moment, limit
            )
        ]
        for response_id in old:
            self.drop(response_id)
            self._tx.run("update responses set has_log = 0 where id = ?", response_id)
        return len(old)
