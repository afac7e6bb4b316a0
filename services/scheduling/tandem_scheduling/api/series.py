"""Series over HTTP: sessions that recur, and the rotations of flash programs."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import Caller, CurrentCaller
from tandem_chassis.database import Transaction
from tandem_scheduling.api.fields import Day, Line, LocalMoment, Moment, WayOfMeeting, ZoneName
from tandem_scheduling.api.sessions import Cancellation, SessionDocument, document
from tandem_scheduling.domain.recurrence import Recurrence
from tandem_scheduling.storage.series import Series
from tandem_scheduling.storage.sessions import Session
from tandem_scheduling.use_cases import rotations
from tandem_scheduling.use_cases import series as use_cases
from tandem_scheduling.use_cases.rotations import RotationPlan
from tandem_scheduling.use_cases.series import SeriesPlan

router = APIRouter(tags=["series"], route_class=idempotency.Route)


class RecurrenceDocument(BaseModel):
    """How a series repeats; exactly one of `count` and `until` says where it ends."""

    frequency: Literal["daily", "weekly", "monthly"]
    interval: int = Field(default=1, ge=1, le=52)
    weekdays: list[Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]] = Field(default=[], max_length=7)
    count: int | None = Field(default=None, ge=1, le=300)
    until: Day | None = Field(default=None, description="The last day, inclusive.")
    except_dates: list[Day] = Field(default=[], max_length=300)


class NewSeries(BaseModel):
    """Sessions that recur, at a time of the wall clock."""

    starts_at: LocalMoment
    minutes: int = Field(ge=5, le=480)
    time_zone: ZoneName | None = Field(default=None, description="Without one, that of whoever books.")
    recurrence: RecurrenceDocument
    way_of_meeting: WayOfMeeting
    place: Line | None = None
    attendees: list[UUID] | None = Field(default=None, min_length=1, max_length=100)

    def plan(self) -> SeriesPlan:
        """As use cases take it."""
        repeats = self.recurrence
        recurrence = Recurrence(
            frequency=repeats.frequency,
            interval=repeats.interval,
            weekdays=tuple(repeats.weekdays),
            count=repeats.count,
            until=repeats.until,
            except_dates=tuple(repeats.except_dates),
        )
        values = self.model_dump(exclude={"starts_at", "recurrence"})
        return SeriesPlan(local_start=self.starts_at, recurrence=recurrence, **values)


class SeriesDocument(BaseModel):
    """A series and each of its sessions."""

    series_id: UUID
    pairing_id: UUID
    time_zone: str
    minutes: int
    recurrence: RecurrenceDocument
    cancelled: bool
    sessions: list[SessionDocument]


class NewRotation(BaseModel):
    """A sitting in which every mentee of a flash program meets every mentor once."""

    starts_at: Moment
    slot_minutes: int = Field(default=10, ge=5, le=120)
    change_minutes: int = Field(default=2, ge=0, le=60)
    rounds_before_break: int = Field(default=4, ge=1, le=50)
    break_minutes: int = Field(default=10, ge=0, le=240)
    way_of_meeting: WayOfMeeting
    place: Line | None = None
    time_zone: ZoneName | None = None


class RotationDocument(BaseModel):
    """The meetings of a rotation, round by round."""

    sessions: list[SessionDocument]


def series_document(made: Series, sessions: list[Session], caller: Caller) -> SeriesDocument:
    """A series as this caller sees it."""
    return SeriesDocument(
        series_id=made.series_id,
        pairing_id=made.pairing_id,
        time_zone=made.time_zone,
        minutes=made.minutes,
        recurrence=RecurrenceDocument.model_validate(made.recurrence),
        cancelled=made.cancelled_at is not None,
        sessions=[document(meeting, caller) for meeting in sessions],
    )


@router.post("/pairings/{pairing_id}/series", status_code=201)
async def schedule_series(
    pairing_id: UUID, body: NewSeries, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SeriesDocument:
    """Book every session of a series, or none. Each is said as `session.scheduled`."""
    made, booked = await use_cases.schedule_series(session, pairing_id, body.plan(), caller, now=now)
    preconditions.tag(response, made.version)
    response.headers["Location"] = f"/series/{made.series_id}"
    return series_document(made, booked, caller)


@router.get("/series/{series_id}")
async def read_series(
    series_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> SeriesDocument:
    """A series with its sessions."""
    found, sessions = await use_cases.see_series(session, series_id, caller)
    preconditions.tag(response, found.version)
    return series_document(found, sessions, caller)


@router.post("/series/{series_id}/cancellation")
async def cancel_series(
    series_id: UUID, body: Cancellation, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> SeriesDocument:
    """Cancel what is still to come of a series."""
    found, sessions = await use_cases.cancel_series(session, series_id, caller, reason=body.reason, now=now)
    preconditions.tag(response, found.version)
    return series_document(found, sessions, caller)


@router.post("/pairings/{pairing_id}/rotations", status_code=201)
async def schedule_rotation(
    pairing_id: UUID, body: NewRotation, caller: CurrentCaller, now: Now, session: Transaction
) -> RotationDocument:
    """Book every meeting of a flash rotation, or none: every mentee meets every mentor, nobody twice."""
    booked = await rotations.schedule_rotation(session, pairing_id, RotationPlan(**body.model_dump()), caller, now=now)
    return RotationDocument(sessions=[document(meeting, caller) for meeting in booked])
