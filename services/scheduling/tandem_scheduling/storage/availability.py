"""Availability: what people set about their time, and when they are busy elsewhere."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_scheduling.domain.availability import Availability, Minutes, Span
from tandem_scheduling.domain.zones import UnknownTimeZone, zone_named
from tandem_scheduling.storage import people
from tandem_scheduling.storage.base import Table


class KeptAvailability(Table):
    """What somebody set about their time. Weekdays count from 0, Monday; spans are minutes of a day."""

    __tablename__ = "availabilities"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    time_zone: Mapped[str | None]
    hours: Mapped[dict[str, Any]]
    windows: Mapped[dict[str, Any]]
    holidays: Mapped[str | None]
    exceptions: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy reads it as it is

    def as_rules(self, own_zone: ZoneInfo) -> Availability:
        """As the rules take it; `own_zone` is that of the person where they set none."""
        return Availability(
            zone=zone_named(self.time_zone) if self.time_zone else own_zone,
            hours={int(weekday): _spans(spans) for weekday, spans in self.hours.items()},
            windows={int(weekday): _spans(spans) for weekday, spans in self.windows.items()},
            holidays=self.holidays,
            exceptions={date.fromisoformat(day): _spans(spans) for day, spans in self.exceptions.items()},
        )


class BusyTime(Table):
    """When somebody is busy elsewhere, out of a `file` or a `feed`; never with what."""

    __tablename__ = "busy_times"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]


def _spans(listed: Sequence[Sequence[int]]) -> tuple[Minutes, ...]:
    return tuple((begin, end) for begin, end in listed)


async def kept(session: AsyncSession, person_id: UUID, *, lock: bool = False) -> KeptAvailability | None:
    """What somebody set, if they set anything."""
    return await session.get(KeptAvailability, person_id, with_for_update=lock or None, populate_existing=lock)


async def of_people(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, Availability]:
    """When each of these people works; office hours of their own zone where they set nothing."""
    zones = await people.zone_names(session, person_ids)
    rows = await session.scalars(sa.select(KeptAvailability).where(KeptAvailability.person_id.in_(list(person_ids))))
    set_by = {one.person_id: one for one in rows}
    found: dict[UUID, Availability] = {}
    for person_id in person_ids:
        own_zone = _zone(zones.get(person_id, "UTC"))
        known = set_by.get(person_id)
        found[person_id] = known.as_rules(own_zone) if known else Availability(zone=own_zone)
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_named(name)
    except UnknownTimeZone:
        return zone_named("UTC")


_TAKEN = sa.text(
    """
    SELECT array_agg(CAST(extract(epoch FROM lower(span)) AS bigint) ORDER BY span),
           array_agg(CAST(extract(epoch FROM upper(span)) AS bigint) ORDER BY span)
    FROM (
        SELECT unnest(range_agg(tstzrange(starts_at, ends_at))) AS span
        FROM (
            SELECT starts_at, ends_at FROM session_attendees
            WHERE person_id = ANY (CAST(:people AS uuid[])) AND holds
              AND starts_at > CAST(:since AS timestamptz) - interval '1 day' AND starts_at < :until AND ends_at > :since
            UNION ALL
            SELECT starts_at, ends_at FROM busy_times
            WHERE person_id = ANY (CAST(:people AS uuid[])) AND starts_at < :until AND ends_at > :since
        ) AS times
    ) AS spans
    """
)


async def taken(session: AsyncSession, person_ids: Collection[UUID], *, since: datetime, until: datetime) -> list[Span]:
    """When any of these people is in a session, or busy elsewhere, in whole seconds since 1970, merged, in order.

    The database puts together what overlaps: of thousands of spans only hundreds are carried here.
    """
    found = (await session.execute(_TAKEN, {"people": list(person_ids), "since": since, "until": until})).one()
    return list(zip(found[0] or (), found[1] or (), strict=True))


async def replace_busy(session: AsyncSession, person_id: UUID, spans: Sequence[Span], *, source: str) -> None:
    """Keep when somebody is busy elsewhere, instead of what was kept before from this source."""
    await session.execute(sa.delete(BusyTime).where(BusyTime.person_id == person_id, BusyTime.source == source))
    if spans:
        await session.execute(
            sa.insert(BusyTime),
            [
                {
                    "person_id": person_id,
                    "source": source,
                    "starts_at": datetime.fromtimestamp(begin, UTC),
                    "ends_at": datetime.fromtimestamp(end, UTC),
                }
                for begin, end in spans
            ],
        )
