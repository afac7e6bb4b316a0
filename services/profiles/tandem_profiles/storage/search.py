"""Search: people by name, skill, unit, level, language and time zone, page by page in an order that stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_profiles.storage.enrollments import ENROLLMENTS
from tandem_profiles.storage.people import PEOPLE, Person

LEAST_SIMILARITY = 0.5
"""How much of what was typed must be found in a name, by groups of three letters, where it is not found as typed."""

FEW_HAVE_LETTERS = 3
"""So many letters at the beginning of a name are common to few people."""
NEAR = 3_000
"""So many names are walked through before those who are found are looked up and sorted instead."""
SMALL = 7_500
"""A program of so many enrollments is read whole: that takes less than to find its people among all others."""

NAME_KEY: sa.ColumnElement[str] = sa.literal_column("people.name_key", sa.Text)
_SKILL_KEYS: sa.ColumnElement[Any] = sa.literal_column("people.skill_keys", ARRAY[str](sa.Text))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom somebody looks for. What is None does not matter."""

    words: tuple[str, ...] = ()
    """Beginnings of names, in any order and spelling."""
    skill: str | None = None
    unit: str | None = None
    lowest_level: int | None = None
    highest_level: int | None = None
    language: str | None = None
    time_zone: str | None = None
    program_id: UUID | None = None
    """Only people who take part in this program."""


@dataclass(frozen=True, slots=True)
class Place:
    """Behind whom a page begins."""

    likeness: int
    """In thousandths; 0 where names were found as typed."""
    name_key: str
    person_id: UUID


