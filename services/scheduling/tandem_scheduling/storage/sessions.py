"""Sessions and who is invited to them. The database itself refuses that a person is in two at once."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tandem_scheduling.domain.sessions import DoubleBooked
from tandem_scheduling.storage.base import Table

EXCLUSION_VIOLATED = "23P01"


class Attendee(Table):
    """Somebody who is invited to a session. `holds` is true while the session takes this time of theirs.

    An answer is written on their side at `answer_written_at`, by which replies are ordered, and known at `answered_at`.
    """

    __tablename__ = "session_attendees"
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sessions.session_id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    holds: Mapped[bool] = mapped_column(default=True)
    attended: Mapped[bool | None] = mapped_column(default=None)
    answer: Mapped[str | None] = mapped_column(default=None)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answer_written_at: Mapped[datetime | None] = mapped_column(default=None)


class Withdrawal(Table):
    """That somebody is no longer invited to a session, which their calendar is to hear."""

    __tablename__ = "session_withdrawals"
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sessions.session_id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    withdrawn_at: Mapped[datetime]


class Session(Table):
    """A meeting of a pairing. `sequence` counts its changes as calendars count them."""

    __tablename__ = "sessions"
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(default="meeting")
    state: Mapped[str] = mapped_column(default="scheduled")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    time_zone: Mapped[str]
    way_of_meeting: Mapped[str]
    place: Mapped[str | None]
    organizer_id: Mapped[UUID]
    agenda_items: Mapped[int] = mapped_column(default=0)
    agenda_items_done: Mapped[int] = mapped_column(default=0)
    sequence: Mapped[int] = mapped_column(default=0)
    reschedules: Mapped[int] = mapped_column(default=0)
    late_changes: Mapped[int] = mapped_column(default=0)
    series_id: Mapped[UUID | None] = mapped_column(default=None)
    original_starts_at: Mapped[datetime | None] = mapped_column(default=None)
    debrief_of: Mapped[UUID | None] = mapped_column(default=None)
    cancel_reason: Mapped[str | None] = mapped_column(default=None)
    cancelled_by: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()
    attendees: Mapped[list[Attendee]] = relationship(lazy="selectin", order_by=Attendee.person_id)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is

    @property
    def attendee_ids(self) -> tuple[UUID, ...]:
        """Who is invited, in order of their ids."""
        return tuple(attendee.person_id for attendee in self.attendees)

    def hold(self, *, holds: bool) -> None:
        """Take this time of everybody invited, or give it back."""
        for attendee in self.attendees:
            attendee.holds = holds


async def taken(session: AsyncSession, times: Sequence[tuple[UUID, datetime, datetime]]) -> list[datetime]:
    """Which of these times of these people are taken by sessions already: their beginnings, in order."""
    rows = await session.scalars(
        sa.text(
            """
            SELECT DISTINCT wanted.starts_at
            FROM unnest(CAST(:people AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
                 AS wanted (person_id, starts_at, ends_at)
            JOIN session_attendees AS held ON held.person_id = wanted.person_id AND held.holds
             -- No session is longer than a day, which lets the index find those that come into question.
             AND held.starts_at > wanted.starts_at - interval '1 day' AND held.starts_at < wanted.ends_at
             AND tstzrange(held.starts_at, held.ends_at) && tstzrange(wanted.starts_at, wanted.ends_at)
            ORDER BY wanted.starts_at
            """
        ),
        {
            "people": [person_id for person_id, _, _ in times],
            "starts": [starts_at for _, starts_at, _ in times],
            "ends": [ends_at for _, _, ends_at in times],
        },
    )
    return list(rows)


async def lock_calendars(session: AsyncSession, person_ids: Iterable[UUID]) -> None:
    """Hold the calendars of these people until the transaction ends.

    Two bookings of one person then wait for each other instead of meeting in the exclusion constraint, where they would
    end in a deadlock. The ids are taken in one order by everyone.
    """
    await session.execute(
        sa.text(
            """
            SELECT pg_advisory_xact_lock(key) FROM (
                SELECT DISTINCT hashtextextended(id::text, 4) AS key FROM unnest(CAST(:ids AS uuid[])) AS id ORDER BY 1
            ) AS keys
            """
        ),
        {"ids": sorted(person_ids)},
    )


async def store(session: AsyncSession) -> None:
    """Write what is pending.

    Raises:
        DoubleBooked: somebody has a session at that time already.
    """
    try:
        await session.flush()
    except IntegrityError as violated:
        if getattr(violated.orig, "sqlstate", None) == EXCLUSION_VIOLATED:
            raise DoubleBooked(
                "Somebody who is invited already has a session at that time. Choose another time."
            ) from violated
        raise


async def find(session: AsyncSession, session_id: UUID) -> Session | None:
    """A session with its attendees."""
    return await session.get(Session, session_id)


async def lock(session: AsyncSession, session_id: UUID) -> Session:
    """A session as it is now; the caller holds its pairing."""
    return await session.get_one(Session, session_id, with_for_update=True, populate_existing=True)


async def of_pairing(
    session: AsyncSession,
    pairing_id: UUID,
    *,
    of: Collection[UUID] | None = None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Session]:
    """A pairing's sessions, or those `of` some, in the order of their beginning, behind `after`."""
    query = sa.select(Session).where(Session.pairing_id == pairing_id)
    if of is not None:
        query = query.where(Session.session_id.in_(sessions_of(*of)))
    if after is not None:
        query = query.where(sa.tuple_(Session.starts_at, Session.session_id) > sa.tuple_(*map(sa.literal, after)))
    return list(await session.scalars(query.order_by(Session.starts_at, Session.session_id).limit(limit)))


async def of_person(
    session: AsyncSession, person_id: UUID, *, since: datetime, until: datetime, limit: int
) -> list[Session]:
    """A person's sessions that take place and overlap this time, in the order of their beginning."""
    mine = (
        sa.select(Attendee.session_id)
        .where(
            Attendee.person_id == person_id,
            Attendee.holds,
            # No session is longer than a day, which lets the index find the beginning.
            Attendee.starts_at > since - timedelta(days=1),
            Attendee.ends_at > since,
            Attendee.starts_at < until,
        )
        .order_by(Attendee.starts_at)
        .limit(limit)
    )
    query = sa.select(Session).where(Session.session_id.in_(mine)).order_by(Session.starts_at, Session.session_id)
    return list(await session.scalars(query))


async def met_in_pairs(session: AsyncSession, pairing_id: UUID) -> set[frozenset[UUID]]:
    """Who of a pairing met by twos, or is booked to."""
    query = (
        sa.select(sa.func.array_agg(Attendee.person_id))
        .join(Session, Session.session_id == Attendee.session_id)
        .where(Session.pairing_id == pairing_id, Session.state.in_(["scheduled", "completed"]))
        .group_by(Session.session_id)
        .having(sa.func.count() == 2)
    )
    return {frozenset(two) for two in await session.scalars(query)}


async def lock_debrief_of(session: AsyncSession, session_id: UUID) -> Session | None:
    """When a shadowing session is to be talked about, as it is now; the caller holds the pairing."""
    query = (
        sa.select(Session)
        .where(Session.debrief_of == session_id, Session.state == "scheduled")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return await session.scalar(query)


async def lock_of_series(session: AsyncSession, series_id: UUID, *, now: datetime) -> list[Session]:
    """The sessions of a series that are still to come, as they are now; the caller holds the pairing."""
    query = (
        sa.select(Session)
        .where(Session.series_id == series_id, Session.state == "scheduled", Session.starts_at > now)
        .order_by(Session.starts_at)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(query))


async def of_series(session: AsyncSession, series_id: UUID) -> list[Session]:
    """Every session of a series."""
    query = sa.select(Session).where(Session.series_id == series_id).order_by(Session.original_starts_at)
    return list(await session.scalars(query))


async def replied_to(session: AsyncSession, uid: UUID, occurrence: datetime | None) -> list[Session]:
    """The sessions that a calendar means by a UID: the one of this id, or of a series all, or the one named by its
    original beginning."""
    alone = await session.get(Session, uid)
    if alone is not None:
        return [alone]
    query = sa.select(Session).where(Session.series_id == uid).order_by(Session.original_starts_at)
    if occurrence is not None:
        query = query.where(Session.original_starts_at == occurrence)
    return list(await session.scalars(query))


def _to_come(pairing_id: UUID, now: datetime) -> sa.Select[Session]:
    return (
        sa.select(Session)
        .where(Session.pairing_id == pairing_id, Session.state == "scheduled", Session.starts_at > now)
        .order_by(Session.starts_at, Session.session_id)
    )


async def next_to_come(
    session: AsyncSession, pairing_id: UUID, *, now: datetime, of: UUID | None = None
) -> Session | None:
    """A pairing's next session; or the next `of` somebody in it."""
    query = _to_come(pairing_id, now)
    if of is not None:
        query = query.where(Session.session_id.in_(sessions_of(of)))
    return await session.scalar(query.limit(1))


async def to_come(session: AsyncSession, pairing_id: UUID, *, now: datetime) -> list[Session]:
    """A pairing's sessions that have not begun, in the order of their beginning."""
    return list(await session.scalars(_to_come(pairing_id, now)))


def sessions_of(*person_ids: UUID) -> sa.Select[UUID]:
    """The ids of the sessions to which any of these people is invited, as a part of a query."""
    return sa.select(Attendee.session_id).where(Attendee.person_id.in_(person_ids))


async def invited(session: AsyncSession, session_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Who is invited to each of these sessions."""
    rows = await session.execute(
        sa.select(Attendee.session_id, Attendee.person_id).where(Attendee.session_id.in_(list(session_ids)))
    )
    found: dict[UUID, set[UUID]] = {session_id: set() for session_id in session_ids}
    for session_id, person_id in rows:
        found[session_id].add(person_id)
    return found


async def lock_to_come(session: AsyncSession, pairing_id: UUID, *, now: datetime) -> list[Session]:
    """A pairing's sessions that have not begun, as they are now; the caller holds the pairing."""
    query = _to_come(pairing_id, now).with_for_update().execution_options(populate_existing=True)
    return list(await session.scalars(query))


async def uninvite(session: AsyncSession, meeting: Session, person_id: UUID, *, at: datetime) -> None:
    """No longer invite somebody to a session, which gives their time back; the caller holds it."""
    for attendee in [one for one in meeting.attendees if one.person_id == person_id]:
        meeting.attendees.remove(attendee)
        await session.delete(attendee)
        session.add(Withdrawal(session_id=meeting.session_id, person_id=person_id, withdrawn_at=at))


async def withdrawn_from(session: AsyncSession, person_id: UUID, session_ids: Collection[UUID]) -> set[UUID]:
    """To which of these sessions somebody was invited once and is no longer."""
    query = sa.select(Withdrawal.session_id).where(
        Withdrawal.person_id == person_id, Withdrawal.session_id.in_(list(session_ids))
    )
    return set(await session.scalars(query))


def invite(session: Session, person_ids: Collection[UUID]) -> None:
    """Invite these people for the session's time."""
    session.attendees = [
        Attendee(person_id=person_id, starts_at=session.starts_at, ends_at=session.ends_at, holds=True)
        for person_id in sorted(person_ids)
    ]
