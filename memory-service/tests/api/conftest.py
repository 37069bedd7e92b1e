"""Somebody of their own for each test."""

import pytest

from ..conftest import Memory
from ..curator import Curator


@pytest.fixture
def ada(memory: Memory) -> Curator:
    return Curator(memory)
