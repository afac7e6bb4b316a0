"""Pairings over HTTP: who is paired with whom, and how that ends; and the line of those who wait."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import Caller, CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_matching.api.positions import row_number
from tandem_matching.api.runs import ReasonShown
from tandem_matching.domain.endings import told_reason
from tandem_matching.storage import pairings as stored
from tandem_matching.storage import waiting as stored_line
from tandem_matching.storage.tables import Pairing, PairingMember
from tandem_matching.use_cases import pairings, transfers, waiting

router = APIRouter(tags=["pairings"], route_class=idempotency.Route)

Status = Annotated[Literal["active", "ended"] | None, Query(description="Only these.")]


class MemberShown(BaseModel):
    """Somebody in a relationship."""

    person_id: UUID
    role: str


class PairingShown(BaseModel):
    """A relationship."""

    pairing_id: UUID
    program_id: UUID
    format: str
    run_id: UUID | None
    status: Literal["active", "ended"]
    end_reason: str | None = Field(description="The program's managers see the true one, members what others are told.")
    turn: int | None = Field(description="The round in which they meet, in a rotation.")
    fallback: bool = Field(description="Whether it is a peer group of mentees who still wait for a mentor.")
    continued_as: UUID | None = Field(description="The relationship that goes on, where another mentor took over.")
    created_at: datetime
    ended_at: datetime | None
    members: list[MemberShown]


class End(BaseModel):
    """Why a relationship ends."""

    reason: Literal["completed", "no_fault_rematch", "left", "misconduct"] = Field(
        description="Members may say completed or no_fault_rematch; managers all of them."
    )


class WaitingShown(BaseModel):
    """Somebody's place in a program's line."""

    position: int
    person_id: UUID
    reason: str
    words: str = Field(description="The rule that bound, and what would help; as the one who waits is told.")
    waiting_since: datetime


class OwnPlaceShown(BaseModel):
    """The caller's place in a program's line."""

    program_id: UUID
    position: int
    reason: str
    words: str
    waiting_since: datetime


class OwnPlaces(BaseModel):
    """Where the caller waits."""

    items: list[OwnPlaceShown]


class ExplainedPair(BaseModel):
    """Why two members were proposed to each other."""

    mentor_id: UUID
    mentee_id: UUID
    score: float = Field(description="0 to 100.")
    reasons: list[ReasonShown]


class ExplainedPairs(BaseModel):
    """Why members were proposed to each other; empty where they chose each other."""

    items: list[ExplainedPair]
    circle: list[ReasonShown] = Field(description="Why the members of a circle, or of a peer group, sit together.")


class MentorCandidateShown(BaseModel):
    """A mentee who could be a mentor next."""

    person_id: UUID
    completed: int = Field(description="Relationships of the program that they saw through to their end.")


class Transfer(BaseModel):
    """Who takes over, and why the relationship does not go on as it is."""

    mentor_id: UUID
    reason: Literal["no_fault_rematch", "left", "misconduct"] = "no_fault_rematch"


def _shown(pairing: Pairing, members: list[PairingMember], caller: Caller) -> PairingShown:
    own = {name: getattr(pairing, name) for name in PairingShown.model_fields if name != "members"}
    if pairing.end_reason is not None and not caller.manages(pairing.program_id):
        own["end_reason"] = told_reason(pairing.end_reason)
    return PairingShown(**own, members=[MemberShown(person_id=one.person_id, role=one.role) for one in members])


@router.get("/programs/{program_id}/pairings")
async def list_program_pairings(
    program_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Status = None,
) -> Page[PairingShown]:
    """The relationships of a program, oldest first."""
    caller.require_manager(program_id)
    rows = await stored.list_pairings(
        session, program_id=program_id, status=status, after=paging.after(cursor, UUID), limit=limit + 1
    )
    members = await stored.members_of(session, [row.pairing_id for row in rows])
    return paging.page(
        rows, limit, lambda row: _shown(row, members[row.pairing_id], caller), by=lambda row: row.pairing_id
    )


@router.get("/me/pairings")
async def list_own_pairings(
    caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None, status: Status = None
) -> Page[PairingShown]:
    """The caller's own relationships, oldest first."""
    rows = await stored.list_pairings(
        session,
        person_id=caller.require_person(),
        status=status,
        after=paging.after(cursor, UUID),
        limit=limit + 1,
    )
    members = await stored.members_of(session, [row.pairing_id for row in rows])
    return paging.page(
        rows, limit, lambda row: _shown(row, members[row.pairing_id], caller), by=lambda row: row.pairing_id
    )


