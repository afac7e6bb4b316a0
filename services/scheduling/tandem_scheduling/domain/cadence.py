"""Cadence: by when people who meet are expected to meet again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tandem_chassis.errors import Fault, Invalid

LATEST_NOTICE = timedelta(days=366)


class TouchpointRefused(Invalid):
    """A touchpoint that is still to come, or longer ago than a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """By when the next meeting is expected, and when its absence is said."""

    expected_by: datetime
    lapses_at: datetime


def expectation(since: datetime, *, meeting_every_days: int, grace_days: int) -> Expectation:
    """What is expected of people who last met, or began, at `since`.

    The grace lets a meeting on the last day be reported before it is called missing.
    """
    expected_by = since + timedelta(days=meeting_every_days)
    return Expectation(expected_by=expected_by, lapses_at=expected_by + timedelta(days=grace_days))


def require_happened(happened_at: datetime, *, now: datetime) -> None:
    """Only what happened lately is logged.

    Raises:
        TouchpointRefused: it is still to come, or longer ago than a year.
    """
    if happened_at > now or happened_at < now - LATEST_NOTICE:
        sentence = "Log what has happened, within the last year."
        raise TouchpointRefused(sentence, faults=[Fault(sentence, field="happened_at")])
