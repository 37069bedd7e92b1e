"""Embeddings without a model: a bag of stems hashed into a unit vector, so texts that share words are near."""

from collections import Counter
from math import log, sqrt
from zlib import crc32

from dev.offline_llm.language import content_stems, words

DIMENSION = 768


def embed(text: str) -> list[float]:
    """The unit vector of a text; words without content count only when there is nothing else."""
    counts = Counter(content_stems(text) or words(text) or [""])
    vector = [0.0] * DIMENSION
    for stem, times in counts.items():
        hashed = crc32(stem.encode())
        vector[hashed % DIMENSION] += (1 + log(times)) * (1 if hashed >> 31 else -1)
    length = sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]
