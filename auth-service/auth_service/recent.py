"""Memory with a bound."""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """A dict that beyond `limit` forgets what was put in longest ago."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        self._values.pop(key, None)  # what changes becomes the youngest
        self._values[key] = value
        if len(self._values) > self._limit:
            del self._values[next(iter(self._values))]
