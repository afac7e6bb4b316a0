"""Reciprocity: what members do for each other, and for whom."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from tandem_chassis.errors import Conflict, Invalid, NotFound


class Kind(StrEnum):
    """What somebody did."""

    CONTRIBUTION = "contribution"
    INTRODUCTION = "introduction"
    SPONSORSHIP = "sponsorship"
    GRATITUDE = "gratitude"
    SUCCESS = "success"
    LEARNING = "learning"


GIVEN_TO_SOMEBODY = frozenset({Kind.CONTRIBUTION, Kind.INTRODUCTION, Kind.SPONSORSHIP, Kind.GRATITUDE})
ALSO_AFTER_THE_END = frozenset({Kind.SPONSORSHIP, Kind.GRATITUDE, Kind.SUCCESS, Kind.INTRODUCTION})


class Result(StrEnum):
    """What became of a sponsorship."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"


class SayForWhom(Invalid):
    """A relationship of more than two: who is meant must be said."""


class NotAMemberToGiveTo(Invalid):
    """Whoever is given something is another member."""


class NoSuchContribution(NotFound):
    """There is none with this id, or it is none of the caller's business."""


class ResultKnown(Conflict):
    """What became of it was said already."""


def receiver_of(kind: Kind, members: Iterable[UUID], *, giver_id: UUID, named: UUID | None) -> UUID | None:
    """For whom it was: the named member, or the only other one; nobody where it is not given to anyone.

    Raises:
        SayForWhom: there are several others, and none was named.
        NotAMemberToGiveTo: who was named is not another member.
    """
    if kind not in GIVEN_TO_SOMEBODY:
        return None
    others = [member for member in members if member != giver_id]
    if named is not None:
        if named not in others:
            raise NotAMemberToGiveTo("Name another member of the relationship as the receiver.")
        return named
    if len(others) != 1:
        raise SayForWhom("There are several other members: name the one whom you mean as the receiver.")
    return others[0]
