"""The door of closing: reflections, what was achieved, alumni links, certificates."""

import asyncio
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_feedback.api.certificates import certificate
from tandem_feedback.api.words import OptionalWords, Words
from tandem_feedback.use_cases import closing

router = APIRouter(tags=["closing"], route_class=idempotency.Route)


class NewReflection(BaseModel):
    """Looking back."""

    learned: Words
    achieved: OptionalWords = ""
    advice: OptionalWords = Field(default="", description="For those who come next.")
    shared: bool = Field(default=True, description="Whether the other members may read it.")
    stays_in_touch: bool = Field(default=False, description="Whether I keep an alumni link to the others.")


class AlumniLink(BaseModel):
    """Whether I keep an alumni link to the others of a relationship that has ended."""

    stays_in_touch: bool


class ReflectionView(BaseModel):
    """A reflection that the reader may read."""

    author_id: UUID
    learned: str
    achieved: str
    advice: str
    written_at: datetime


class AchievedView(BaseModel):
    """What came together, in numbers."""

    sessions: int
    minutes: int
    goals_set: int
    goals_reached: int
    actions_agreed: int
    actions_applied: int
    thanks: int


class ClosingView(BaseModel):
    """A relationship that has ended, as one of its members sees it."""

    pairing_id: UUID
    began_at: datetime
    ended_at: datetime
    end_reason: str
    achieved: AchievedView
    reflections: list[ReflectionView]
    in_touch_with: list[UUID] = Field(description="Members with whom there is an alumni link, because both want it.")


class PdfResponse(Response):
    """A PDF."""

    media_type = "application/pdf"


@router.post("/pairings/{pairing_id}/reflections", status_code=201)
async def write_reflection(
    pairing_id: UUID, body: NewReflection, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ReflectionView:
    """Write my closing reflection. The other services hear of it as `reflection.submitted`, without its words."""
    reflection = await closing.reflect(
        session, pairing_id, author_id=caller.require_person(), at=now, **body.model_dump()
    )
    response.headers["Location"] = f"/pairings/{pairing_id}/closing"
    return ReflectionView.model_validate(reflection, from_attributes=True)


@router.get("/pairings/{pairing_id}/closing")
async def show_closing(pairing_id: UUID, caller: CurrentCaller, session: Transaction) -> ClosingView:
    """What my relationship achieved, what we wrote at its end, and who stays in touch."""
    return _view(await closing.closing_of(session, pairing_id, person_id=caller.require_person()))


@router.put("/pairings/{pairing_id}/alumni-link")
async def change_alumni_link(
    pairing_id: UUID, body: AlumniLink, caller: CurrentCaller, now: Now, session: Transaction
) -> ClosingView:
    """Take back my alumni link to the others, or give it after all. There is one between two who both want it."""
    seen = await closing.keep_in_touch(
        session, pairing_id, person_id=caller.require_person(), stays_in_touch=body.stays_in_touch, at=now
    )
    return _view(seen)


def _view(seen: closing.Closing) -> ClosingView:
    relationship, achieved = seen.relationship, seen.achieved
    assert relationship.ended_at is not None
    return ClosingView(
        pairing_id=relationship.pairing_id,
        began_at=relationship.began_at,
        ended_at=relationship.ended_at,
        end_reason=relationship.end_reason or "",
        achieved=AchievedView(
            sessions=relationship.completed_sessions,
            minutes=relationship.session_minutes,
            goals_set=achieved.goals_set,
            goals_reached=achieved.goals_reached,
            actions_agreed=achieved.actions_agreed,
            actions_applied=achieved.actions_applied,
            thanks=achieved.thanks,
        ),
        reflections=[ReflectionView.model_validate(one, from_attributes=True) for one in seen.reflections],
        in_touch_with=[person_id for person_id, linked in seen.in_touch.items() if linked],
    )


@router.get(
    "/pairings/{pairing_id}/certificate",
    response_class=PdfResponse,
    responses={200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def show_certificate(pairing_id: UUID, caller: CurrentCaller, session: Transaction) -> Response:
    """My certificate of a relationship that has ended, as PDF."""
    said = await closing.certified(session, pairing_id, person_id=caller.require_person())
    headers = {"Content-Disposition": f'attachment; filename="certificate-{pairing_id}.pdf"'}
    return PdfResponse(await asyncio.to_thread(certificate, said), headers=headers)
