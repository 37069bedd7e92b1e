"""Which models are offered, and under which names: our modes, and the provider's own that this deployment allows."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from chassis.clock import Clock, system_clock
from chassis.problems import Problem
from chat_service.problems import ModelNotFound

ANYTHING = "*"
LIST_FRESH_SECONDS = 300.0
LIST_RETRY_SECONDS = 10.0
OFFERED_SINCE = 1_753_142_400
"""`created` of a model whose own date is not known; it never changes, so that clients may compare lists."""

_PLAUSIBLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")

ListModels = Callable[[], Awaitable[list[dict[str, Any]]]]


@dataclass(frozen=True)
class Mode:
    """A way of answering under a name of our own, and the settings that belong to it."""

    name: str
    model: str
    temperature: float = 0.7
    top_p: float = 1.0


@dataclass(frozen=True)
class OfferedModel:
    """An entry of the list of models; `created` is in unix seconds."""

    id: str
    owned_by: str
    created: int = OFFERED_SINCE


DEFAULT_MODE = Mode("deepthinks", "Qwen/Qwen3-235B-A22B-Instruct-2507-tput")
MODES = (DEFAULT_MODE,)


class Catalogue:
    """The models on offer. `allowed` are the provider's names, or `*` for whatever it lists (asked for rarely)."""

    def __init__(self, allowed: tuple[str, ...], provider_lists: ListModels, clock: Clock = system_clock) -> None:
        self._modes = {mode.name: mode for mode in MODES}
        self._allowed = dict.fromkeys(name for name in allowed if name != ANYTHING)
        self._anything = ANYTHING in allowed
        self._provider_lists = provider_lists
        self._clock = clock
        self._listed: list[OfferedModel] = []
        self._ask_again_at = 0.0

    def resolve(self, name: str) -> tuple[Mode | None, str]:
        """The mode of that name, if it is one, and the provider's model to ask. Raises `ModelNotFound`."""
        if mode := self._modes.get(name):
            return mode, mode.model
        if name in self._allowed or (self._anything and _PLAUSIBLE.fullmatch(name)):
            return None, name
        raise ModelNotFound()

    async def offered(self) -> list[OfferedModel]:
        """Modes first, then what is allowed by name, then, where anything is allowed, what the provider lists."""
        named = [OfferedModel(name, owned_by="deepthinks") for name in self._modes]
        named += [OfferedModel(name, owned_by=_owner_of(name)) for name in self._allowed]
        known = {model.id for model in named}
        return named + [model for model in await self._provided() if model.id not in known]

    async def find(self, name: str) -> OfferedModel:
        """One entry of the list. Raises `ModelNotFound`."""
        for model in await self.offered():
            if model.id == name:
                return model
        raise ModelNotFound()

    async def _provided(self) -> list[OfferedModel]:
        """The provider's chat models. While it does not answer: those it listed last."""
        now = self._clock()
        if self._anything and now >= self._ask_again_at:
            try:
                listed = await self._provider_lists()
            except Problem:
                self._ask_again_at = now + LIST_RETRY_SECONDS
            else:
                self._listed = [_offered(entry) for entry in listed if entry.get("type", "chat") == "chat"]
                self._ask_again_at = now + LIST_FRESH_SECONDS
        return self._listed


def _owner_of(name: str) -> str:
    return name.partition("/")[0]


def _offered(entry: dict[str, Any]) -> OfferedModel:
    name, created = str(entry.get("id")), entry.get("created")
    return OfferedModel(name, _owner_of(name), created if isinstance(created, int) else OFFERED_SINCE)
