"""Closing: reflections at the end, what was achieved, who stays in touch, and a certificate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_events import outbox
from tandem_events.contracts import AlumniLinkChanged, ReflectionSubmitted
from tandem_feedback.domain.closing import NoCertificate, NotReflectedYet, ReflectedAlready, StillGoingOn
from tandem_feedback.storage import closing, people, programs, relationships
from tandem_feedback.storage.closing import Achieved, Reflection
from tandem_feedback.storage.relationships import Relationship
from tandem_feedback.use_cases.relationships import locked_for_member, member_of, say


@dataclass(frozen=True, slots=True)
class Closing:
    """What a member sees when a relationship has ended."""

    relationship: Relationship
    achieved: Achieved
    reflections: Sequence[Reflection]
    in_touch: Mapping[UUID, bool]


@dataclass(frozen=True, slots=True)
class Certified:
    """What a certificate says."""

    name: str
    role: str
    program: str
    began_at: datetime
    ended_at: datetime
    sessions: int
    minutes: int
    goals_reached: int


async def reflect(
    session: AsyncSession,
    pairing_id: UUID,
    *,
    author_id: UUID,
    learned: str,
    achieved: str,
    advice: str,
    shared: bool,
    stays_in_touch: bool,
    at: datetime,
) -> Reflection:
    """A member writes their closing reflection, for themselves or shared with the other members.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
        StillGoingOn: it has not ended.
        ReflectedAlready: the person has written one.
    """
    relationship = await locked_for_member(session, author_id, pairing_id)
    _require_ended(relationship)
    if any(one.author_id == author_id for one in await closing.reflections_of(session, pairing_id)):
        raise ReflectedAlready("You have written your closing reflection already.")
    reflection = Reflection(
        reflection_id=uuid7(),
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        author_id=author_id,
        learned=learned,
        achieved=achieved,
        advice=advice,
        shared=shared,
        stays_in_touch=stays_in_touch,
        written_at=at,
    )
    session.add(reflection)
    await session.flush()
    event = ReflectionSubmitted(
        reflection_id=reflection.reflection_id,
        pairing_id=pairing_id,
        program_id=relationship.program_id,
        author_id=author_id,
        stays_in_touch=stays_in_touch,
        occurred_at=at,
    )
    await say(session, relationship, event, version=reflection.version, person_id=author_id)
    return reflection


async def keep_in_touch(
    session: AsyncSession, pairing_id: UUID, *, person_id: UUID, stays_in_touch: bool, at: datetime
) -> Closing:
    """A member takes back their alumni link to the others, or gives it after all. The same again changes nothing.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
        StillGoingOn: it has not ended.
        NotReflectedYet: the person has not written their reflection, with which they first say whether they stay.
    """
    relationship = await locked_for_member(session, person_id, pairing_id)
    _require_ended(relationship)
    own = [one for one in await closing.reflections_of(session, pairing_id) if one.author_id == person_id]
    if not own:
        raise NotReflectedYet("Write your closing reflection first: with it you say whether you stay in touch.")
    [reflection] = own
    if reflection.stays_in_touch != stays_in_touch:
        reflection.stays_in_touch = stays_in_touch
        await session.flush()
        event = AlumniLinkChanged(
            reflection_id=reflection.reflection_id,
            pairing_id=pairing_id,
            program_id=relationship.program_id,
            author_id=person_id,
            stays_in_touch=stays_in_touch,
            occurred_at=at,
        )
        await outbox.add(session, event, version=reflection.version)
    return await closing_of(session, pairing_id, person_id=person_id)


async def closing_of(session: AsyncSession, pairing_id: UUID, *, person_id: UUID) -> Closing:
    """What was achieved, the reflections that this member may read, and who of the others stays in touch with them.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
        StillGoingOn: it has not ended.
    """
    members = await member_of(session, person_id, pairing_id)
    relationship = await relationships.find(session, pairing_id)
    assert relationship is not None
    _require_ended(relationship)
    reflections = await closing.reflections_of(session, pairing_id)
    staying = {one.author_id for one in reflections if one.stays_in_touch}
    return Closing(
        relationship,
        await closing.achieved_in(session, pairing_id),
        [one for one in reflections if one.shared or one.author_id == person_id],
        # An alumni link takes both: nobody learns that the other wants it before wanting it too.
        {other: person_id in staying and other in staying for other in members if other != person_id},
    )


async def certified(session: AsyncSession, pairing_id: UUID, *, person_id: UUID) -> Certified:
    """What the certificate of a member says.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
        StillGoingOn: it has not ended.
        NoCertificate: the members never met, or the person is not known by name.
    """
    members = await member_of(session, person_id, pairing_id)
    relationship = await relationships.find(session, pairing_id)
    assert relationship is not None
    _require_ended(relationship)
    person = await people.find(session, person_id)
    if relationship.completed_sessions == 0 or person is None:
        raise NoCertificate("There is a certificate once a relationship with at least one session has ended.")
    program = await programs.find(session, relationship.program_id)
    assert program is not None
    assert relationship.ended_at is not None
    achieved = await closing.achieved_in(session, pairing_id)
    return Certified(
        name=f"{person.given_name} {person.family_name}",
        role=members[person_id],
        program=program.name,
        began_at=relationship.began_at,
        ended_at=relationship.ended_at,
        sessions=relationship.completed_sessions,
        minutes=relationship.session_minutes,
        goals_reached=achieved.goals_reached,
    )


def _require_ended(relationship: Relationship) -> None:
    if relationship.status != "ended":
        raise StillGoingOn("This relationship still goes on: its closing comes when it has ended.")
