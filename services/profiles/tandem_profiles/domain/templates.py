"""Templates: for each format of mentoring, what usually goes well, so that a program needs few answers."""

from collections.abc import Mapping
from typing import Any

_FIRST_MEETING = {
    "module_id": "getting-started",
    "title": "Getting started",
    "due_after_days": 21,
    "agenda": ["What each of us hopes for", "How often, where and by which channel we meet", "What stays between us"],
    "prompts": ["What was a turning point in your work?", "When did advice help you, and when did it not?"],
}
_HALFWAY = {
    "module_id": "halfway",
    "title": "Halfway",
    "due_after_days": 90,
    "agenda": ["What has changed since we began", "What to do differently", "The goals for the second half"],
    "prompts": ["What did you try that came from here?"],
}
_CLOSING = {
    "module_id": "closing",
    "title": "Closing well",
    "due_after_days": 170,
    "agenda": ["What was reached", "What each of us takes along", "Whether and how we stay in touch"],
    "prompts": ["Whom could you help with what you learned?"],
}


def _track(*modules: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"track_id": "basics", "title": "The basics", "modules": [dict(module) for module in modules]}]


_SUMMARIES: Mapping[str, str] = {
    "one_to_one": "One mentor, one mentee, for half a year: monthly hours and feedback after each.",
    "peer": "Two people of similar standing help each other, every other week.",
    "reverse": "Somebody earlier in their career teaches somebody senior, once a month.",
    "group": "One mentor and up to six mentees, where mentors are few.",
    "circle": "Many of both around one theme, with a facilitator.",
    "flash": "One short meeting with each of several mentors.",
}

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "one_to_one": {
        "meeting_every_days": 30,
        "meeting_minutes": 60,
        "feedback_every_sessions": 1,
        "most_mentees": 2,
        "most_mentors": 1,
        "tracks": _track(_FIRST_MEETING, _HALFWAY, _CLOSING),
    },
    "peer": {
        "meeting_every_days": 14,
        "meeting_minutes": 45,
        "feedback_every_sessions": 3,
        "most_mentees": 1,
        "most_mentors": 1,
        "tracks": _track(_FIRST_MEETING, _CLOSING),
    },
    "reverse": {
        "meeting_every_days": 30,
        "meeting_minutes": 45,
        "feedback_every_sessions": 2,
        "most_mentees": 1,
        "most_mentors": 1,
        "tracks": _track(_FIRST_MEETING, _HALFWAY, _CLOSING),
    },
    "group": {
        "meeting_every_days": 21,
        "meeting_minutes": 90,
        "feedback_every_sessions": 2,
        "most_mentees": 6,
        "most_mentors": 1,
        "tracks": _track(_FIRST_MEETING, _HALFWAY, _CLOSING),
    },
    "circle": {
        "meeting_every_days": 30,
        "meeting_minutes": 90,
        "feedback_every_sessions": 3,
        "most_mentees": 12,
        "most_mentors": 3,
        "tracks": _track(_FIRST_MEETING, _HALFWAY, _CLOSING),
    },
    "flash": {
        "meeting_every_days": 30,
        "meeting_minutes": 20,
        "feedback_every_sessions": 1,
        "most_mentees": 8,
        "most_mentors": 5,
        "tracks": [],
    },
}

FORMATS = tuple(_DEFAULTS)


def template(program_format: str) -> dict[str, Any]:
    """The defaults of a format; a copy, to be changed at will."""
    return {"format": program_format, **_DEFAULTS[program_format]}


def summary(program_format: str) -> str:
    """What a format is, in a sentence."""
    return _SUMMARIES[program_format]
