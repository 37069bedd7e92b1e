"""After a crash: responses that a dead process left in progress are ended with the text they had, and billed."""

from functools import partial

import structlog

from chassis.database import Database, Transaction
from chat_service.answer import Answer
from chat_service.endings import Ending, Endings
from chat_service.stores.responses import Responses, StoredResponse
from chat_service.stores.stream_events import StreamEvents

log = structlog.get_logger()


async def recover(database: Database, endings: Endings, runner: str) -> int:
    """Ends every response that `runner` did not begin; returns how many. Only for the one process on the database."""
    orphans = await database.read(lambda tx: Responses(tx).orphans(runner))
    for orphan in orphans:
        await database.write(partial(_end, endings=endings, orphan=orphan), frees_space=True)
        log.warning("response_recovered", response_id=orphan.id)
    return len(orphans)


def _end(tx: Transaction, *, endings: Endings, orphan: StoredResponse) -> None:
    told = StreamEvents(tx).after(orphan.id, -1)
    answer = Answer.replay(told)
    ending = Ending(outcome="incomplete", reason="interrupted", receipt=orphan.receipt)
    settlement = endings.prepare(orphan, answer, ending)
    endings.settle(tx, settlement, len(told), answer.events())
