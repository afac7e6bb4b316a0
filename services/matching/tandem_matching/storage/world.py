"""What matching hears of the world: people, programs, enrollments."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.storage.arrays import among
from tandem_matching.storage.tables import (
    Enrollment,
    MatchRequest,
    MentorOffer,
    Person,
    Program,
    Proposal,
    ProposedCircle,
    Unmatched,
    WaitingMentee,
)

_ERASING = sa.func.hashtextextended("tandem_matching erasure", 0)


async def hold_off_erasures(session: AsyncSession) -> None:
    """Nobody is erased until the transaction ends: what is written about people who are known stays true."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_ERASING)))


async def begin_erasure(session: AsyncSession) -> None:
    """Wait for those who hold off erasures; from now until the transaction ends nobody does."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_ERASING)))


async def known_among(session: AsyncSession, people: Iterable[UUID]) -> set[UUID]:
    """Who of these people is known."""
    rows = await session.scalars(sa.select(Person.person_id).where(among(Person.person_id, people), Person.known))
    return set(rows)


async def keep_person(session: AsyncSession, *, person_id: UUID, said_at: datetime, **traits: Any) -> None:
    """Remember who a person is now. A departure that was said later than this state stays."""
    values = {"person_id": person_id, "known": True, "said_at": said_at, **traits}
    statement = insert(Person).values(values)
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Person.person_id],
            set_={
                **{name: new[name] for name in ("known", *traits) if name != "departed_on"},
                "departed_on": sa.case((new.said_at >= Person.said_at, new.departed_on), else_=Person.departed_on),
                "said_at": sa.func.greatest(new.said_at, Person.said_at),
            },
        )
    )


async def keep_departure(session: AsyncSession, person_id: UUID, *, left_on: date, said_at: datetime) -> None:
    """Remember that a person left; also of somebody of whom nothing else was heard yet."""
    statement = insert(Person).values(
        person_id=person_id,
        known=False,
        time_zone="UTC",
        languages=[],
        skills={},
        confidential={},
        departed_on=left_on,
        said_at=said_at,
    )
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Person.person_id],
            set_={"departed_on": new.departed_on, "said_at": new.said_at},
            where=new.said_at >= Person.said_at,
        )
    )


_FORGET_ASSUMED = sa.text(
    """
    UPDATE match_runs
    SET version = version + 1, wishes = jsonb_set(wishes, '{people}', (
        SELECT coalesce(jsonb_agg(one), '[]') FROM jsonb_array_elements(wishes -> 'people') AS one
        WHERE one ->> 'person_id' <> CAST(:person AS text)))
    WHERE wishes -> 'people' @> jsonb_build_array(jsonb_build_object('person_id', CAST(:person AS text)))
    """
)
"""What managers assumed of a person in runs that only look what would be."""


async def drop_person(session: AsyncSession, person_id: UUID) -> None:
    """Know nothing of a person any more."""
    await session.execute(sa.delete(Person).where(Person.person_id == person_id))


async def merge_people(session: AsyncSession, *, kept: UUID, duplicate: UUID) -> None:
    """Whoever had the duplicate as manager has the record that stays; of the duplicate nothing is known any more."""
    managed = sa.update(Person).where(Person.manager_id == duplicate, Person.person_id != kept).values(manager_id=kept)
    await session.execute(managed)
    await drop_person(session, duplicate)


async def forget_person(session: AsyncSession, person_id: UUID) -> None:
    """Nothing that was known of a person stays; ids in pairings do, as history without a name."""
    await drop_person(session, person_id)
    await session.execute(
        sa.delete(Proposal).where(sa.or_(Proposal.mentor_id == person_id, Proposal.mentee_id == person_id))
    )
    await session.execute(sa.delete(ProposedCircle).where(ProposedCircle.people.contains([person_id])))
    await session.execute(sa.delete(Unmatched).where(Unmatched.person_id == person_id))
    await session.execute(_FORGET_ASSUMED, {"person": str(person_id)})
    await session.execute(
        sa.update(MatchRequest)
        .where(sa.or_(MatchRequest.mentor_id == person_id, MatchRequest.mentee_id == person_id))
        .values(message=None, words=None)
    )
    await session.execute(
        sa.update(MentorOffer)
        .where(sa.or_(MentorOffer.mentor_id == person_id, MentorOffer.mentee_id == person_id))
        .values(message=None)
    )
    await session.execute(
        sa.update(Enrollment)
        .where(Enrollment.person_id == person_id)
        .values(needs={}, preferences=[], preferred=[], excluded=[])
    )


async def keep_program(
    session: AsyncSession, program_id: UUID, *, program_format: str, status: str, matching: Mapping[str, Any]
) -> None:
    """Remember what a program is now."""
    statement = insert(Program).values(
        program_id=program_id, format=program_format, status=status, matching=dict(matching)
    )
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Program.program_id],
            set_={"format": new.format, "status": new.status, "matching": new.matching},
        )
    )


async def find_program(session: AsyncSession, program_id: UUID) -> Program | None:
    """The program, or nothing."""
    return await session.get(Program, program_id)


async def forget_program(session: AsyncSession, program_id: UUID) -> None:
    """The program is gone."""
    await session.execute(sa.delete(Program).where(Program.program_id == program_id))


async def keep_enrollment(session: AsyncSession, *, enrollment_id: UUID, **values: Any) -> None:
    """Remember an approved enrollment; what is taken of it stays as it is."""
    statement = insert(Enrollment).values(
        enrollment_id=enrollment_id, status="approved", mentor_taken=0, wanted_taken=0, **values
    )
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Enrollment.enrollment_id],
            set_={"status": new.status, **{name: new[name] for name in values}},
        )
    )


async def withdraw_enrollment(session: AsyncSession, enrollment_id: UUID) -> None:
    """Remember that an enrollment no longer holds."""
    await session.execute(
        sa.update(Enrollment).where(Enrollment.enrollment_id == enrollment_id).values(status="withdrawn")
    )
    await session.execute(sa.delete(WaitingMentee).where(WaitingMentee.enrollment_id == enrollment_id))


async def pause_enrollment(session: AsyncSession, enrollment_id: UUID, *, paused: bool) -> bool:
    """Remember whether somebody is given anybody new. False: the enrollment is not known yet."""
    found = await session.execute(
        sa.update(Enrollment)
        .where(Enrollment.enrollment_id == enrollment_id)
        .values(paused=paused)
        .returning(Enrollment.enrollment_id)
    )
    return found.first() is not None


async def enrollments_of(session: AsyncSession, person_id: UUID) -> list[Enrollment]:
    """Everything a person was ever approved for, locked until the transaction ends, in the order of the ids."""
    rows = await session.scalars(
        sa.select(Enrollment)
        .where(Enrollment.person_id == person_id)
        .order_by(Enrollment.enrollment_id)
        .with_for_update()
    )
    return list(rows)
