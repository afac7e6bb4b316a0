"""Pools: everybody who can be paired in a program now, counted or in full."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.domain.people import Answer, Mentee, Mentor, Pool, Traits, Wish
from tandem_matching.domain.rules import PEER, ROTATION
from tandem_matching.storage.room import free, wanted
from tandem_matching.storage.tables import Enrollment, Person


def _count(program_format: str) -> sa.TextClause:
    return sa.text(
        f"""
        SELECT count(*) FILTER (WHERE ready AND free > 0)   AS mentors,
               count(*) FILTER (WHERE ready AND wanted > 0) AS mentees,
               coalesce(sum(free) FILTER (WHERE ready), 0)   AS places,
               coalesce(sum(wanted) FILTER (WHERE ready), 0) AS wanted,
               count(*) FILTER (WHERE NOT ready AND NOT departed) AS incomplete
        FROM (
            SELECT {free(program_format)} AS free, {wanted(program_format)} AS wanted,
                   coalesce(p.known AND p.departed_on IS NULL, false) AS ready,
                   coalesce(p.departed_on IS NOT NULL, false) AS departed
            FROM enrollments e
            LEFT JOIN people p USING (person_id)
            LEFT JOIN mentor_places l USING (person_id)
            WHERE e.program_id = :program AND e.status = 'approved'
        ) AS pool
        """  # noqa: S608 - the parts are constants of `room`
    )


def _everybody(program_format: str) -> sa.TextClause:
    return sa.text(
        f"""
        SELECT e.person_id, e.needs, e.preferences, e.preferred, e.excluded,
               {free(program_format)} AS free, {wanted(program_format)} AS wanted,
               e.paused, e.is_mentor, e.is_mentee, e.mentor_places, e.mentor_taken, e.wanted_mentors, e.wanted_taken,
               p.level, p.level_name, p.unit, p.profession, p.manager_id, p.location, p.time_zone, p.languages,
               p.skills, p.confidential -> CAST(:program_key AS text) AS confidential,
               p.open_answers -> CAST(:program_key AS text) AS open_answers,
               coalesce(w.first_in_line, false) AS first_in_line
        FROM enrollments e
        JOIN people p USING (person_id)
        LEFT JOIN mentor_places l USING (person_id)
        LEFT JOIN waiting_mentees w USING (enrollment_id)
        WHERE e.program_id = :program AND e.status = 'approved' AND p.known AND p.departed_on IS NULL
          AND (CAST(:people AS uuid[]) IS NULL OR e.person_id = ANY(CAST(:people AS uuid[])))
          AND (CAST(:side AS text) IS NULL OR e.person_id = CAST(:person AS uuid)
               OR CAST(:side AS text) = 'mentee' AND {free(program_format)} > 0
               OR CAST(:side AS text) = 'mentor' AND {wanted(program_format)} > 0)
        """  # noqa: S608 - the parts are constants of `room`
    )


_PAIRS = sa.text(
    """
    SELECT mentor.person_id AS mentor_id, mentee.person_id AS mentee_id,
           bool_or(pairing.status = 'active' AND mentee.left_at IS NULL AND mentor.left_at IS NULL) AS active
    FROM enrollments e
    JOIN pairing_members mentee ON mentee.person_id = e.person_id AND mentee.role IN ('mentee', 'peer')
    JOIN pairing_members mentor ON mentor.pairing_id = mentee.pairing_id AND mentor.person_id <> mentee.person_id
                               AND mentor.role IN ('mentor', 'facilitator', 'peer')
    JOIN pairings pairing ON pairing.pairing_id = mentee.pairing_id
    WHERE e.program_id = :program AND e.status = 'approved'
      AND (CAST(:people AS uuid[]) IS NULL OR e.person_id = ANY(CAST(:people AS uuid[])))
      AND (CAST(:person AS uuid) IS NULL OR CAST(:person AS uuid) IN (mentor.person_id, mentee.person_id))
      AND (pairing.format <> :rotation OR :short_ones_too) AND NOT pairing.fallback
    GROUP BY 1, 2
    """
)


@dataclass(frozen=True, slots=True)
class PoolCount:
    """How many can be paired in a program now."""

    mentors: int
    mentees: int
    places: int
    wanted: int
    incomplete: int
    """Approved people of whom nothing else has arrived yet."""


async def count_pool(session: AsyncSession, program_id: UUID, *, program_format: str) -> PoolCount:
    """How many mentors and mentees a run would find now; peers count as both."""
    row = (await session.execute(_count(program_format), {"program": program_id})).one()
    return PoolCount(row.mentors, row.mentees, row.places, row.wanted, row.incomplete)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What somebody is assumed to be in a run that only looks what would be. None: as it is."""

    places: int | None = None
    """Free places as a mentor, or as a peer."""
    wanted: int | None = None
    """How many mentors, or peers, are wanted."""
    here: bool = False
    """Whether they are assumed not to pause."""
    traits: Mapping[str, Any] = field(default_factory=dict)
    """Other values of fields of `Traits`."""


