"""Reciprocity: keeping what members do for each other, and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_events import outbox
from tandem_events.contracts import (
    ContributionLogged,
    Event,
    GratitudeSent,
    IntroductionMade,
    LearningLogged,
    SponsorshipRecorded,
    SuccessReported,
)
from tandem_feedback.domain.reciprocity import (
    ALSO_AFTER_THE_END,
    Kind,
    NoSuchContribution,
    Result,
    ResultKnown,
    receiver_of,
)
from tandem_feedback.storage import reciprocity, recognition, relationships
from tandem_feedback.storage.reciprocity import Contribution
from tandem_feedback.use_cases.relationships import locked_for_member, member_of, require_active, say


async def log(
    session: AsyncSession,
    pairing_id: UUID,
    *,
    kind: Kind,
    giver_id: UUID,
    receiver_id: UUID | None,
    code: str | None,
    words: str,
    at: datetime,
) -> Contribution:
    """A member did something for another, thanks them, tells of a success, or of what they learned elsewhere.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
        RelationshipEnded: it is over, and this is not what is said afterwards.
        SayForWhom, NotAMemberToGiveTo: it is not clear for whom.
    """
    relationship = await locked_for_member(session, giver_id, pairing_id)
    if kind not in ALSO_AFTER_THE_END:
        require_active(relationship)
    members = await relationships.members_of(session, pairing_id)
    contribution = Contribution(
        contribution_id=uuid7(),
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        kind=kind.value,
        giver_id=giver_id,
        receiver_id=receiver_of(kind, members, giver_id=giver_id, named=receiver_id),
        code=code,
        words=words,
        result=Result.OPEN.value if kind is Kind.SPONSORSHIP else None,
        logged_at=at,
    )
    session.add(contribution)
    await session.flush()
    await say(session, relationship, _said(contribution, at), version=contribution.version, person_id=giver_id)
    receiver = contribution.receiver_id
    if kind is Kind.GRATITUDE and receiver is not None and members[receiver] == "mentor":
        await recognition.enter(
            session,
            [receiver],
            pairing_id=pairing_id,
            program_id=relationship.program_id,
            kind="thanks",
            subject_id=contribution.contribution_id,
            at=at,
        )
    return contribution


async def tell_result(
    session: AsyncSession, contribution_id: UUID, *, person_id: UUID, result: Result, at: datetime
) -> Contribution:
    """A member says what became of a sponsorship; also after the relationship ended.

    Raises:
        NoSuchContribution: the person may not know of it, or it is no sponsorship.
        ResultKnown: it was said already.
    """
    found = await reciprocity.find(session, contribution_id)
    members = await relationships.members_of(session, found.pairing_id) if found else {}
    if found is None or person_id not in members or found.kind != Kind.SPONSORSHIP:
        raise NoSuchContribution("There is no such sponsorship in your relationships.")
    relationship = await relationships.lock(session, found.pairing_id)
    held = await reciprocity.find(session, contribution_id, lock=True)
    assert relationship is not None
    assert held is not None
    if held.result != Result.OPEN:
        raise ResultKnown("What became of this was said already.")
    held.result = result.value
    await session.flush()
    await outbox.add(session, _said(held, at), version=held.version)
    return held


async def list_of(
    session: AsyncSession, pairing_id: UUID, *, person_id: UUID, kind: Kind | None, after: UUID | None, limit: int
) -> Sequence[Contribution]:
    """What was done in a relationship, for its members.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
    """
    await member_of(session, person_id, pairing_id)
    return await reciprocity.list_of(session, pairing_id, kind=kind, after=after, limit=limit)


def _said(contribution: Contribution, at: datetime) -> Event:
    about: dict[str, Any] = {
        "contribution_id": contribution.contribution_id,
        "pairing_id": contribution.pairing_id,
        "program_id": contribution.program_id,
        "giver_id": contribution.giver_id,
        "occurred_at": at,
    }
    to = {"receiver_id": contribution.receiver_id}
    match Kind(contribution.kind):
        case Kind.CONTRIBUTION:
            return ContributionLogged(**about, **to)
        case Kind.INTRODUCTION:
            return IntroductionMade(**about, **to)
        case Kind.SPONSORSHIP:
            return SponsorshipRecorded(**about, **to, opportunity=contribution.code, result=contribution.result)
        case Kind.GRATITUDE:
            return GratitudeSent(**about, **to)
        case Kind.SUCCESS:
            return SuccessReported(**about)
        case Kind.LEARNING:
            return LearningLogged(**about, kind=contribution.code)
