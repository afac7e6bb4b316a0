"""Pairings: relationships and their members, and the people in line for one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tandem_matching.domain.rules import FACILITATOR, PEER, ROTATION
from tandem_matching.storage.arrays import among
from tandem_matching.storage.room import free, wanted
from tandem_matching.storage.tables import Enrollment, Pairing, PairingMember, Person


@dataclass(frozen=True, slots=True)
class NewPairing:
    """A pairing that is about to be stored."""

    pairing_id: UUID
    members: tuple[tuple[UUID, str], ...]
    """Person and role."""
    turn: int | None = None
    """The round of a rotation."""
    fallback: bool = False
    """Whether it is a peer group of mentees who wait for a mentor."""

    def format_in(self, program_format: str) -> str:
        """The format of the relationship in a program of this one."""
        return PEER if self.fallback else program_format


async def store_pairings(
    session: AsyncSession,
    pairings: Sequence[NewPairing],
    *,
    program_id: UUID,
    program_format: str,
    run_id: UUID | None,
    at: datetime,
) -> None:
    """Store these relationships as active, at version 1."""
    if not pairings:
        return
    await session.execute(
        sa.insert(Pairing),
        [
            {
                "pairing_id": one.pairing_id,
                "program_id": program_id,
                "format": one.format_in(program_format),
                "run_id": run_id,
                "status": "active",
                "end_reason": None,
                "created_at": at,
                "ended_at": None,
                "turn": one.turn,
                "fallback": one.fallback,
                "version": 1,
            }
            for one in pairings
        ],
    )
    await session.execute(
        sa.insert(PairingMember),
        [
            {"pairing_id": one.pairing_id, "person_id": person, "role": role, "program_id": program_id}
            for one in pairings
            for person, role in one.members
        ],
    )


async def find_pairing(session: AsyncSession, pairing_id: UUID, *, lock: bool = False) -> Pairing | None:
    """The pairing, or nothing; locked until the transaction ends where that is asked for."""
    return await session.get(Pairing, pairing_id, with_for_update=True if lock else None, populate_existing=lock)


async def members_of(session: AsyncSession, pairing_ids: Iterable[UUID]) -> dict[UUID, list[PairingMember]]:
    """Those who are members of these pairings now (or were to the end), mentors first."""
    wanted = list(pairing_ids)
    members: dict[UUID, list[PairingMember]] = {pairing_id: [] for pairing_id in wanted}
    rows = await session.scalars(
        sa.select(PairingMember)
        .where(among(PairingMember.pairing_id, wanted), PairingMember.left_at.is_(None))
        .order_by(PairingMember.role.desc(), PairingMember.person_id)
    )
    for row in rows:
        members[row.pairing_id].append(row)
    return members


async def list_pairings(
    session: AsyncSession,
    *,
    program_id: UUID | None = None,
    person_id: UUID | None = None,
    status: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Pairing]:
    """Pairings of a program or of a person, oldest first."""
    query = sa.select(Pairing).order_by(Pairing.pairing_id).limit(limit)
    if program_id is not None:
        query = query.where(Pairing.program_id == program_id)
    if person_id is not None:
        query = query.where(
            Pairing.pairing_id.in_(sa.select(PairingMember.pairing_id).where(PairingMember.person_id == person_id))
        )
    if status is not None:
        query = query.where(Pairing.status == status)
    if after is not None:
        query = query.where(Pairing.pairing_id > after)
    return (await session.scalars(query)).all()


async def active_pairings_of(
    session: AsyncSession, person_id: UUID, *, program_id: UUID | None = None
) -> Sequence[UUID]:
    """The ids of a person's active pairings, in one program or in all, oldest first."""
    query = (
        sa.select(Pairing.pairing_id)
        .join(PairingMember, PairingMember.pairing_id == Pairing.pairing_id)
        .where(PairingMember.person_id == person_id, PairingMember.left_at.is_(None), Pairing.status == "active")
        .order_by(Pairing.pairing_id)
    )
    if program_id is not None:
        query = query.where(Pairing.program_id == program_id)
    return (await session.scalars(query)).all()


