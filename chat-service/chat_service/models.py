"""Which models are offered, and under which names: our modes, the models described, and others the provider has."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.clock import Clock, system_clock
from chassis.problems import Problem
from chat_service.clients.model_thoughts import Thinking
from chat_service.problems import ImagesNotSupported, ModelNotFound, ModelUnsuitable
from chat_service.schemas.models import ModelEntry, ModelType, Price

ANYTHING = "*"
DEFAULT_MODE = "deepthinks"
"""The name that answers where no other is given; every deployment has it."""

LIST_FRESH_SECONDS = 300.0
LIST_RETRY_SECONDS = 10.0
OFFERED_SINCE = 1_753_142_400
"""`created` of a model whose own date is not known; it never changes, so that clients may compare lists."""

BOUNDLESS = 10**9
"""Tokens: what a model is taken to hold of which it is not known; every budget here is smaller."""
ESTIMATED_WELL = 0.9
"""How much of a context is planned for: tokens are estimated, and providers add some of their own."""

_PLAUSIBLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")

ListModels = Callable[[], Awaitable[list[dict[str, Any]]]]


class ModelSpec(BaseModel):
    """A model of the provider: what it can, and what it costs. None is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    type: ModelType = "chat"
    context_window: int | None = Field(None, ge=1)
    max_output_tokens: int | None = Field(None, ge=1)
    vision: bool = False
    thinking: Thinking = "field"
    price: Price | None = None

    def output_tokens(self, asked: int | None, most: int) -> int:
        """How many tokens an answer may have: what is asked for, within what the server and the model allow."""
        return min(limit for limit in (asked, most, self.max_output_tokens) if limit is not None)

    def room(self, answer: int) -> int:
        """About how many tokens there may be besides an answer of so many."""
        return BOUNDLESS if self.context_window is None else int(self.context_window * ESTIMATED_WELL) - answer


class Mode(BaseModel):
    """A way of answering under a name of our own, and the settings that belong to it.

    `prompt` may hold `{today}`, `{weekday}` and `{time_zone}`. With images `vision_model` answers, if there is one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    model: str
    vision_model: str | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    prompt: str | None = Field(None, min_length=1)
    format: Literal["text", "code"] = "text"


@dataclass(frozen=True)
class Offer:
    """What a deployment offers: modes and models by name; `allowed` are names of which nothing more is known."""

    modes: Mapping[str, Mode] = field(default_factory=dict)
    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """Who answers: the model to ask, and the mode if it was a mode that was asked for."""

    mode: Mode | None
    model: ModelSpec


class Catalogue:
    """The models on offer. Where `*` is allowed, the provider is asked what it has, but rarely."""

    def __init__(self, offer: Offer, provider_lists: ListModels, clock: Clock = system_clock) -> None:
        self._offer = offer
        self._allowed = dict.fromkeys(name for name in offer.allowed if name != ANYTHING)
        self._anything = ANYTHING in offer.allowed
        self._provider_lists = provider_lists
        self._clock = clock
        self._listed: list[ModelEntry] = []
        self._ask_again_at = 0.0

    def choose(self, name: str, *, images: bool = False) -> Choice:
        """Who answers under that name. Raises `ModelNotFound`, `ModelUnsuitable` and `ImagesNotSupported`."""
        mode = self._offer.modes.get(name)
        model = self._model_of(mode, images=images) if mode else self._model(name)
        if model.type != "chat":
            raise ModelUnsuitable("This model makes embeddings; it does not answer.")
        if images and not model.vision:
            raise ImagesNotSupported()
        return Choice(mode, model)

    def embedding(self, name: str) -> ModelSpec:
        """The model of that name for embeddings. Raises `ModelNotFound` and `ModelUnsuitable`."""
        if name in self._offer.modes:
            raise ModelUnsuitable("Modes answer; they make no embeddings.")
        model = self._model(name)
        if name in self._offer.models and model.type != "embedding":
            raise ModelUnsuitable("This model makes no embeddings.")
        return model

    def mode(self, name: str | None) -> Mode | None:
        """The mode of that name, if there is one."""
        return self._offer.modes.get(name or "")

    def model(self, model_id: str) -> ModelSpec:
        """What is known of a model of the provider, whether it is still offered or not."""
        return self._offer.models.get(model_id) or _undescribed(model_id)

    def describes(self, model_id: str) -> bool:
        """Whether the file of models has a table for it."""
        return model_id in self._offer.models

    async def offered(self) -> list[ModelEntry]:
        """Modes first, then the models described, then those allowed by name, then what the provider lists."""
        named = [self._mode_entry(mode) for mode in self._offer.modes.values()]
        named += [_entry(model) for model in self._offer.models.values()]
        named += [_unknown(name) for name in self._allowed if name not in self._offer.models]
        known = {entry.id for entry in named}
        return named + [entry for entry in await self._provided() if entry.id not in known]

    async def find(self, name: str) -> ModelEntry:
        """One entry of the list. Raises `ModelNotFound`."""
        for entry in await self.offered():
            if entry.id == name:
                return entry
        raise ModelNotFound()

    def _model_of(self, mode: Mode, *, images: bool) -> ModelSpec:
        return self._offer.models[mode.vision_model if images and mode.vision_model else mode.model]

    def _model(self, name: str) -> ModelSpec:
        if model := self._offer.models.get(name):
            return model
        if name in self._allowed or (self._anything and _PLAUSIBLE.fullmatch(name)):
            return _undescribed(name)
        raise ModelNotFound()

    def _mode_entry(self, mode: Mode) -> ModelEntry:
        model = self._offer.models[mode.model]
        ours = {"id": mode.name, "owned_by": "deepthinks", "vision": model.vision or mode.vision_model is not None}
        return _entry(model).model_copy(update=ours)

    async def _provided(self) -> list[ModelEntry]:
        """What the provider has for chat and embeddings. While it does not answer: what it listed last."""
        now = self._clock()
        if self._anything and now >= self._ask_again_at:
            try:
                listed = await self._provider_lists()
            except Problem:
                self._ask_again_at = now + LIST_RETRY_SECONDS
            else:
                self._listed = [entry for document in listed if (entry := _listed(document))]
                self._ask_again_at = now + LIST_FRESH_SECONDS
        return self._listed


def _undescribed(name: str) -> ModelSpec:
    return ModelSpec(id=name, vision=True)  # what it takes is for the provider to say


def _unknown(name: str) -> ModelEntry:
    return ModelEntry(id=name, created=OFFERED_SINCE, owned_by=name.partition("/")[0])


def _entry(model: ModelSpec) -> ModelEntry:
    return ModelEntry(
        id=model.id,
        created=OFFERED_SINCE,
        owned_by=model.id.partition("/")[0],
        type=model.type,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        vision=model.vision,
        price=model.price,
    )


def _listed(document: dict[str, Any]) -> ModelEntry | None:
    """An entry of the provider's list; None for what is of no use here. Odd details are as good as none."""
    name, created, kind = document.get("id"), document.get("created"), document.get("type", "chat")
    if not isinstance(name, str) or kind not in ("chat", "embedding"):
        return None
    window = document.get("context_length")
    return _unknown(name).model_copy(
        update={
            "created": created if isinstance(created, int) else OFFERED_SINCE,
            "type": kind,
            "context_window": window if isinstance(window, int) and window > 0 else None,
            "price": _listed_price(document.get("pricing")),
        }
    )


def _listed_price(pricing: Any) -> Price | None:
    """As Together lists it: dollars for a million tokens, too."""
    try:
        return Price(input=pricing["input"], output=pricing["output"])
    except (LookupError, TypeError, ValidationError):
        return None
