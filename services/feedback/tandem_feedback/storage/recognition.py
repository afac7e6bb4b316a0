"""Recognition: the ledger of what mentors did, and what they were awarded for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from tandem_feedback.domain.recognition import Ledger
from tandem_feedback.storage import pending
from tandem_feedback.storage.tables import Table

LOCK = 0x7A6DE3F1
"""One replica awards at a time."""


class LedgerEntry(Table):
    """Something that a mentor did; rows are only ever added."""

    __tablename__ = "recognition_ledger"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    person_id: Mapped[UUID]
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    minutes: Mapped[int]
    occurred_at: Mapped[datetime]
    counted: Mapped[bool]


class Award(Table):
    """A milestone or a badge."""

    __tablename__ = "awards"

    award_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    kind: Mapped[str]
    award: Mapped[str]
    awarded_at: Mapped[datetime]


class OptOut(Table):
    """Somebody does not want to be recognised."""

    __tablename__ = "recognition_opt_outs"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    opted_out_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Statement:
    """How much time somebody gave to a program's relationships."""

    program_id: UUID
    sessions: int
    minutes: int


async def enter(
    session: AsyncSession,
    person_ids: Iterable[UUID],
    *,
    pairing_id: UUID,
    program_id: UUID,
    kind: str,
    subject_id: UUID,
    at: datetime,
    minutes: int = 0,
) -> None:
    """Note what these people did; noting it again changes nothing."""
    batch = pending.of(session)
    entries = {} if batch is None else batch.ledger
    for person_id in person_ids:
        entry = {
            "person_id": person_id,
            "pairing_id": pairing_id,
            "program_id": program_id,
            "kind": kind,
            "subject_id": subject_id,
            "minutes": minutes,
            "occurred_at": at,
        }
        entries.setdefault((person_id, kind, subject_id), entry)
    if batch is None:
        await write_entries(session, list(entries.values()))


async def write_entries(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write entries of the ledger; those that it has already stay as they are."""
    await pending.write(session, ENTER, ENTRY, rows)


ENTRY: Mapping[str, str] = {
    "person_id": "uuid",
    "pairing_id": "uuid",
    "program_id": "uuid",
    "kind": "text",
    "subject_id": "uuid",
    "minutes": "integer",
    "occurred_at": "timestamptz",
}
ENTER = sa.text(
    f"""
    INSERT INTO recognition_ledger ({", ".join(ENTRY)}) SELECT {", ".join(ENTRY)}
    FROM {pending.rows_of(ENTRY)} ORDER BY person_id, kind, subject_id
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - names of columns
)


async def take_uncounted(session: AsyncSession, *, limit: int) -> list[UUID]:
    """The people of entries that were not looked at yet; they count as looked at when this transaction commits."""
    if not await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(LOCK))):
        return []
    entries = sa.select(LedgerEntry.id).where(~LedgerEntry.counted).order_by(LedgerEntry.id).limit(limit)
    rows = await session.execute(
        sa.update(LedgerEntry)
        .where(LedgerEntry.id.in_(entries))
        .values(counted=True)
        .returning(LedgerEntry.person_id)
        .execution_options(synchronize_session=False)
    )
    return sorted(set(rows.scalars()))


async def ledgers_of(session: AsyncSession, person_ids: Sequence[UUID]) -> dict[UUID, Ledger]:
    """What each of these people did until now, without those who opted out."""
    rows = await session.execute(
        sa.select(
            LedgerEntry.person_id,
            sa.func.sum(LedgerEntry.minutes).label("minutes"),
            sa.func.count().filter(LedgerEntry.kind == "session").label("sessions"),
            sa.func.count().filter(LedgerEntry.kind == "thanks").label("thanks"),
            sa.func.count().filter(LedgerEntry.kind == "goal_reached").label("goals_reached"),
        )
        .where(
            LedgerEntry.person_id.in_(person_ids),
            LedgerEntry.person_id.not_in(sa.select(OptOut.person_id)),
        )
        .group_by(LedgerEntry.person_id)
    )
    return {row.person_id: Ledger(int(row.minutes), row.sessions, row.thanks, row.goals_reached) for row in rows}


