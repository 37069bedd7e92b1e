"""The provider's answer to a request for embeddings, read and checked."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from chat_service.clients.model_stream import MOST
from chat_service.problems import ModelAnswerGarbled

LARGEST = 3.4e38  # of 32 bits
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


@dataclass(frozen=True, slots=True)
class ModelVectors:
    """A vector for each text, in their order; `tokens` as the provider counted them, None when it did not tell."""

    vectors: list[list[float]]
    tokens: int | None


class _Entry(BaseModel):
    index: int
    embedding: list[Number] = Field(min_length=1)


class _Document(BaseModel):
    data: list[_Entry]
    usage: Any = None


def read_vectors(content: bytes, count: int) -> ModelVectors:
    """Raises `ModelAnswerGarbled` unless there is one vector for each of `count` texts, all of one length."""
    try:
        document = _Document.model_validate_json(content)
    except ValidationError:
        raise ModelAnswerGarbled() from None
    entries = sorted(document.data, key=lambda entry: entry.index)
    if [entry.index for entry in entries] != list(range(count)):
        raise ModelAnswerGarbled()
    vectors = [entry.embedding for entry in entries]
    if len({len(vector) for vector in vectors}) != 1:
        raise ModelAnswerGarbled()
    return ModelVectors(vectors, _tokens(document.usage))


def _tokens(usage: Any) -> int | None:
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and 0 <= tokens <= MOST else None
