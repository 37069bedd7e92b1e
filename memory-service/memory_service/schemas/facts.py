"""Facts as a user sees and corrects them."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from memory_service.schemas.values import Id

LONGEST_FACT = 300
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Kind = Literal["profile", "preference", "plan", "event", "instruction", "other"]
Status = Literal["proposed", "active", "pinned", "rejected", "forgotten", "superseded"]
StatusAsked = Literal["in_force", "active", "pinned", "proposed", "rejected", "forgotten", "superseded", "any"]


def is_plain(character: str) -> bool:
    """Whether it stands for itself, and does nothing to what is around it."""
    return unicodedata.category(character) not in ("Cc", "Cs") and character not in _TURNING


def _in_one_line(text: str) -> str:
    """It stands in a line of the prompt, and has to say there what it says on a screen."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    if not all(map(is_plain, line)):
        raise ValueError("a fact has no control characters and none that turn the direction of text")
    if not any(map(str.isprintable, line)) or len(line) > LONGEST_FACT:
        raise ValueError(f"a fact has 1 to {LONGEST_FACT} characters")
    return line


FactText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_FACT),
    AfterValidator(_in_one_line),
    Field(description="One line; runs of white space count as one space.", examples=["User is called Ada."]),
]
Priority = Annotated[
    int, Field(strict=True, ge=0, le=10, description="10 comes first into a context that is short of room.")
]
Replaced = Annotated[Id, Field(description="A fact in force that is superseded by this one.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CreateFact(_Body):
    text: FactText
    kind: Kind = "other"
    priority: Priority = 5
    pinned: Annotated[bool, Field(strict=True)] = False
    replaces: Replaced | None = None


class ChangeFact(_Body):
    """Only what is given changes."""

    text: FactText | None = None
    kind: Kind | None = None
    priority: Priority | None = None
    status: Literal["active", "pinned", "forgotten", "rejected"] | None = Field(
        None, description="`forgotten` and `rejected` take it out of every context; both can be taken back."
    )


class ApproveFact(_Body):
    replaces: Replaced | None = None


class FactObject(BaseModel):
    """A fact in force is `active` or `pinned`; `superseded` has given way to another, or to none, at `valid_to`."""

    object: Literal["memory.fact"] = "memory.fact"
    id: str
    text: str
    kind: Kind
    priority: int
    status: Status
    valid_from: int
    valid_to: int | None
    superseded_by: str | None = Field(description="The fact that holds in its place.")
    edited: bool = Field(description="The user wrote it or settled it: no fold changes or supersedes it.")
    sources: int = Field(description="Turns in which the user said it.")
    created_at: int
    updated_at: int


class FactDeleted(BaseModel):
    """The receipt: what went with it, for good."""

    object: Literal["memory.fact.deleted"] = "memory.fact.deleted"
    id: str
    deleted: Literal[True] = True
    sources: int
    changes: int


class SourceObject(BaseModel):
    """Where the user said it, in the user's own words."""

    object: Literal["memory.source"] = "memory.source"
    turn_id: str
    conversation_id: str
    quote: str
    created_at: int


class FormerFact(BaseModel):
    """A fact as it was before a change."""

    text: str
    kind: Kind
    priority: int
    status: Status
    valid_from: int
    valid_to: int | None
    superseded_by: str | None
    edited: bool


class ChangeObject(BaseModel):
    """`before` is what undoing it brings back; null where the fact was made."""

    object: Literal["memory.change"] = "memory.change"
    at: int
    actor: Literal["user", "fold"]
    change: str
    before: FormerFact | None