async def award(
    session: AsyncSession, due: Sequence[tuple[UUID, str, str]], *, at: datetime
) -> list[tuple[UUID, UUID, str, str]]:
    """Award what was not awarded before: person, kind and code. The answer is what is new, with its id first."""
    if not due:
        return []
    rows = [
        {"award_id": uuid7(), "person_id": person_id, "kind": kind, "award": code, "awarded_at": at}
        for person_id, kind, code in due
    ]
    added = await session.execute(
        insert(Award)
        .values(rows)
        .on_conflict_do_nothing(index_elements=[Award.person_id, Award.award])
        .returning(Award.award_id, Award.person_id, Award.kind, Award.award)
    )
    return [(row.award_id, row.person_id, row.kind, row.award) for row in added]


async def awards_of(session: AsyncSession, person_id: UUID) -> Sequence[Award]:
    """What somebody was awarded, the newest first."""
    rows = await session.scalars(
        sa.select(Award).where(Award.person_id == person_id).order_by(Award.awarded_at.desc(), Award.award)
    )
    return rows.all()


async def has_opted_out(session: AsyncSession, person_id: UUID) -> bool:
    """Whether somebody does not want to be recognised."""
    return await session.get(OptOut, person_id) is not None


async def opt_out(session: AsyncSession, person_id: UUID, *, at: datetime) -> None:
    """Somebody does not want to be recognised; what they were awarded is taken back."""
    await session.execute(insert(OptOut).values(person_id=person_id, opted_out_at=at).on_conflict_do_nothing())
    await session.execute(sa.delete(Award).where(Award.person_id == person_id))


async def opt_in(session: AsyncSession, person_id: UUID) -> None:
    """Somebody wants to be recognised again: everything they did is looked at once more."""
    await session.execute(sa.delete(OptOut).where(OptOut.person_id == person_id))
    await session.execute(
        sa.update(LedgerEntry)
        .where(LedgerEntry.person_id == person_id)
        .values(counted=False)
        .execution_options(synchronize_session=False)
    )


async def statement_of(session: AsyncSession, person_id: UUID, *, begins: datetime, ends: datetime) -> list[Statement]:
    """How much time somebody gave in a period (from `begins`, before `ends`), by program."""
    rows = await session.execute(
        sa.select(
            LedgerEntry.program_id,
            sa.func.count().label("sessions"),
            sa.func.sum(LedgerEntry.minutes).label("minutes"),
        )
        .where(
            LedgerEntry.person_id == person_id,
            LedgerEntry.kind == "session",
            LedgerEntry.occurred_at >= begins,
            LedgerEntry.occurred_at < ends,
        )
        .group_by(LedgerEntry.program_id)
        .order_by(LedgerEntry.program_id)
    )
    return [Statement(row.program_id, row.sessions, int(row.minutes)) for row in rows]


async def mentors_of(
    session: AsyncSession, program_id: UUID, *, after: UUID | None, limit: int
) -> list[tuple[UUID, int, int]]:
    """The mentors of a program with their sessions and minutes in it, without those who opted out."""
    query = sa.select(
        LedgerEntry.person_id,
        sa.func.count().filter(LedgerEntry.kind == "session").label("sessions"),
        sa.func.sum(LedgerEntry.minutes).label("minutes"),
    ).where(LedgerEntry.program_id == program_id, LedgerEntry.person_id.not_in(sa.select(OptOut.person_id)))
    if after is not None:
        query = query.where(LedgerEntry.person_id > after)
    rows = await session.execute(query.group_by(LedgerEntry.person_id).order_by(LedgerEntry.person_id).limit(limit))
    return [(row.person_id, row.sessions, int(row.minutes)) for row in rows]
