"""One merge: from the four oldest episodes of a level to one of the next, so that live episodes stay few."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chassis.clock import Clock
from chassis.database import Transaction
from chassis.ids import new_id
from chassis.tokens import estimate_tokens
from memory_service.clients.summarizer import Prompt, Reply
from memory_service.fold_prompts import merge_prompt
from memory_service.fold_replies import Summary, read_merge
from memory_service.folds import due_to_merge
from memory_service.stores.branches import Branches
from memory_service.stores.episodes import Episode, Episodes
from memory_service.stores.jobs import Job, Jobs


@dataclass(frozen=True)
class Merge:
    """A merge in work: the episodes it covers and the call for them."""

    job: Job
    episodes: list[Episode]
    prompt: Prompt

    def read(self, reply: str) -> Summary:
        """The merged summary. Raises `BadReply`."""
        return read_merge(reply, [episode.summary for episode in self.episodes])


class Merges:
    """Prepares and commits merges. `owe_next` is asked after each whether another is due."""

    def __init__(self, clock: Clock, owe_next: Callable[[Transaction, int], None]) -> None:
        self._clock = clock
        self._owe_next = owe_next

    def prepare(self, tx: Transaction, job: Job, lease: str) -> Merge | None:
        """The episodes that are due now; None when there are few enough."""
        oldest = due_to_merge(tx, Branches(tx).get(job.branch))
        if not oldest:
            return None
        covered = (oldest[0].depth_from, oldest[-1].depth_to)
        if (job.depth_from, job.depth_to) != covered:
            job = replace(job, reply=None)
        Jobs(tx).set_range(job.id, lease, *covered)
        return Merge(job, oldest, merge_prompt(oldest))

    def commit(self, tx: Transaction, merge: Merge, accepted: Summary, reply: Reply) -> None:
        """The merged episode; its quote is that of the most important episode it covers."""
        telling = max(merge.episodes, key=lambda episode: episode.priority)
        last = merge.episodes[-1]
        Episodes(tx).add(
            Episode(
                id=new_id("mem"),
                conversation_id=last.conversation_id,
                branch=last.branch,
                level=last.level + 1,
                depth_from=merge.episodes[0].depth_from,
                depth_to=last.depth_to,
                summary=accepted.text,
                priority=accepted.priority,
                quote_turn_id=telling.quote_turn_id,
                quote_from=telling.quote_from,
                quote_to=telling.quote_to,
                tokens=estimate_tokens(accepted.text),
                happened_at=last.happened_at,
                model=reply.model,
                input_tokens=reply.input_tokens,
                output_tokens=reply.output_tokens,
                created_at=self._clock(),
            )
        )
        Jobs(tx).done(merge.job.id)
        self._owe_next(tx, merge.job.branch)
