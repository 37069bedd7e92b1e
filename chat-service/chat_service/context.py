"""What goes to the model for a turn: from memory, from turns memory does not know yet, from files, from the user."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from typing import Any, Self

import orjson

from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.owners import Owners
from chassis.tokens import estimate_tokens
from chat_service.clients.files import FileText
from chat_service.clients.memory import Memory, Remembered
from chat_service.inputs import texts_of, user_text
from chat_service.prompts import system_prompt
from chat_service.settings import Settings
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import Responses, StoredResponse

TAIL = 64
BYTES_PER_TOKEN = 4
# What delimits a part of the context, however a model might read it: in any case, with any spaces.
MARKS = re.compile(r"<(?=\s*/?\s*(?:attached_document|earlier_conversation|remembered)\b)", re.IGNORECASE)

Message = dict[str, Any]


@dataclass
class Context:
    """The messages, and the receipt that says what they are made of and what was left out."""

    messages: list[Message] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    tokens: int = 0

    def add(self, kind: str, ids: list[str], messages: Iterable[Message]) -> None:
        """Adds messages as one part."""
        messages = list(messages)
        self.messages += messages
        self.count(kind, ids, sum(estimate_tokens(message["content"]) for message in messages))

    def count(self, kind: str, ids: list[str], tokens: int, reason: str | None = None) -> None:
        """Notes a part of the context."""
        self.parts.append({"kind": kind, "ids": ids, "tokens": tokens, "reason": reason})
        self.tokens += tokens

    def drop(self, kind: str, ids: list[str], tokens: int, reason: str) -> None:
        """Notes what was left out."""
        self.dropped.append({"kind": kind, "ids": ids, "tokens": tokens, "reason": reason})

    def receipt(self) -> dict[str, Any]:
        """What is kept of it: not the texts, but their hash."""
        return {
            "messages_hash": sha256(orjson.dumps(self.messages)).hexdigest(),
            "tokens": self.tokens,
            "memory": self.memory,
            "parts": self.parts,
            "dropped": self.dropped,
        }


@dataclass(frozen=True)
class Budgets:
    """Room in tokens for each source."""

    memory: int
    history: int
    files: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As this deployment sets them."""
        return cls(settings.memory_tokens, settings.history_tokens, settings.file_tokens)


