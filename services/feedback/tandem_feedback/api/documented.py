"""Answers that some routes give besides those that every route may give, for the API's document."""

from typing import Any

from tandem_chassis.problems import MEDIA_TYPE, Problem

IF_MATCH: dict[int | str, dict[str, Any]] = {
    412: {"model": Problem, "description": "It was changed since you saw it.", "content": {MEDIA_TYPE: {}}},
    428: {"model": Problem, "description": "If-Match is missing.", "content": {MEDIA_TYPE: {}}},
}
"""What a route answers that takes If-Match."""
