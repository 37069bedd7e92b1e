"""OpenAI's metadata: a few short texts that a client attaches to an object."""

from typing import Annotated

from pydantic import Field

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16, description="Up to 16 pairs; keys to 64 characters, values to 512."),
]
