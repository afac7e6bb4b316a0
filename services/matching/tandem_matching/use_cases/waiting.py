"""Waiting: who is in a program's line, at which place, and who comes first."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_events.contracts import MenteeWaitlisted
from tandem_matching.domain.endings import MENTOR_LEFT
from tandem_matching.storage import pairings, waiting
from tandem_matching.storage.waiting import InLine, Waiting

_WORDS = {
    MENTOR_LEFT: "Your mentor is no longer there for you: you are first in line for another.",
    "no_fault_rematch": "You or your mentor asked for a rematch, without blame: you are first in line for another.",
}


async def put_first_in_line(
    session: AsyncSession, program_id: UUID, people: Iterable[UUID], *, reason: str, at: datetime, peers: bool = False
) -> None:
    """Put those of these people first in line who still take part, and say so."""
    for person_id in people:
        enrollment_id = await pairings.enrolled_mentee(session, program_id, person_id, or_peer=peers)
        if enrollment_id is not None:
            await waiting.put_in_line(
                session, program_id, [Waiting(enrollment_id, person_id, reason, _WORDS[reason])], first=True, at=at
            )
            await say_places_in_line(session, program_id, {person_id}, at=at)


async def say_places_in_line(session: AsyncSession, program_id: UUID, people: set[UUID], *, at: datetime) -> None:
    """Say at which place of a program's line these people are."""
    only = next(iter(people)) if len(people) == 1 else None
    line = await waiting.line_of(session, program_id, person_id=only)
    await outbox.add_many(
        session,
        [
            (
                MenteeWaitlisted(
                    occurred_at=at,
                    enrollment_id=one.enrollment_id,
                    program_id=program_id,
                    person_id=one.person_id,
                    position=one.position,
                    reason=one.reason,
                ),
                one.version,
            )
            for one in line
            if one.person_id in people
        ],
    )


async def own_places_in_line(session: AsyncSession, person_id: UUID) -> list[tuple[UUID, InLine]]:
    """Where somebody waits: each program's id and their place in its line."""
    return [
        (program_id, one)
        for program_id in await waiting.lines_of_person(session, person_id)
        for one in await waiting.line_of(session, program_id, person_id=person_id)
    ]
