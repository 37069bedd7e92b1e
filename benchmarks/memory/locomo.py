"""LoCoMo's turns behind memory's own index: the class that the scorer asks."""

from typing import Any

import apsw

from chassis.database import Transaction, as_dict
from chassis.migrations import migrate, package_migrations
from chassis.tokens import estimate_tokens
from memory_service import retrieval
from memory_service.indexing import index_turn
from memory_service.stores.branches import Branches
from memory_service.stores.conversations import Conversations
from memory_service.stores.turns import Turn, Turns

OWNER, CONVERSATION = "user_locomo", "conv_locomo"


class Retriever:
    """What `POST /internal/context` recalls by: the same index, the same search on the conversation's path."""

    def index(self, turns: list[dict[str, Any]]) -> None:
        """Takes the turns of one conversation, in order."""
        connection = apsw.Connection(":memory:")
        connection.row_trace = as_dict
        migrate(connection, [package_migrations("memory_service")])
        self._tx = Transaction(connection)
        Conversations(self._tx).open(CONVERSATION, OWNER)
        self._branch = Branches(self._tx).open(CONVERSATION, parent=None, parent_turn_id=None, fork_depth=0)
        self._turns = len(turns)
        began: dict[int, float] = {}
        for depth, said in enumerate(turns, start=1):
            moment = said["date"].timestamp() + depth
            session_at = began.setdefault(said["session"], moment)
            turn = _turn(f"{said['speaker']}: {said['text']}", self._branch, depth, moment, session_at)
            Turns(self._tx).add(turn)
            index_turn(self._tx, turn)

    def search(self, query: str, limit: int) -> list[int]:
        """Positions of turns, best first."""
        path = Branches(self._tx).path(self._branch, self._turns)
        found = retrieval.search(self._tx, OWNER, query, path=path, limit=limit)
        return [each.turn.depth - 1 for each in found]


def _turn(text: str, branch: int, depth: int, moment: float, session_at: float) -> Turn:
    return Turn(
        id=f"turn_{depth}",
        owner=OWNER,
        conversation_id=CONVERSATION,
        branch=branch,
        depth=depth,
        status="completed",
        remembered=True,
        user_text=text,
        assistant_text="",
        file_ids=[],
        model=None,
        tokens=estimate_tokens(text),
        created_at=moment,
        ended_at=moment,
        session_at=session_at,
    )
