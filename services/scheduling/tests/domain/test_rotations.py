"""Flash rotations: everybody meets everybody of the other side once."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tandem_scheduling.domain.rotations import EverybodyMet, RotationRefused, rotate

BEGIN = datetime(2027, 3, 2, 9, tzinfo=UTC)
STEPS: dict[str, Any] = {
    "starts_at": BEGIN,
    "slot": timedelta(minutes=10),
    "change": timedelta(minutes=2),
    "rounds_before_break": 3,
    "rest": timedelta(minutes=15),
}


@given(mentors=some.integers(1, 12), mentees=some.integers(1, 12))
def test_every_mentee_meets_every_mentor_once_and_nobody_is_in_two_places(mentors: int, mentees: int) -> None:
    mentor_ids, mentee_ids = [uuid4() for _ in range(mentors)], [uuid4() for _ in range(mentees)]
    meetings = rotate(mentor_ids, mentee_ids, **STEPS)
    met = {(meeting.mentor_id, meeting.mentee_id) for meeting in meetings}
    assert len(meetings) == len(met) == mentors * mentees
    assert max(meeting.round for meeting in meetings) == max(mentors, mentees)
    for one, other in combinations(meetings, 2):
        if {one.mentor_id, one.mentee_id} & {other.mentor_id, other.mentee_id}:
            assert one.ends_at <= other.starts_at or other.ends_at <= one.starts_at


def test_a_break_follows_every_third_round() -> None:
    meetings = rotate([uuid4()], [uuid4() for _ in range(5)], **STEPS)
    begins = [(meeting.starts_at - BEGIN) // timedelta(minutes=1) for meeting in meetings]
    assert begins == [0, 12, 24, 49, 61]


def test_who_has_met_does_not_meet_again_and_rounds_without_anybody_are_left_out() -> None:
    mentors, mentees = [uuid4() for _ in range(3)], [uuid4() for _ in range(4)]
    first = rotate(mentors, mentees, **STEPS)
    met = {frozenset((one.mentor_id, one.mentee_id)) for one in first if one.round < 4}
    rest = rotate(mentors, mentees, **STEPS, met=met)
    assert [(one.mentor_id, one.mentee_id) for one in rest] == [
        (one.mentor_id, one.mentee_id) for one in first if one.round == 4
    ]
    assert {(one.round, one.starts_at) for one in rest} == {(1, BEGIN)}
    everybody = {frozenset((one.mentor_id, one.mentee_id)) for one in first}
    with pytest.raises(EverybodyMet):
        rotate(mentors, mentees, **STEPS, met=everybody)


def test_a_rotation_without_counterparts_or_of_a_crowd_is_refused() -> None:
    with pytest.raises(RotationRefused, match="at least one"):
        rotate([], [uuid4()], **STEPS)
    with pytest.raises(RotationRefused, match="900"):
        rotate([uuid4() for _ in range(31)], [uuid4() for _ in range(30)], **STEPS)
