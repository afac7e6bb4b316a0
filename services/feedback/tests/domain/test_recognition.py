"""What mentors are awarded for."""

from uuid import uuid4

import pytest

from tandem_feedback.domain.reciprocity import Kind, NotAMemberToGiveTo, SayForWhom, receiver_of
from tandem_feedback.domain.recognition import Ledger, awards_due


@pytest.mark.parametrize(
    ("ledger", "codes"),
    [
        (Ledger(0, 0, 0, 0), []),
        (Ledger(299, 5, 0, 0), ["first_session"]),
        (
            Ledger(600, 10, 5, 3),
            ["5_hours", "10_hours", "first_session", "first_goal_reached", "three_goals_reached", "thanked_five_times"],
        ),
    ],
)
def test_awards_follow_what_was_done(ledger: Ledger, codes: list[str]) -> None:
    assert [code for _, code in awards_due(ledger)] == codes


def test_in_a_pair_the_receiver_is_the_other_one() -> None:
    one, other, third = uuid4(), uuid4(), uuid4()
    assert receiver_of(Kind.GRATITUDE, [one, other], giver_id=one, named=None) == other
    assert receiver_of(Kind.SUCCESS, [one, other], giver_id=one, named=None) is None
    assert receiver_of(Kind.GRATITUDE, [one, other, third], giver_id=one, named=third) == third
    with pytest.raises(SayForWhom):
        receiver_of(Kind.GRATITUDE, [one, other, third], giver_id=one, named=None)
    with pytest.raises(NotAMemberToGiveTo):
        receiver_of(Kind.GRATITUDE, [one, other], giver_id=one, named=one)
