"""The file that says which modes and models a deployment has: models.toml of this package, or one of its own."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from chat_service.models import DEFAULT_MODE, Mode, ModelSpec, Offer

PACKAGED = Path(__file__).with_name("models.toml")

ModeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
ModelId = Annotated[str, Field(min_length=1, max_length=200)]


class WrongModelsFile(SystemExit):
    """Ends a start that cannot succeed, with lines that say what is wrong where."""

    def __init__(self, path: Path, troubles: list[str]) -> None:
        super().__init__("\n  ".join([f"chat does not start; {path} is wrong:", *troubles]))


class ModelsFile(BaseModel):
    """The file's tables; modes and models are told their own names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow: tuple[ModelId, ...] = ()
    modes: dict[ModeName, Mode]
    models: dict[ModelId, ModelSpec]

    @field_validator("modes", mode="before")
    @classmethod
    def name_modes(cls, tables: Any) -> Any:
        """A mode's table stands under its name."""
        return _named(tables, "name")

    @field_validator("models", mode="before")
    @classmethod
    def name_models(cls, tables: Any) -> Any:
        """A model's table stands under its id."""
        return _named(tables, "id")

    @model_validator(mode="after")
    def refuse_contradictions(self) -> Self:
        """What no single field shows."""
        if troubles := list(self._contradictions()):
            raise ValueError("\n  ".join(troubles))
        return self

    def _contradictions(self) -> Iterator[str]:
        if DEFAULT_MODE not in self.modes:
            yield f"modes: there has to be one called {DEFAULT_MODE}, which answers where no name is given"
        for name, mode in self.modes.items():
            if name in self.models or name in self.allow:
                yield f"modes.{name}: a model has that name, too"
            yield from self._unfit(f"modes.{name}.model", mode.model, vision=False)
            if mode.vision_model is not None:
                yield from self._unfit(f"modes.{name}.vision_model", mode.vision_model, vision=True)

    def _unfit(self, place: str, model_id: str, *, vision: bool) -> Iterator[str]:
        model = self.models.get(model_id)
        if model is None:
            yield f'{place}: there is no [models."{model_id}"]'
        elif model.type != "chat":
            yield f"{place}: {model_id} is not of type chat"
        elif vision and not model.vision:
            yield f"{place}: {model_id} has no `vision = true`"


def read_models(path: Path | None) -> Offer:
    """What the file offers; without a path, the packaged one. Raises `WrongModelsFile`."""
    path = path or PACKAGED
    try:
        file = ModelsFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise WrongModelsFile(path, [f"it cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongModelsFile(path, [f"it is not TOML: {error}"]) from None
    except ValidationError as error:
        raise WrongModelsFile(path, [_line(trouble) for trouble in error.errors(include_url=False)]) from None
    return Offer(file.modes, file.models, file.allow)


def _named(tables: Any, field: str) -> Any:
    if not isinstance(tables, dict):
        return tables
    return {name: {**table, field: name} if isinstance(table, dict) else table for name, table in tables.items()}


def _line(trouble: Any) -> str:
    place = ".".join(str(step) for step in trouble["loc"] if step != "[key]")
    return (f"{place}: " if place else "") + trouble["msg"].removeprefix("Value error, ")
