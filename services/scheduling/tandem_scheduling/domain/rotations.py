"""Rotations: in a flash program every mentee meets every mentor once, for a short while, in one sitting."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tandem_chassis.errors import Conflict, Fault, Invalid

MOST_MEETINGS = 900


class RotationRefused(Invalid):
    """A rotation that has nobody to meet, or is too large for one sitting."""


class EverybodyMet(Conflict):
    """A rotation in which nobody is left who has not met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """One mentor and one mentee, in one round."""

    round: int
    mentor_id: UUID
    mentee_id: UUID
    starts_at: datetime
    ends_at: datetime


def rotate(
    mentors: Sequence[UUID],
    mentees: Sequence[UUID],
    *,
    starts_at: datetime,
    slot: timedelta,
    change: timedelta,
    rounds_before_break: int,
    rest: timedelta,
    met: Collection[frozenset[UUID]] = (),
) -> list[Meeting]:
    """Every mentee with every mentor, nobody twice and nobody in two places; round by round.

    A round lasts `slot`; `change` lies between rounds, and `rest` instead after every `rounds_before_break` of them.
    Where one side has more people, those without a counterpart pause in that round. The number of rounds is the size
    of the larger side, which is the least possible. Those who have `met` do not meet again.

    Raises:
        RotationRefused: a side is empty, or there are more than 900 meetings.
        EverybodyMet: nobody is left who has not met.
    """
    if not mentors or not mentees:
        raise _refused("A rotation needs at least one mentor and one mentee.")
    if len(mentors) * len(mentees) > MOST_MEETINGS:
        raise _refused(f"A rotation has {MOST_MEETINGS} meetings at the most. Split the group.")
    size = max(len(mentors), len(mentees))
    # The circle has as many chairs as the larger side; an empty chair is a pause.
    circle = [
        [
            (mentor_id, mentees[(place + turn) % size])
            for place, mentor_id in enumerate(mentors)
            if (place + turn) % size < len(mentees)
        ]
        for turn in range(size)
    ]
    rounds = [[pair for pair in pairs if frozenset(pair) not in met] for pairs in circle]
    meetings: list[Meeting] = []
    begins = starts_at
    for number, pairs in enumerate(filter(None, rounds), start=1):
        meetings += [
            Meeting(round=number, mentor_id=mentor_id, mentee_id=mentee_id, starts_at=begins, ends_at=begins + slot)
            for mentor_id, mentee_id in pairs
        ]
        begins += slot + (rest if number % rounds_before_break == 0 else change)
    if not meetings:
        raise EverybodyMet("Every mentee has met every mentor here, or is booked to. Cancel what is not to take place.")
    return meetings


def _refused(sentence: str) -> RotationRefused:
    return RotationRefused(sentence, faults=[Fault(sentence, field="attendees")])
