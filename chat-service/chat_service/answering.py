"""One answer in the making: the model is asked, what it says is taken in; a structured answer is checked and mended."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial

from chassis.clock import Clock
from chassis.tokens import estimate_tokens
from chat_service.answer import Answer
from chat_service.briefing import Briefing, Briefings
from chat_service.clients.model import Model, ModelCall, ModelChunk, ModelUsage
from chat_service.code_answers import CodeDraft, CodeNotUnderstood, asking_again, markdown, read_code
from chat_service.code_files import CodeShelf
from chat_service.context import Receipt
from chat_service.event_log import EventLog, LiveLog
from chat_service.problems import CodeAnswerInvalid
from chat_service.stores.items import Item
from chat_service.stores.responses import StoredResponse
from chat_service.transcripts import tokens_in

CUT_SHORT = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass
class Generation:
    """One answer in the making, and what is known about its calls of the model so far."""

    turn: StoredResponse
    items: list[Item]
    answer: Answer
    live: LiveLog
    receipt: Receipt | None = None
    usage: ModelUsage | None = None
    is_estimated: bool = False
    is_repair: bool = False
    repair_usage: ModelUsage | None = None
    own_key: bool = False
    first_token_ms: int | None = None
    stopped_by: str | None = None
    _can_be_cancelled: bool = False
    task: "asyncio.Task[None]" = field(init=False)

    def hear(self, chunk: ModelChunk, *, as_draft: bool) -> bool:
        """Takes in what the model says; whether there were words in it."""
        if chunk.usage and self.is_repair:
            self.repair_usage = chunk.usage
        elif chunk.usage:
            self.usage = chunk.usage
        if chunk.reasoning:
            self.answer.think(chunk.reasoning)
        if chunk.text:
            (self.answer.draft if as_draft else self.answer.say)(chunk.text)
        for piece in chunk.tool_calls or ():
            self.answer.call(piece)
        return bool(chunk.text or chunk.reasoning or chunk.tool_calls)

    def estimate(self, asked: int, written: str) -> None:
        """Notes about what the present call cost where the provider did not say; `asked` in tokens."""
        usage = ModelUsage(asked, estimate_tokens(written))
        if self.is_repair and self.repair_usage is None:
            self.repair_usage, self.is_estimated = usage, True
        elif self.usage is None:
            self.usage, self.is_estimated = usage, True

    def begin(self) -> None:
        """From here on a stop cuts in at once."""
        self._can_be_cancelled = True
        if self.stopped_by:
            raise asyncio.CancelledError

    def finish(self) -> None:
        """From here on nothing cuts in: the end is being written."""
        self._can_be_cancelled = False

    def stop(self, by: str) -> None:
        """Closes the call of the model; `by` is `user` or `shutdown`. A second stop changes nothing."""
        if not self.stopped_by:
            self.stopped_by = by
            if self._can_be_cancelled:
                self.task.cancel()


class Answering:
    """Has answers made. Raises the problems of the model, of files, and `CodeAnswerInvalid`."""

    def __init__(
        self, model: Model, briefings: Briefings, code_shelf: CodeShelf, event_log: EventLog, clock: Clock
    ) -> None:
        self._model = model
        self._briefings = briefings
        self._code_shelf = code_shelf
        self._event_log = event_log
        self._clock = clock

    async def answer(self, generation: Generation) -> str:
        """Passes on what the model says; returns why the model ended."""
        briefing = await self._briefings.prepare(generation.turn, generation.items)
        generation.receipt = generation.live.receipt = briefing.receipt
        generation.own_key = briefing.api_key is not None
        finish_reason = await self._listen(generation, briefing, briefing.call)
        if briefing.in_files and finish_reason not in CUT_SHORT and not generation.live.erased:
            await self._put_in_files(generation, briefing)
        return finish_reason

    async def _listen(self, generation: Generation, briefing: Briefing, call: ModelCall) -> str:
        called_at = self._clock()
        finish_reason = "stop"
        moment = partial(self._event_log.moment, generation.live)
        async with aclosing(self._model.stream(call, briefing.api_key, moment)) as chunks:
            async for chunk in chunks:
                if generation.hear(chunk, as_draft=briefing.in_files) and generation.first_token_ms is None:
                    waited = max(0.0, self._clock() - called_at)  # clocks step back
                    generation.first_token_ms = round(waited * 1000)
                    self._event_log.told(generation.live, at_once=True)
                finish_reason = chunk.finish_reason or finish_reason
                if generation.live.erased:
                    break
        return finish_reason

    async def _put_in_files(self, generation: Generation, briefing: Briefing) -> None:
        """Makes the draft what people read, and its files what they can list; has it mended once if it is no answer."""
        answer = generation.answer
        try:
            draft = read_code(answer.drafted)
        except CodeNotUnderstood as wrong:
            draft = await self._mended(generation, briefing, str(wrong))
        generation.finish()  # a stop between the files and the words would keep the ones without the others
        code = await self._code_shelf.put(generation.turn, draft)
        generation.turn = replace(generation.turn, code=code)
        answer.redraft()
        answer.say(markdown(draft))
        self._event_log.told(generation.live)

    async def _mended(self, generation: Generation, briefing: Briefing, wrong: str) -> CodeDraft:
        answer = generation.answer
        messages = asking_again(briefing.call.messages, answer.drafted, wrong)
        generation.estimate(sum(map(tokens_in, briefing.call.messages)), answer.drafted)
        answer.redraft()
        generation.is_repair = True
        await self._listen(generation, briefing, replace(briefing.call, messages=messages))
        generation.estimate(sum(map(tokens_in, messages)), answer.drafted)
        try:
            return read_code(answer.drafted)
        except CodeNotUnderstood:
            answer.redraft()
            raise CodeAnswerInvalid() from None
