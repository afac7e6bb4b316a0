"""Reminders: what is due to somebody, outside their quiet hours, and together instead of one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

KINDS = ("session_upcoming", "agenda_missing", "cadence_lapsed", "module_due")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """When and of what somebody wants to be reminded. The quiet hours are those of their own clocks."""

    quiet_from: time = time(20)
    quiet_until: time = time(8)
    muted: tuple[str, ...] = ()
    session_lead_hours: int = 24
    agenda_lead_hours: int = 48
    digest_minutes: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One thing that somebody is to be reminded of. `stands` is false once there is no reason any more."""

    kind: str
    subject: str
    pairing_id: UUID
    program_id: UUID
    session_id: UUID | None
    module_id: str | None
    due_at: datetime
    stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the reminders of one person: said together now, dropped, or looked at again later."""

    say: tuple[Due, ...]
    drop: tuple[Due, ...]
    next_due_at: datetime | None


def decide(
    waiting: Sequence[Due],
    preferences: Preferences,
    zone: ZoneInfo,
    *,
    now: datetime,
    last_said_at: datetime | None,
    more_from: datetime | None = None,
) -> Decision:
    """What is said to somebody now, of what waits for them: the earliest, behind which more is due at `more_from`.

    Nothing is said in quiet hours, nor sooner than `digest_minutes` after the last time. What is due within the next
    `digest_minutes` is said along with what is due already, so that somebody is not called twice.
    """
    drop = tuple(due for due in waiting if not due.stands or due.kind in preferences.muted)
    standing = [due for due in waiting if due not in drop]
    if not any(due.due_at <= now for due in standing):
        return Decision(say=(), drop=drop, next_due_at=_first([due.due_at for due in standing], more_from))
    together = timedelta(minutes=preferences.digest_minutes)
    allowed = end_of_quiet(now, preferences, zone)
    if last_said_at is not None:
        allowed = max(allowed, last_said_at + together)
    if allowed > now:
        return Decision(say=(), drop=drop, next_due_at=end_of_quiet(allowed, preferences, zone))
    say = tuple(due for due in standing if due.due_at <= now + together)
    later = [due.due_at for due in standing if due not in say]
    return Decision(say=say, drop=drop, next_due_at=_first(later, more_from))


def _first(dues: Sequence[datetime], more_from: datetime | None) -> datetime | None:
    return min((*dues, more_from) if more_from is not None else dues, default=None)


def end_of_quiet(moment: datetime, preferences: Preferences, zone: ZoneInfo) -> datetime:
    """The moment itself, or the end of the quiet hours in which it lies, in UTC."""
    local = moment.astimezone(zone)
    begins, ends, clock = preferences.quiet_from, preferences.quiet_until, local.time()
    if begins == ends:
        return moment
    over_midnight = begins > ends
    quiet = clock >= begins or clock < ends if over_midnight else begins <= clock < ends
    if not quiet:
        return moment
    day = local.date() + timedelta(days=1) if over_midnight and clock >= begins else local.date()
    # Where the clocks jump over the end, the moment after the jump is taken.
    return datetime.combine(day, ends, tzinfo=zone).astimezone(UTC)