class Contexts:
    """Assembles contexts. Nothing here costs more in a long conversation than in a short one."""

    def __init__(self, database: Database, memory: Memory, budgets: Budgets, clock: Clock) -> None:
        self._database = database
        self._memory = memory
        self._budgets = budgets
        self._clock = clock

    async def assemble(self, turn: StoredResponse, items: list[Item], files: list[FileText]) -> Context:
        """Stable first, so that the provider's prefix cache works; the user's words last."""
        context = Context()
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        if prompt := system_prompt(turn.mode, today):
            context.add("prompt", [], [_system(prompt)])
        if instructions := turn.request.get("instructions"):
            context.add("instructions", [], [_system(instructions)])
        recall = await self._add_history(context, turn, items)
        self._add_input(context, turn, items, recall, self._documents(context, files))
        return context

    async def _add_history(self, context: Context, turn: StoredResponse, items: list[Item]) -> str | None:
        """What memory gives, and the turns newer than it knows; returns what it recalled for inside the question."""
        tail = await self._tail(turn)
        remembered = await self._remembered(context, turn, tail, user_text(items))
        if remembered:
            context.messages += [message.model_dump() for message in remembered.messages]
            context.parts += [part.model_dump() for part in remembered.parts]
            context.dropped += [part.model_dump() for part in remembered.dropped]
            context.tokens += remembered.tokens
            if remembered.known_through in tail:
                tail = tail[: tail.index(remembered.known_through)]
        if tail:
            newer, too_old = await self._database.read(lambda tx: self._own_turns(tx, tail))
            for response_id, messages in newer:
                context.add("turn", [response_id], messages)
            if too_old:
                context.drop("turn", too_old, 0, "over_budget")
        return remembered.recall if remembered else None

    async def _tail(self, turn: StoredResponse) -> list[str]:
        if (parent := turn.parent_id) is None:
            return []

        def read(tx: Transaction) -> list[str]:
            return Responses(tx).path(Owners(tx).present(turn.owner), parent, TAIL)  # merged meanwhile, perhaps

        return await self._database.read(read)

    async def _remembered(
        self, context: Context, turn: StoredResponse, tail: list[str], query: str
    ) -> Remembered | None:
        if not turn.stored or turn.conversation_id is None:
            context.memory = {"used": False, "reason": "not_stored"}
            return None
        remembered = await self._memory.recall(turn.owner, turn.conversation_id, tail, query, self._budgets.memory)
        if remembered is None:
            context.memory = {"used": False, "reason": "unavailable"}
        else:
            context.memory = {"used": True, "known_through": remembered.known_through}
        return remembered

    def _own_turns(self, tx: Transaction, tail: list[str]) -> tuple[list[tuple[str, list[Message]]], list[str]]:
        """As many of the newest turns as there is room for, oldest first, and the ids of the others."""
        turns: list[tuple[str, list[Message]]] = []
        room = self._budgets.history
        for response_id in tail:
            messages = [message for item in Items(tx).of(response_id) if (message := _message(item))]
            room -= sum(estimate_tokens(message["content"]) for message in messages)
            if room < 0:
                break
            turns.append((response_id, messages))
        return turns[::-1], tail[len(turns) :]

    def _documents(self, context: Context, files: list[FileText]) -> list[str]:
        """The files' texts as delimited blocks, each with its share of the room."""
        blocks = []
        room = self._budgets.files
        for position, file in enumerate(files):
            share = room // (len(files) - position)
            text, cut = _cut(file.text or "", share)
            tokens = estimate_tokens(text)
            room -= tokens
            context.count("file", [file.id], tokens, "truncated" if cut or file.truncated else None)
            if cut:
                context.drop("file", [file.id], estimate_tokens(file.text or "") - tokens, "over_budget")
            blocks.append(_document(file.filename, text, truncated=bool(cut or file.truncated)))
        return blocks

    def _add_input(
        self, context: Context, turn: StoredResponse, items: list[Item], recall: str | None, documents: list[str]
    ) -> None:
        """The turn's own messages; what was recalled and attached stands before the words of the last of the user's."""
        messages = [message for item in items if (message := _message(item))]
        context.add("input", [turn.id], messages)
        last = next((message for message in reversed(messages) if message["role"] == "user"), None)
        if last is None:  # the user sent files without a word
            last = {"role": "user", "content": ""}
            context.messages.append(last)
        said = last["content"]
        last["content"] = "\n\n".join(text for text in (recall, *documents, said) if text)


def _system(text: str) -> Message:
    return {"role": "system", "content": text}


def _message(item: Item) -> Message | None:
    """An item as the model gets it; None for what it does not get to see again, such as its own thoughts."""
    texts = texts_of(item)
    if not texts:
        return None
    role = "system" if item["role"] == "developer" else item["role"]
    return {"role": role, "content": "\n\n".join(texts)}


def _cut(text: str, tokens: int) -> tuple[str, bool]:
    """The text within so many tokens, cut between characters."""
    encoded = text.encode()
    if len(encoded) <= tokens * BYTES_PER_TOKEN:
        return text, False
    return encoded[: tokens * BYTES_PER_TOKEN].decode(errors="ignore"), True


def _document(name: str, text: str, *, truncated: bool) -> str:
    """A block that the text in it can neither end nor pass for another part of the context."""
    text = MARKS.sub("&lt;", text)
    note = ' truncated="true"' if truncated else ""
    return f'<attached_document name="{escape(name)}"{note}>\n{text}\n</attached_document>'
