"""Structured answers of the code mode: what the model has to write, how that is checked, and how people read it."""

import posixpath
import re
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

MOST_FILES = 100
_FENCED = re.compile(r"\s*```[a-z]*\n(.*)\n```\s*", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_BACKTICKS = re.compile(r"`{3,}")

Notes = Annotated[str, Field(max_length=10_000)]


class CodeNotUnderstood(Exception):
    """What the model wrote is no structured answer; says what is wrong with it, for the model."""


class DraftedFile(BaseModel):
    """A file as the model gives it: whole, under a relative path."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    language: str | None = None
    content: Annotated[str, Field(max_length=1_000_000)]
    notes: Notes | None = None

    @field_validator("language")
    @classmethod
    def be_a_word(cls, language: str | None) -> str | None:
        """It stands behind a fence; what is no name of a language is left out, and no reason to ask again."""
        return language if language and _LANGUAGE.fullmatch(language) else None

    @field_validator("name")
    @classmethod
    def stay_inside(cls, name: str) -> str:
        """Whoever saves the files does so in a folder of theirs, and nowhere else."""
        path = posixpath.normpath(name.replace("\\", "/"))
        if path.startswith(("/", "..")) or ":" in path or path == "." or _UNPRINTABLE.search(path):
            raise ValueError("has to be a relative path without `..`")
        return path


class CodeDraft(BaseModel):
    """A structured answer as the model gives it."""

    explanation: Annotated[str, Field(max_length=100_000)]
    files: Annotated[list[DraftedFile], Field(max_length=MOST_FILES)]
    notes: Notes | None = None

    @model_validator(mode="after")
    def say_something(self) -> "CodeDraft":
        """Neither words nor files is no answer; two files of a name are one too many."""
        if not (self.explanation.strip() or self.files):
            raise ValueError("has neither an explanation nor files")
        if len({file.name for file in self.files}) < len(self.files):
            raise ValueError("has several files of the same name")
        return self


_NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_FILE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "A relative path."},
        "language": _NULLABLE,
        "content": {"type": "string", "description": "The whole file."},
        "notes": _NULLABLE,
    },
    "required": ["name", "language", "content", "notes"],
    "additionalProperties": False,
}
RESPONSE_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "code_answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "explanation": {"type": "string"},
                "files": {"type": "array", "items": _FILE},
                "notes": _NULLABLE,
            },
            "required": ["explanation", "files", "notes"],
            "additionalProperties": False,
        },
    },
}


def read_code(text: str) -> CodeDraft:
    """The answer that the model wrote, fenced or not. Raises `CodeNotUnderstood`."""
    fenced = _FENCED.fullmatch(text)
    try:
        return CodeDraft.model_validate(orjson.loads(fenced[1] if fenced else text))
    except orjson.JSONDecodeError as error:
        raise CodeNotUnderstood(f"It is not JSON: {error}.") from None
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(step) for step in each['loc']) or 'The answer'}: {each['msg']}" for each in error.errors()
        ]
        raise CodeNotUnderstood("\n".join(wrong[:10])) from None


def asking_again(messages: list[dict[str, Any]], draft: str, wrong: str) -> list[dict[str, Any]]:
    """The messages that have the model mend its answer."""
    mend = (
        f"Your answer could not be read. {wrong}\nGive the same answer again as one JSON object of the agreed form, and"
        " nothing around it."
    )
    return [*messages, {"role": "assistant", "content": draft}, {"role": "user", "content": mend}]


def markdown(code: CodeDraft) -> str:
    """The answer as people and clients that know nothing of files read it."""
    blocks = [code.explanation.strip()]
    for file in code.files:
        fence = "`" * max(3, *(len(run) + 1 for run in _BACKTICKS.findall(file.content)), 3)
        end = "" if file.content.endswith("\n") else "\n"
        blocks.append(f"**{file.name}**\n\n{fence}{file.language or ''}\n{file.content}{end}{fence}")
        blocks.append((file.notes or "").strip())
    blocks.append((code.notes or "").strip())
    return "\n\n".join(block for block in blocks if block)
