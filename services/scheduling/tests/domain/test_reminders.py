"""When reminders are said: outside quiet hours, together, and only while there is a reason."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tandem_scheduling.domain.reminders import Due, Preferences, decide, end_of_quiet

NOON = datetime(2027, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


def due(at: datetime = NOON, kind: str = "session_upcoming", *, stands: bool = True) -> Due:
    return Due(
        kind=kind,
        subject=str(uuid4()),
        pairing_id=uuid4(),
        program_id=uuid4(),
        session_id=uuid4(),
        module_id=None,
        due_at=at,
        stands=stands,
    )


def test_what_is_due_soon_is_said_along_with_what_is_due_already() -> None:
    waiting = [due(), due(NOON + HOUR), due(NOON + 3 * HOUR)]
    decision = decide(waiting, Preferences(), BERLIN, now=NOON, last_said_at=None)
    assert decision.say == tuple(waiting[:2])
    assert decision.next_due_at == NOON + 3 * HOUR


def test_what_is_more_than_is_looked_at_comes_the_next_time() -> None:
    waiting = [due(), due(NOON + 3 * HOUR)]
    more = NOON + 4 * HOUR
    decision = decide(waiting, Preferences(), BERLIN, now=NOON, last_said_at=None, more_from=more)
    assert (decision.say, decision.next_due_at) == ((waiting[0],), NOON + 3 * HOUR)
    decision = decide(waiting[:1], Preferences(), BERLIN, now=NOON, last_said_at=None, more_from=NOON)
    assert (decision.say, decision.next_due_at) == (tuple(waiting[:1]), NOON)
    gone = [due(stands=False)]
    decision = decide(gone, Preferences(), BERLIN, now=NOON, last_said_at=None, more_from=more)
    assert (decision.drop, decision.next_due_at) == (tuple(gone), more)
    decision = decide(waiting, Preferences(), BERLIN, now=NOON, last_said_at=NOON - HOUR, more_from=NOON)
    assert (decision.say, decision.next_due_at) == ((), NOON + HOUR)


def test_nobody_is_called_again_within_their_digest_time() -> None:
    decision = decide([due()], Preferences(), BERLIN, now=NOON, last_said_at=NOON - HOUR)
    assert (decision.say, decision.next_due_at) == ((), NOON + HOUR)


def test_what_is_muted_or_has_no_reason_any_more_is_dropped() -> None:
    waiting = [due(stands=False), due(kind="agenda_missing")]
    decision = decide(waiting, Preferences(muted=("agenda_missing",)), BERLIN, now=NOON, last_said_at=None)
    assert (decision.say, decision.drop, decision.next_due_at) == ((), tuple(waiting), None)


def test_in_quiet_hours_nothing_is_said_until_they_end() -> None:
    night = datetime(2027, 3, 2, 22, tzinfo=UTC)
    decision = decide([due(night)], Preferences(), BERLIN, now=night, last_said_at=None)
    assert decision.say == ()
    assert decision.next_due_at == datetime(2027, 3, 3, 7, tzinfo=UTC), "eight in Berlin"


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        ("2027-03-02T18:59:00", "2027-03-02T18:59:00"),
        ("2027-03-02T19:00:00", "2027-03-03T07:00:00"),
        ("2027-03-27T22:00:00", "2027-03-28T06:00:00"),
        ("2027-10-30T22:00:00", "2027-10-31T07:00:00"),
        ("2027-03-03T06:59:00", "2027-03-03T07:00:00"),
        ("2027-03-03T07:00:00", "2027-03-03T07:00:00"),
    ],
)
def test_quiet_hours_are_those_of_the_recipients_clocks(moment: str, ends: str) -> None:
    begin = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert end_of_quiet(begin, Preferences(), BERLIN) == datetime.fromisoformat(ends).replace(tzinfo=UTC)


def test_quiet_hours_may_lie_within_a_day_or_not_be_at_all() -> None:
    siesta = Preferences(quiet_from=time(12), quiet_until=time(14))
    assert end_of_quiet(NOON, siesta, BERLIN) == NOON + HOUR
    assert end_of_quiet(NOON + HOUR, siesta, BERLIN) == NOON + HOUR
    always = replace(siesta, quiet_until=time(12))
    assert end_of_quiet(NOON, always, BERLIN) == NOON
