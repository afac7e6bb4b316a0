"""Pulses: two questions every so often, and where they point."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from tandem_chassis.errors import Conflict, NotFound

PULSE_EVERY = timedelta(days=14)
LOOKED_AT = 4
STEP = 0.5


class Trend(StrEnum):
    """Where a relationship's pulses point."""

    RISING = "rising"
    LEVEL = "level"
    FALLING = "falling"
    UNKNOWN = "unknown"


class PulseTooSoon(Conflict):
    """One pulse each two weeks is enough."""


class NoSuchCallForHelp(NotFound):
    """There is none with this id, or it is none of the caller's business."""


class CallSettled(Conflict):
    """Somebody has taken care of it."""


def check_time(last: datetime | None, now: datetime) -> None:
    """Raises `PulseTooSoon` where the same person's last pulse was less than two weeks ago."""
    if last is not None and now - last < PULSE_EVERY:
        again = (last + PULSE_EVERY).date().isoformat()
        raise PulseTooSoon(f"You have answered this lately: the next pulse is on {again}. For help, call your manager.")


def due_from(began: datetime, last: datetime | None) -> datetime:
    """When a member's next pulse is due: two weeks after their last one, or after the beginning."""
    return (last or began) + PULSE_EVERY


def trend(values: Sequence[float]) -> Trend:
    """Where values point, in the order in which they came: the mean of the last four against that of the four before.

    It takes half a step of the scale to rise or fall. With fewer than eight values, the later half against the earlier;
    with fewer than four, nothing can be said.
    """
    if len(values) < LOOKED_AT:
        return Trend.UNKNOWN
    half = min(LOOKED_AT, len(values) // 2)
    later, earlier = values[-half:], values[-2 * half : -half]
    difference = sum(later) / half - sum(earlier) / half
    if difference >= STEP:
        return Trend.RISING
    return Trend.FALLING if difference <= -STEP else Trend.LEVEL
