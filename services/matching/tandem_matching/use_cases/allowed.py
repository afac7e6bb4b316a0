"""Who may be paired with whom at this moment, for the few people that a request, an offer or a transfer is about."""

from collections.abc import Collection
from datetime import UTC, datetime, time
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_matching.domain.encoding import encode
from tandem_matching.domain.refusals import NoSuchProgram, ProgramNotRunning, RequestsNotAllowed
from tandem_matching.domain.rules import Rules
from tandem_matching.domain.settings_document import rules_from
from tandem_matching.storage import pools, world
from tandem_matching.storage.tables import Program

ONE_TO_ONE = "one_to_one"
PAIRED_BY_NAME = (ONE_TO_ONE, "reverse")
"""The formats in which two people can agree on each other; the others are put together by a run."""


async def running_program(session: AsyncSession, program_id: UUID) -> tuple[Program, Rules]:
    """The program and its rules.

    Raises:
        NoSuchProgram, ProgramNotRunning: nobody is paired in it.
        SettingsMalformed: its rules or weights cannot be used.
    """
    program = await world.find_program(session, program_id)
    if program is None:
        raise NoSuchProgram("No program with this id is known to matching.")
    if program.status != "running":
        raise ProgramNotRunning(f"The program is {program.status}: people are paired while it is running.")
    return program, rules_from(program.matching, program_format=program.format)


def require_pairs_by_name(program: Program) -> None:
    """Raises `RequestsNotAllowed` where a program's format leaves pairing to its runs."""
    if program.format not in PAIRED_BY_NAME:
        raise RequestsNotAllowed(
            f"In a program of the format {program.format} nobody is asked by name: wait for the program's match."
        )


def noon(at: datetime) -> datetime:
    """The moment of a day at which time zones are compared: where clocks change that night, they have."""
    return datetime.combine(at.date(), time(12), UTC)


async def allowed_pairs(
    session: AsyncSession,
    program: Program,
    rules: Rules,
    *,
    mentors: Collection[UUID],
    mentees: Collection[UUID],
    at: datetime,
) -> set[tuple[UUID, UUID]]:
    """The pairs (mentor, mentee) among these that no rule keeps apart and for which both have room now."""
    pool = await pools.read_pool(session, program.program_id, program_format=program.format, only={*mentors, *mentees})
    encoded = encode(pool, rules, at=noon(at))
    _, violated = encoded.dense()
    return {
        (mentor_id, mentee_id)
        for row, mentee_id in enumerate(encoded.mentee_ids)
        for column, mentor_id in enumerate(encoded.mentor_ids)
        if mentee_id in mentees and mentor_id in mentors and violated[row, column] == 0
    }
