"""Payloads of events as an operator reads them."""

import json
from typing import Any

LONGEST_TEXT_BYTES = 65_536


def readable(value: bytes | None) -> Any:
    """The JSON in it; else its text, at most 64 KiB of it; null for null."""
    if value is None:
        return None
    try:
        return json.loads(value)
    except ValueError:
        return value[:LONGEST_TEXT_BYTES].decode(errors="backslashreplace")
