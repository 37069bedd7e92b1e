"""Embeddings: OpenAI's whole request, each field of it honoured, ignored (and said so) or refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chat_service.schemas.strict import Strict

MOST_TEXTS = 2_048

Text = Annotated[str, Field(min_length=1)]
Tokens = Annotated[list[int], Field(min_length=1)]


class EmbeddingRequest(Strict):
    """Texts to embed. Nothing of them is kept but what it cost."""

    model: str = Field(min_length=1, max_length=200, description="A model of type `embedding` from `GET /v1/models`.")
    input: (
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]
        | Tokens
        | Annotated[list[Tokens], Field(min_length=1, max_length=MOST_TEXTS)]
    ) = Field(description="A text, or texts. Tokens are not supported: each model here has its own.")
    encoding_format: Literal["float", "base64"] | None = Field(
        None, description="`float` is the default; `base64` are little-endian 32-bit floats."
    )
    dimensions: int | None = Field(None, description="Not supported; vectors have the length the model gives them.")
    user: str | None = Field(None, description="Ignored; calls are billed to whoever is signed in.")


class Embedding(BaseModel):
    """The vector of one text."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """As the provider counted; estimated where it did not."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """A vector for each text, in their order."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str = Field(description="The name that was asked for.")
    usage: EmbeddingUsage
