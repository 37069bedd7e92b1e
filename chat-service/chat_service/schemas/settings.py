"""What a user may choose about every turn, and how front-ends look."""

import unicodedata
from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field

from chat_service.schemas.strict import Strict

LONGEST_NAME = 80
LONGEST_PERSONA = 8_000
LAYOUT = str.maketrans("", "", "\n\t")

Theme = Literal["system", "light", "dark"]


@cache
def _zones() -> set[str]:
    return available_timezones()


def _name(text: str) -> str | None:
    """It stands in a line of the prompt, which it must not end."""
    name = unicodedata.normalize("NFC", text).strip()
    if name and not name.isprintable():
        raise ValueError("a name is one line of printable characters")
    return name or None


def _persona(text: str) -> str | None:
    persona = text.replace("\r\n", "\n").strip()
    if any(unicodedata.category(character) == "Cc" for character in persona.translate(LAYOUT)):
        raise ValueError("a persona has no control characters but line ends and tabs")
    return persona or None


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("this is not a time zone of the IANA database, such as Europe/Berlin")
    return name


Name = Annotated[str, Field(max_length=LONGEST_NAME, examples=["Ada"]), AfterValidator(_name)]
Persona = Annotated[
    str, Field(max_length=LONGEST_PERSONA, examples=["Answer like a pirate."]), AfterValidator(_persona)
]
Temperature = Annotated[float, Field(strict=True, ge=0, le=2)]
TopP = Annotated[float, Field(strict=True, ge=0, le=1)]
TimeZone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(_zone)]


class ChangeSettings(Strict):
    """Only what is given changes; null, or an empty text, goes back to the default."""

    name: Name | None = Field(None, description="What the user wants to be called.")
    persona: Persona | None = Field(None, description="A system prompt of the user's own, for every turn.")
    temperature: Temperature | None = Field(None, description="For turns that do not say; null leaves it to the mode.")
    top_p: TopP | None = Field(None, description="For turns that do not say; null leaves it to the mode.")
    theme: Theme | None = Field(None, description="For front-ends.")
    time_zone: TimeZone | None = Field(None, description="A name of the IANA database.")
    default_mode: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="A mode or a model of `GET /v1/models`, for turns that name none."
    )


class SettingsObject(BaseModel):
    """Everything a user can choose, defaults included."""

    object: Literal["settings"] = "settings"
    name: str | None
    persona: str | None
    temperature: float | None
    top_p: float | None
    theme: Theme
    time_zone: str
    default_mode: str
    updated_at: int | None = Field(description="null for somebody who never changed anything.")
