"""Responses as clients see them: found, described, followed from any event on."""

from collections.abc import AsyncGenerator
from typing import Any

from chassis.database import Database, Transaction
from chassis.pages import PageQuery
from chat_service.event_log import EventLog
from chat_service.ownership import owned_response
from chat_service.problems import EventsExpired, ItemNotFound
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import StoredResponse


def describe(response: StoredResponse, output: list[Item]) -> dict[str, Any]:
    """A stored response as JSON, with every field of `ResponseObject`: making one of those costs much more."""
    request = response.request
    ended_well = response.status == "completed" and response.ended_at is not None
    reason = response.incomplete_reason
    return {
        "id": response.id,
        "object": "response",
        "created_at": int(response.created_at),
        "status": response.status,
        "completed_at": int(response.ended_at or 0) if ended_well else None,
        "background": request.get("background", False),
        "code": response.code,
        "conversation": {"id": response.conversation_id} if response.conversation_id else None,
        "error": {name: response.error[name] for name in ("code", "message")} if response.error else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "max_tool_calls": None,
        "memory": _memory(response.receipt),
        "metadata": request.get("metadata", {}),
        "model": response.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": request.get("previous_response_id"),
        "reasoning": {"effort": request.get("reasoning", {}).get("effort"), "summary": None},
        "replaces": request.get("replaces"),
        "service_tier": "default",
        "store": response.stored,
        "temperature": request.get("temperature"),
        "text": {"format": {"type": "text"}, **request.get("text", {})},
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools", []),
        "top_logprobs": 0,
        "top_p": request.get("top_p"),
        "truncation": "disabled",
        "usage": _usage(response.usage),
        "user": None,
    }


def _memory(receipt: dict[str, Any] | None) -> dict[str, Any] | None:
    if not receipt or not (use := receipt.get("memory")):
        return None
    return {"used": use["used"], "known_through": use.get("known_through"), "reason": use.get("reason")}


def _usage(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage["input_tokens"],
        "input_tokens_details": {"cached_tokens": usage["cached_tokens"], "cache_write_tokens": 0},
        "output_tokens": usage["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": usage["reasoning_tokens"]},
        "total_tokens": usage["input_tokens"] + usage["output_tokens"],
    }


class Archive:
    """Stored responses of users. A foreign response and a missing one raise the same `ResponseNotFound`."""

    def __init__(self, database: Database, event_log: EventLog) -> None:
        self._database = database
        self._event_log = event_log

    async def find(self, owner: str, response_id: str) -> dict[str, Any]:
        """A response as it stands."""

        def read(tx: Transaction) -> dict[str, Any]:
            return describe(owned_response(tx, owner, response_id), Items(tx).of(response_id, "output"))

        return await self._database.read(read)

    async def input_items(self, owner: str, response_id: str, page: PageQuery) -> list[Item]:
        """Up to `limit + 1` of the items that went in."""

        def read(tx: Transaction) -> list[Item]:
            return Items(tx).of(owned_response(tx, owner, response_id).id, "input")

        items = await self._database.read(read)
        if page.order == "desc":
            items.reverse()
        if page.after:
            places = [place for place, item in enumerate(items) if item["id"] == page.after]
            if not places:
                raise ItemNotFound(param="after")
            items = items[places[0] + 1 :]
        return items[: page.limit + 1]

    async def events(self, owner: str, response_id: str, after: int) -> AsyncGenerator[bytes]:
        """The stream of a response beyond an event. Raises at once, not while it is read."""
        response = await self._database.read(lambda tx: owned_response(tx, owner, response_id))
        if not response.has_log:
            raise EventsExpired()
        return self._event_log.follow(response_id, after)
