"""Recognition: awarding mentors for what they did, and their statement of hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Invalid
from tandem_events import outbox
from tandem_events.contracts import Event, RecognitionAwarded
from tandem_feedback.domain import recognition as rules
from tandem_feedback.domain.recognition import Ledger
from tandem_feedback.storage import recognition
from tandem_feedback.storage.recognition import Award, Statement
from tandem_feedback.use_cases.programs import managed


class PeriodUpsideDown(Invalid):
    """A period ends after it begins."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What somebody did and was awarded."""

    opted_out: bool
    ledger: Ledger
    awards: Sequence[Award]


async def award_due(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Award whoever earned something since this was last done; how many people were looked at.

    Safe to call from several replicas at once: one of them does it.
    """
    looked_at = await recognition.take_uncounted(session, limit=limit)
    ledgers = await recognition.ledgers_of(session, looked_at)
    due = [(person_id, kind, code) for person_id, ledger in ledgers.items() for kind, code in rules.awards_due(ledger)]
    said: list[tuple[Event, int]] = [
        (RecognitionAwarded(**_about(award_id, person_id, now), kind=kind, award=code), 1)
        for award_id, person_id, kind, code in await recognition.award(session, due, at=now)
    ]
    await outbox.add_many(session, said)
    return len(looked_at)


def _about(award_id: UUID, person_id: UUID, now: datetime) -> dict[str, Any]:
    return {"award_id": award_id, "person_id": person_id, "occurred_at": now}


async def recognition_of(session: AsyncSession, person_id: UUID) -> Recognised:
    """What somebody did and was awarded, for themselves."""
    ledgers = await recognition.ledgers_of(session, [person_id])
    return Recognised(
        opted_out=await recognition.has_opted_out(session, person_id),
        ledger=ledgers.get(person_id, Ledger(0, 0, 0, 0)),
        awards=await recognition.awards_of(session, person_id),
    )


async def choose(session: AsyncSession, person_id: UUID, *, opted_out: bool, at: datetime) -> Recognised:
    """Somebody does not want to be recognised, or wants to again."""
    if opted_out:
        await recognition.opt_out(session, person_id, at=at)
    else:
        await recognition.opt_in(session, person_id)
    return await recognition_of(session, person_id)


async def hours_statement(
    session: AsyncSession, person_id: UUID, *, first_day: date, last_day: date
) -> Sequence[Statement]:
    """How much time somebody gave as a mentor from the first to the last day (UTC), by program.

    Raises:
        PeriodUpsideDown: the last day is before the first.
    """
    if last_day < first_day:
        raise PeriodUpsideDown("The last day of a period is not before its first: exchange them.")
    begins = datetime.combine(first_day, time(), UTC)
    ends = datetime.combine(last_day, time(), UTC) + timedelta(days=1)
    return await recognition.statement_of(session, person_id, begins=begins, ends=ends)


async def mentors_of(
    session: AsyncSession, caller: Caller, program_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[tuple[UUID, int, int]]:
    """The mentors of a program with their sessions and minutes in it, without those who opted out.

    Raises:
        NotYourProgram, NoSuchProgram: the caller does not manage such a program.
    """
    await managed(session, caller, program_id)
    return await recognition.mentors_of(session, program_id, after=after, limit=limit)