async def read_pool(
    session: AsyncSession,
    program_id: UUID,
    *,
    program_format: str,
    only: Collection[UUID] | None = None,
    assumed: Mapping[UUID, Assumed] | None = None,
) -> Pool:
    """Everybody (or everybody of these) who can be paired now. Consistent in a transaction that sees one snapshot.

    `assumed`: people who are taken to be other than they are, also where they have no free place or pause.
    """
    people = None if only is None else sorted(only)
    which = {"people": people, "side": None, "person": None}
    return await _read(session, program_id, program_format, which, assumed or {})


async def assumable(session: AsyncSession, program_id: UUID) -> dict[UUID, frozenset[str]]:
    """Of whom something can be assumed in a program, and as what they take part: `mentor`, `mentee`."""
    rows = await session.execute(
        sa.select(Enrollment.person_id, Enrollment.is_mentor, Enrollment.is_mentee)
        .join(Person, Person.person_id == Enrollment.person_id)
        .where(
            Enrollment.program_id == program_id,
            Enrollment.status == "approved",
            Person.known,
            Person.departed_on.is_(None),
        )
    )
    return {
        person_id: frozenset(role for role, has in (("mentor", is_mentor), ("mentee", is_mentee)) if has)
        for person_id, is_mentor, is_mentee in rows
    }


async def read_side(
    session: AsyncSession, program_id: UUID, person_id: UUID, *, side: Literal["mentor", "mentee"], program_format: str
) -> Pool:
    """A person of one side, alone there (or nobody, where they take no part), and everybody of the other side."""
    known = {"people": None, "side": side, "person": person_id}
    pool = await _read(session, program_id, program_format, known, {})
    if side == "mentor":
        return replace(pool, mentors=tuple(one for one in pool.mentors if one.person_id == person_id))
    return replace(pool, mentees=tuple(one for one in pool.mentees if one.person_id == person_id))


async def _read(
    session: AsyncSession,
    program_id: UUID,
    program_format: str,
    which: Mapping[str, Any],
    assumed: Mapping[UUID, Assumed],
) -> Pool:
    mentors: list[Mentor] = []
    mentees: list[Mentee] = []
    rows = await session.execute(
        _everybody(program_format), {"program": program_id, "program_key": str(program_id), **which}
    )
    for row in rows:
        traits = Traits(
            person_id=row.person_id,
            level=row.level,
            level_name=row.level_name,
            unit=row.unit,
            profession=row.profession,
            manager_id=row.manager_id,
            location=row.location,
            time_zone=row.time_zone,
            languages=tuple(row.languages),
            skills=row.skills,
            needs=row.needs,
            confidential=_answers(row.confidential),
            open_answers=_answers(row.open_answers),
            preferred=tuple(row.preferred),
            excluded=tuple(row.excluded),
            wishes=tuple(Wish(**wish) for wish in row.preferences),
        )
        places, wished = row.free, row.wanted
        if (other := assumed.get(row.person_id)) is not None:
            traits = replace(traits, **other.traits)
            places, wished = _room_assumed(other, row, program_format)
        if places:
            mentors.append(Mentor(traits, places))
        if wished:
            mentees.append(Mentee(traits, wished, row.first_in_line))
    current: set[tuple[UUID, UUID]] = set()
    past: set[tuple[UUID, UUID]] = set()
    known = {
        "program": program_id,
        "people": which["people"],
        "person": which["person"],
        "rotation": ROTATION,
        "short_ones_too": program_format == ROTATION,
    }
    for mentor_id, mentee_id, active in await session.execute(_PAIRS, known):
        (current if active else past).add((mentor_id, mentee_id))
    return Pool(tuple(mentors), tuple(mentees), frozenset(current), frozenset(past))


def _room_assumed(other: Assumed, row: Any, program_format: str) -> tuple[int, int]:
    """The free places and wishes of somebody who is assumed to be other than they are."""
    places, wished = row.free, row.wanted
    if other.here and row.paused:
        places = max(0, row.mentor_places - row.mentor_taken) if row.is_mentor else 0
        wished = max(0, row.wanted_mentors - row.wanted_taken) if row.is_mentee else 0
    if program_format == PEER:
        # A peer has one number, whichever of the two was named.
        named = [one for one in (other.places, other.wanted) if one is not None]
        both = max(named) if named else max(places, wished)
        return both, both
    return places if other.places is None else other.places, wished if other.wanted is None else other.wanted


def _answers(stored: Mapping[str, Any] | None) -> dict[str, Answer]:
    return {name: tuple(answer) if isinstance(answer, list) else answer for name, answer in (stored or {}).items()}