async def remove_member(session: AsyncSession, pairing_id: UUID, person_id: UUID, *, at: datetime) -> None:
    """Somebody is no longer a member."""
    await session.execute(
        sa.update(PairingMember)
        .where(PairingMember.pairing_id == pairing_id, PairingMember.person_id == person_id)
        .values(left_at=at)
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """Whether somebody can be paired in a program now, and how often."""

    enrollment_id: UUID
    here: bool
    """Approved, known, and not departed."""
    free: int
    wanted: int


async def holdings(
    session: AsyncSession, program_id: UUID, people: Iterable[UUID], *, program_format: str
) -> dict[UUID, Holding]:
    """What each of these people can still take in a program. Sure while their ledger lines are locked."""
    rows = await session.execute(
        sa.text(
            f"""
            SELECT e.person_id, e.enrollment_id,
                   e.status = 'approved' AND coalesce(p.known AND p.departed_on IS NULL, false) AS here,
                   {free(program_format)} AS free, {wanted(program_format)} AS wanted
            FROM unnest(CAST(:people AS uuid[])) AS given (person_id)
            JOIN enrollments e ON e.person_id = given.person_id AND e.program_id = :program
            LEFT JOIN people p ON p.person_id = e.person_id
            LEFT JOIN mentor_places l ON l.person_id = e.person_id
            ORDER BY e.status = 'approved'
            """  # noqa: S608 - the parts are constants of `room`
        ),
        {"program": program_id, "people": sorted(set(people))},
    )
    return {row.person_id: Holding(row.enrollment_id, row.here, row.free, row.wanted) for row in rows}


async def excluded_pairs(session: AsyncSession, program_id: UUID, people: Iterable[UUID]) -> set[tuple[UUID, UUID]]:
    """Who of these people is never to be paired with whom, as the one who said so and the other."""
    rows = await session.execute(
        sa.select(Enrollment.person_id, sa.func.unnest(Enrollment.excluded)).where(
            Enrollment.program_id == program_id,
            among(Enrollment.person_id, people),
            sa.func.cardinality(Enrollment.excluded) > 0,
        )
    )
    return {(person_id, other) for person_id, other in rows}


async def existing_pairs(
    session: AsyncSession, mentees: Iterable[UUID], *, program_format: str
) -> set[tuple[UUID, UUID]]:
    """The active pairs (mentor, mentee) of these mentees, in all programs; peers in either order.

    The short meetings of rotations count for a rotation only; peer groups of those who wait for a mentor do not count.
    """
    mentee, mentor = aliased(PairingMember), aliased(PairingMember)
    rows = await session.execute(
        sa.select(mentor.person_id, mentee.person_id)
        .join(mentee, mentee.pairing_id == mentor.pairing_id)
        .join(Pairing, Pairing.pairing_id == mentor.pairing_id)
        .where(
            mentee.role.in_(("mentee", "peer")),
            mentor.role.in_(("mentor", FACILITATOR, "peer")),
            mentor.person_id != mentee.person_id,
            Pairing.status == "active",
            Pairing.fallback.is_(False),
            sa.or_(Pairing.format != ROTATION, sa.literal(program_format == ROTATION)),
            mentee.left_at.is_(None),
            mentor.left_at.is_(None),
            among(mentee.person_id, mentees),
        )
    )
    return {(mentor_id, mentee_id) for mentor_id, mentee_id in rows}


async def accompanied(session: AsyncSession, program_id: UUID) -> set[UUID]:
    """Who has a mentor of a program now, or sits in one of its peer groups of those who wait for a mentor."""
    rows = await session.scalars(
        sa.select(PairingMember.person_id)
        .join(Pairing, Pairing.pairing_id == PairingMember.pairing_id)
        .where(
            Pairing.program_id == program_id,
            Pairing.status == "active",
            PairingMember.left_at.is_(None),
            sa.or_(PairingMember.role == "mentee", Pairing.fallback),
        )
    )
    return set(rows)


async def enrolled_mentee(
    session: AsyncSession, program_id: UUID, person_id: UUID, *, or_peer: bool = False
) -> UUID | None:
    """The enrollment of somebody who takes part as a mentee (or as anything) and is still with the company."""
    found: UUID | None = await session.scalar(
        sa.select(Enrollment.enrollment_id)
        .join(Person, Person.person_id == Enrollment.person_id)
        .where(
            Enrollment.program_id == program_id,
            Enrollment.person_id == person_id,
            Enrollment.status == "approved",
            sa.or_(Enrollment.is_mentee, sa.literal(or_peer)),
            Person.departed_on.is_(None),
        )
    )
    return found


@dataclass(frozen=True, slots=True)
class MentorCandidate:
    """A mentee who saw relationships of a program through to their end, and is no mentor in it."""

    person_id: UUID
    completed: int


_CANDIDATES = sa.text(
    """
    SELECT member.person_id, count(*) AS completed
    FROM pairings pairing
    JOIN pairing_members member USING (pairing_id)
    JOIN people person ON person.person_id = member.person_id AND person.known AND person.departed_on IS NULL
    WHERE pairing.program_id = :program AND pairing.end_reason = 'completed' AND member.role = 'mentee'
      AND member.left_at IS NULL
      AND (CAST(:among AS uuid[]) IS NULL OR member.person_id = ANY(CAST(:among AS uuid[])))
      AND (CAST(:beyond AS uuid) IS NULL OR member.person_id > CAST(:beyond AS uuid))
      AND NOT EXISTS (SELECT FROM enrollments e WHERE e.person_id = member.person_id
                      AND e.program_id = :program AND e.status = 'approved' AND e.is_mentor)
    GROUP BY member.person_id
    ORDER BY member.person_id
    LIMIT :limit
    """
)


async def mentor_candidates(
    session: AsyncSession,
    program_id: UUID,
    *,
    among: Iterable[UUID] | None = None,
    beyond: UUID | None = None,
    limit: int | None = None,
) -> list[MentorCandidate]:
    """Who could be a mentor of the program next, in the order of ids."""
    rows = await session.execute(
        _CANDIDATES,
        {
            "program": program_id,
            "among": None if among is None else sorted(set(among)),
            "beyond": beyond,
            "limit": limit,
        },
    )
    return [MentorCandidate(row.person_id, row.completed) for row in rows]
