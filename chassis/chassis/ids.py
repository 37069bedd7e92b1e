"""Identifiers: a prefix that says what it names, then a UUIDv7, so that ids sort by the time they were made."""

import uuid_utils

ID_LENGTH = 32
"""Hex digits after the prefix."""


def new_id(prefix: str) -> str:
    """A fresh id such as `conv_0199…`; ids made by one process sort in the order they were made."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"
