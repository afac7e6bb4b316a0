"""Calendars over HTTP: invitations as iCalendar files, private feeds, replies."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from pydantic import BaseModel

from tandem_chassis import idempotency
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Page
from tandem_scheduling.api.sessions import SessionDocument, document
from tandem_scheduling.domain.calendars.invitations import Calendars
from tandem_scheduling.domain.calendars.replies import read_reply
from tandem_scheduling.settings import Settings
from tandem_scheduling.use_cases import calendars as use_cases

router = APIRouter(tags=["calendars"], route_class=idempotency.Route)
public_router = APIRouter(tags=["calendars"])
"""What is asked for by calendar programs, which send no token: the address itself is the secret."""

CALENDAR_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}}


class CalendarResponse(Response):
    """An iCalendar file."""

    media_type = "text/calendar"


class FeedDocument(BaseModel):
    """Where the caller's calendar can be subscribed to. The address is shown this once."""

    path: str


async def calendars(request: Request) -> Calendars:
    """Who writes this installation's calendars."""
    settings: Settings = request.app.state.settings
    return Calendars(domain=settings.calendar_domain)


Writer = Annotated[Calendars, Depends(calendars)]
Recipient = Annotated[UUID | None, Query(description="Whose calendar is told; without one, the caller's own.")]
Text = Annotated[bytes, Body(media_type="text/calendar", description="The reply as the calendar sent it.")]


def answer(method: str, text: str) -> CalendarResponse:
    """An iTIP message as its delivering service attaches it."""
    return CalendarResponse(text, headers={"Content-Type": f"text/calendar; charset=utf-8; method={method}"})


@router.get("/sessions/{session_id}/invitation.ics", response_class=CalendarResponse, responses=CALENDAR_TEXT)
async def read_invitation(
    session_id: UUID, caller: CurrentCaller, session: Transaction, writer: Writer, recipient: Recipient = None
) -> CalendarResponse:
    """The iTIP message about a session as it is now: METHOD:REQUEST, or CANCEL once it was cancelled."""
    return answer(*await use_cases.invitation(session, session_id, caller, writer, recipient_id=recipient))


@router.get("/series/{series_id}/invitation.ics", response_class=CalendarResponse, responses=CALENDAR_TEXT)
async def read_series_invitation(
    series_id: UUID, caller: CurrentCaller, session: Transaction, writer: Writer, recipient: Recipient = None
) -> CalendarResponse:
    """The iTIP message about a whole series as it is now, with its exceptions."""
    return answer(*await use_cases.series_invitation(session, series_id, caller, writer, recipient_id=recipient))


@router.post("/calendar-replies")
async def take_reply(text: Text, caller: CurrentCaller, now: Now, session: Transaction) -> Page[SessionDocument]:
    """Take in a METHOD:REPLY: whether somebody comes, to one session or to a whole series.

    It is said as `session.answered` of each session that is answered.
    """
    reply = await asyncio.to_thread(read_reply, text)
    answered = await use_cases.take_reply(session, reply, caller, now=now)
    return Page(items=[document(meeting, caller) for meeting in answered])


@router.post("/me/calendar-feed", status_code=201)
async def make_feed(caller: CurrentCaller, now: Now, session: Transaction) -> FeedDocument:
    """Make a private address to subscribe to. An earlier one stops working."""
    return FeedDocument(path=f"/calendar-feeds/{await use_cases.make_feed(session, caller, now=now)}.ics")


@router.delete("/me/calendar-feed", status_code=204)
async def revoke_feed(caller: CurrentCaller, session: Transaction) -> None:
    """Let the private address stop working."""
    await use_cases.revoke_feed(session, caller)


@public_router.get("/calendar-feeds/{secret}.ics", response_class=CalendarResponse, responses=CALENDAR_TEXT)
async def read_feed(
    secret: Annotated[str, Path(max_length=100)], now: Now, session: Transaction, writer: Writer
) -> CalendarResponse:
    """The calendar behind a private address."""
    return answer("PUBLISH", await use_cases.feed(session, secret, writer, now=now))
