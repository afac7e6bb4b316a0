"""Reciprocity: what members of a relationship do for each other, and what came of it. Words and names stay behind."""

from typing import Literal
from uuid import UUID

from tandem_events.contracts.contract import Code, Fact


class ContributionLogged(
    Fact, name="contribution.logged", sender="feedback", subject="contribution_id", key="pairing_id"
):
    """A member gave something back to another."""

    contribution_id: UUID
    pairing_id: UUID
    program_id: UUID
    giver_id: UUID
    receiver_id: UUID


class IntroductionMade(Fact, name="introduction.made", sender="feedback", subject="contribution_id", key="pairing_id"):
    """A member introduced another to somebody."""

    contribution_id: UUID
    pairing_id: UUID
    program_id: UUID
    giver_id: UUID
    receiver_id: UUID


class SponsorshipRecorded(
    Fact, name="sponsorship.recorded", sender="feedback", subject="contribution_id", key="pairing_id"
):
    """A member put another forward for an opportunity, or its result became known."""

    contribution_id: UUID
    pairing_id: UUID
    program_id: UUID
    giver_id: UUID
    receiver_id: UUID
    opportunity: Code
    result: Literal["open", "succeeded", "declined"]


class GratitudeSent(Fact, name="gratitude.sent", sender="feedback", subject="contribution_id", key="pairing_id"):
    """A member thanked another."""

    contribution_id: UUID
    pairing_id: UUID
    program_id: UUID
    giver_id: UUID
    receiver_id: UUID


class SuccessReported(Fact, name="success.reported", sender="feedback", subject="contribution_id", key="pairing_id"):
    """A member told of a later success; also after the relationship ended."""

    contribution_id: UUID
    pairing_id: UUID
    program_id: UUID
    giver_id: UUID


class LearningLogged(Fact, name="learning.logged", sender="feedback", subject="contribution_id", key="pairing_id"):
    """A member learned something elsewhere: a book, a webinar, a course."""

    contribution_id: UUID
    pairing_id: UUID
    program_id: UUID
    giver_id: UUID
    kind: Code
