"""What goes to the model for a turn: from memory, from turns memory does not know yet, from files, from the user."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from chassis.calibration import estimated
from chat_service.transcripts import Message, tokens_in

COMPRESSION = 1
"""Most of the gain for a third of the time."""


@dataclass(frozen=True)
class Receipt:
    """What went to the model: what it is made of, and the messages as `canonical` writes them."""

    summary: dict[str, Any]
    messages: list[Message]

    def packed(self) -> bytes:
        """The messages as they are kept."""
        return zlib.compress(orjson.dumps(self.messages), COMPRESSION)


@dataclass
class Context:
    """The messages, and what they are made of and what was left out.

    A part says where it stands by the places of its first and last message. Its tokens are estimated, and so is
    whatever they are compared with; `token_ratio` says how many of its own the model counts for one of them.
    """

    token_ratio: float = 1.0
    messages: list[Message] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    tokens: int = 0

    def estimated(self, tokens: int) -> int:
        """A number of the model's tokens in ours."""
        return estimated(tokens, self.token_ratio)

    def add(
        self, kind: str, source: str, ids: list[str], messages: Iterable[Message], *, reason: str | None = None
    ) -> None:
        """Adds messages as one part."""
        messages = list(messages)
        first = len(self.messages)
        self.messages += messages
        where = (first, len(self.messages) - 1)
        self.count(kind, source, ids, sum(map(tokens_in, messages)), where=where, reason=reason)

    def count(
        self,
        kind: str,
        source: str,
        ids: list[str],
        tokens: int,
        *,
        where: tuple[int, int],
        reason: str | None = None,
    ) -> None:
        """Notes a part of the context that stands in messages which are there, or are about to be."""
        self.note(kind, source, ids, tokens, where=where, reason=reason)
        self.tokens += tokens

    def note(
        self,
        kind: str,
        source: str,
        ids: list[str],
        tokens: int,
        *,
        where: tuple[int, int],
        reason: str | None,
        score: float | None = None,
    ) -> None:
        """The same for a part whose tokens are counted with others."""
        part = {"kind": kind, "source": source, "ids": ids, "tokens": tokens, "reason": reason, "score": score}
        self.parts.append({**part, "messages": list(where)})

    def drop(self, kind: str, source: str, ids: list[str], tokens: int, reason: str) -> None:
        """Notes what was left out."""
        self.dropped.append({"kind": kind, "source": source, "ids": ids, "tokens": tokens, "reason": reason})

    def receipt(self) -> Receipt:
        """What is kept of it."""
        messages = canonical(self.messages)
        summary = {
            "messages_hash": hash_of(messages),
            "tokens": self.tokens,
            "token_ratio": round(self.token_ratio, 3),
            "memory": self.memory,
            "parts": self.parts,
            "dropped": self.dropped,
        }
        return Receipt(summary, messages)


def unpacked(packed: bytes) -> list[Message]:
    """The messages of a receipt that was kept."""
    messages: list[Message] = orjson.loads(zlib.decompress(packed))
    return messages


def canonical(messages: list[Message]) -> list[Message]:
    """The messages with the SHA-256 of each image's `data:` URL in its place; everything else as it is sent."""
    return [_without_images(message) if isinstance(message["content"], list) else message for message in messages]


def hash_of(messages: list[Message]) -> str:
    """SHA-256 of canonical messages as compact JSON in UTF-8, keys in the order they are sent."""
    return sha256(orjson.dumps(messages)).hexdigest()


def _without_images(message: Message) -> Message:
    parts = []
    for part in message["content"]:
        if part["type"] == "image_url":
            digest = sha256(part["image_url"]["url"].encode()).hexdigest()
            parts.append({"type": "image_url", "image_url": {"url": f"sha256:{digest}"}})
        else:
            parts.append(part)
    return {**message, "content": parts}
