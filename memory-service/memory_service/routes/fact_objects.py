"""Facts as they go out."""

from typing import Any

from memory_service.schemas.facts import ChangeObject, FactObject, FormerFact, SourceObject
from memory_service.stores.fact_changes import Change, Former
from memory_service.stores.fact_lists import ListedFact, Said
from memory_service.stores.facts import USER, Fact


def fact_object(listed: ListedFact) -> FactObject:
    """The fact as its owner sees it."""
    fact = listed.fact
    return FactObject(
        id=fact.id,
        sources=listed.sources,
        created_at=int(fact.created_at),
        updated_at=int(fact.updated_at),
        **_described(fact),
    )


def source_object(said: Said) -> SourceObject:
    """Where the fact was said."""
    return SourceObject(
        turn_id=said.turn_id,
        conversation_id=said.conversation_id,
        quote=said.quote,
        created_at=int(said.created_at),
    )


def change_object(change: Change) -> ChangeObject:
    """What happened to a fact."""
    before = FormerFact(**_described(change.before)) if change.before else None
    return ChangeObject.model_validate(
        {"at": int(change.at), "actor": change.actor, "change": change.change, "before": before}
    )


def _described(fact: Fact | Former) -> dict[str, Any]:
    return {
        "text": fact.text,
        "kind": fact.kind,
        "priority": fact.priority,
        "status": fact.status if fact.valid_to is None else "superseded",
        "valid_from": int(fact.valid_from),
        "valid_to": None if fact.valid_to is None else int(fact.valid_to),
        "superseded_by": fact.superseded_by,
        "edited": fact.edited_by == USER,
    }