@router.get("/pairings/{pairing_id}")
async def show_pairing(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> PairingShown:
    """A relationship, for its members and for those who manage its program."""
    pairing, members = await pairings.find_pairing(session, pairing_id, caller)
    preconditions.tag(response, pairing.version)
    return _shown(pairing, members, caller)


@router.get("/pairings/{pairing_id}/reasons")
async def explain_pairing(pairing_id: UUID, caller: CurrentCaller, session: Transaction) -> ExplainedPairs:
    """Why members were proposed to each other: for a member the pairs they are in, for managers all."""
    pairs, circle = await pairings.explain_pairing(session, pairing_id, caller)
    return ExplainedPairs(
        items=[ExplainedPair.model_validate(row, from_attributes=True) for row in pairs],
        circle=[ReasonShown.model_validate(reason) for reason in circle.reasons] if circle else [],
    )


@router.get("/me/waiting")
async def list_own_places(caller: CurrentCaller, session: Transaction) -> OwnPlaces:
    """Where the caller waits for a mentor, at which place, because of which rule, and what would help."""
    found = await waiting.own_places_in_line(session, caller.require_person())
    return OwnPlaces(
        items=[
            OwnPlaceShown(
                program_id=program_id,
                position=one.position,
                reason=one.reason,
                words=one.words,
                waiting_since=one.waiting_since,
            )
            for program_id, one in found
        ]
    )


@router.post("/pairings/{pairing_id}/end")
async def end_pairing(
    pairing_id: UUID, body: End, caller: CurrentCaller, session: Transaction, now: Now
) -> PairingShown:
    """End a relationship. After a no-fault rematch its mentees are first in line for another mentor."""
    pairing = await pairings.end_pairing(session, pairing_id, caller, reason=body.reason, at=now)
    return _shown(pairing, (await stored.members_of(session, [pairing_id]))[pairing_id], caller)


@router.post("/pairings/{pairing_id}/transfer")
async def transfer_pairing(
    pairing_id: UUID, body: Transfer, caller: CurrentCaller, session: Transaction, now: Now
) -> PairingShown:
    """Let another mentor take over: this relationship ends, and the mentees go on with the other mentor at once."""
    pairing, _ = await transfers.transfer_pairing(
        session, pairing_id, caller, to=body.mentor_id, reason=body.reason, at=now
    )
    return _shown(pairing, (await stored.members_of(session, [pairing_id]))[pairing_id], caller)


@router.get("/programs/{program_id}/waiting-mentees")
async def list_waiting_mentees(
    program_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[WaitingShown]:
    """A program's line, the first first."""
    caller.require_manager(program_id)
    rows = await stored_line.line_of(session, program_id, after=paging.after(cursor, row_number) or 0, limit=limit + 1)
    return paging.page(
        rows, limit, lambda row: WaitingShown.model_validate(row, from_attributes=True), by=lambda row: row.position
    )


@router.get("/programs/{program_id}/mentor-candidates")
async def list_mentor_candidates(
    program_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[MentorCandidateShown]:
    """Mentees who saw a relationship through to its end and are no mentors in the program yet."""
    caller.require_manager(program_id)
    rows = await stored.mentor_candidates(session, program_id, beyond=paging.after(cursor, UUID), limit=limit + 1)
    return paging.page(
        rows,
        limit,
        lambda row: MentorCandidateShown.model_validate(row, from_attributes=True),
        by=lambda row: row.person_id,
    )