async def page(session: AsyncSession, wanted: Wanted, *, after: Place | None, limit: int) -> list[tuple[Person, Place]]:
    """People who are still here, by name; where no name is as typed, those whose names are most like it.

    A page is of the same kind as the one before it.
    """
    # Every search is planned for its own words: how rare they are decides which index serves.
    await session.execute(sa.text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"))
    if after is None or after.likeness == 0:
        found = await _as_typed(session, wanted, after=after, limit=limit)
        if found or after is not None or not wanted.words:
            return found
    return await _alike(session, wanted, after=after, limit=limit)


async def _as_typed(
    session: AsyncSession, wanted: Wanted, *, after: Place | None, limit: int
) -> list[tuple[Person, Place]]:
    conditions = _conditions(wanted)
    for number, word in enumerate(wanted.words):
        pattern = sa.func.concat("% ", sa.func.folded(sa.bindparam(f"word_{number}", word, sa.Text)), "%")
        conditions.append(NAME_KEY.like(sa.cast(pattern, sa.Text)))
    if after is not None:
        conditions.append(_behind(after))
    short = all(len(word) < FEW_HAVE_LETTERS for word in wanted.words)
    rare = len(wanted.words) > 1 and not any(len(word) < FEW_HAVE_LETTERS for word in wanted.words)
    if wanted.program_id is not None and not rare and await _is_small(session, wanted.program_id):
        first = _first_of(wanted.program_id, conditions, limit=limit)
        first_by_name = sa.select(Person).where(PEOPLE.c.person_id.in_(first)).order_by(NAME_KEY, PEOPLE.c.person_id)
        return await _found(session, first_by_name)
    query = sa.select(Person).where(*conditions, *_takes_part(wanted)).limit(limit)
    if wanted.skill is None and short and (not wanted.words or wanted.program_id is None):
        return await _found(session, query.order_by(NAME_KEY, PEOPLE.c.person_id))
    # PostgreSQL takes those who are found for evenly spread over the names. Often they are: then a page is full soon.
    # But all who have one given name stand together, and those of a program or with a skill are few: a walk passes half
    # a company. Then they are looked up and sorted.
    if not rare:
        near = await _found(session, query.where(_among_the_next(after)).order_by(NAME_KEY, PEOPLE.c.person_id))
        if len(near) == limit:
            return near
    no_index = NAME_KEY.op("||", return_type=sa.Text)(sa.literal_column("''"))
    return await _found(session, query.order_by(no_index, PEOPLE.c.person_id))


def _behind(place: Place) -> sa.ColumnElement[bool]:
    return sa.tuple_(NAME_KEY, PEOPLE.c.person_id) > (place.name_key, place.person_id)


def _among_the_next(after: Place | None) -> sa.ColumnElement[bool]:
    """Whether a name is among the next few thousand of all names; of nobody where there are not so many."""
    names = sa.select(NAME_KEY).select_from(PEOPLE).where(PEOPLE.c.departed_on.is_(None))
    if after is not None:
        names = names.where(_behind(after))
    last = names.order_by(NAME_KEY, PEOPLE.c.person_id).offset(NEAR).limit(1).scalar_subquery()
    return last > NAME_KEY


async def _found(session: AsyncSession, query: sa.Select[Any]) -> list[tuple[Person, Place]]:
    rows = (await session.execute(query.add_columns(NAME_KEY.label("place")))).all()
    return [(person, Place(0, key, person.person_id)) for person, key in rows]


async def _alike(
    session: AsyncSession, wanted: Wanted, *, after: Place | None, limit: int
) -> list[tuple[Person, Place]]:
    await session.execute(
        sa.text("SELECT set_config('pg_trgm.word_similarity_threshold', :least, true)"),
        {"least": str(LEAST_SIMILARITY)},
    )
    typed = sa.func.folded(sa.bindparam("typed", " ".join(wanted.words), sa.Text))
    likeness = sa.cast(sa.func.word_similarity(typed, NAME_KEY) * 1000, sa.Integer)
    query = (
        sa.select(Person)
        .where(*_conditions(wanted), *_takes_part(wanted), typed.bool_op("<%")(NAME_KEY))
        .order_by(likeness.desc(), NAME_KEY, PEOPLE.c.person_id)
        .limit(limit)
    )
    if after is not None:
        behind = sa.tuple_(-likeness, NAME_KEY, PEOPLE.c.person_id)
        query = query.where(behind > (-after.likeness, after.name_key, after.person_id))
    rows = (await session.execute(query.add_columns(likeness.label("likeness"), NAME_KEY.label("place")))).all()
    return [(person, Place(alike, key, person.person_id)) for person, alike, key in rows]


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    """Everything that is wanted of a person by themselves: neither their name nor their program."""
    conditions: list[sa.ColumnElement[bool]] = [PEOPLE.c.departed_on.is_(None)]
    if wanted.skill is not None:
        conditions.append(_SKILL_KEYS.contains(array([sa.func.folded(wanted.skill, type_=sa.Text)])))
    if wanted.unit is not None:
        conditions.append(PEOPLE.c.unit == wanted.unit)
    if wanted.lowest_level is not None:
        conditions.append(PEOPLE.c.level >= wanted.lowest_level)
    if wanted.highest_level is not None:
        conditions.append(PEOPLE.c.level <= wanted.highest_level)
    if wanted.language is not None:
        conditions.append(PEOPLE.c.languages.contains([wanted.language]))
    if wanted.time_zone is not None:
        conditions.append(PEOPLE.c.time_zone == wanted.time_zone)
    return conditions


def _takes_part(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    if wanted.program_id is None:
        return []
    return [PEOPLE.c.person_id.in_(sa.select(ENROLLMENTS.c.person_id).where(_part_of(wanted.program_id)))]


def _part_of(program_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(ENROLLMENTS.c.program_id == program_id, ENROLLMENTS.c.status.in_(("approved", "paused")))


async def _is_small(session: AsyncSession, program_id: UUID) -> bool:
    enrollments = sa.select(ENROLLMENTS.c.program_id).where(ENROLLMENTS.c.program_id == program_id).limit(SMALL + 1)
    return (await session.scalar(sa.select(sa.func.count()).select_from(enrollments.subquery())) or 0) <= SMALL


def _first_of(program_id: UUID, conditions: Sequence[sa.ColumnElement[bool]], *, limit: int) -> sa.Select[Any]:
    """The first of a program's people by name, each looked up by their id.

    OFFSET 0 holds PostgreSQL to that: the plans that it would choose read the table of all people.
    """
    each = (
        sa.select(PEOPLE.c.person_id, NAME_KEY.label("name_key"))
        .where(PEOPLE.c.person_id == ENROLLMENTS.c.person_id, *conditions)
        .correlate(ENROLLMENTS)
        .offset(0)
        .lateral("participant")
    )
    by_name = sa.select(each.c.person_id).select_from(ENROLLMENTS.join(each, sa.true())).where(_part_of(program_id))
    return by_name.order_by(each.c.name_key, each.c.person_id).limit(limit)


def words_of(typed: str) -> tuple[str, ...]:
    """What was typed, as beginnings of names; signs that patterns give a meaning to are left out."""
    words: Sequence[str] = typed.translate(str.maketrans("%_\\", "   ")).split()
    return tuple(words[:8])
