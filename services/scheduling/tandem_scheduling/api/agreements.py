"""Agreements over HTTP: look at one, sign it, amend it in writing."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Page
from tandem_chassis.preconditions import IfMatch
from tandem_scheduling.api.fields import Line, WayOfMeeting, Words
from tandem_scheduling.domain.agreements import terms_of
from tandem_scheduling.use_cases import agreements as use_cases
from tandem_scheduling.use_cases.agreements import AgreementView

router = APIRouter(tags=["agreements"], route_class=idempotency.Route)


class CommitmentDocument(BaseModel):
    """What one side promises."""

    role: Literal["mentor", "mentee", "peer", "facilitator"]
    words: Words


class TermsDocument(BaseModel):
    """How the members want to work together."""

    meeting_every_days: int = Field(ge=1, le=366)
    meeting_minutes: int = Field(ge=10, le=480)
    ways_of_meeting: Annotated[list[WayOfMeeting], Field(min_length=1, max_length=4)]
    place: Line | None = None
    times_of_day: list[Literal["early_morning", "morning", "midday", "afternoon", "evening"]] = Field(
        default=[], max_length=5
    )
    channel_between_sessions: Literal["email", "chat", "phone", "none"] = "email"
    confidential: bool = True
    not_private: list[Line] = Field(default=[], max_length=20, description="Topics that may be told to others.")
    style: Literal["stories", "advice", "both"] = Field(
        default="both", description="Whether the mentee wants stories or actionable advice."
    )
    commitments: list[CommitmentDocument] = Field(default=[], max_length=20)
    acknowledgement: Words
    change_notice_hours: int = Field(
        default=24,
        ge=0,
        le=336,
        description="How long before a session it is moved or cancelled; later counts as late.",
    )


class SignatureDocument(BaseModel):
    """Who signed, and when."""

    person_id: UUID
    signed_at: datetime


class AgreementDocument(BaseModel):
    """An agreement's newest version."""

    agreement_id: UUID
    pairing_id: UUID
    version: int
    state: Literal["proposed", "signed"]
    version_in_force: int | None = Field(description="The newest version that every member signed.")
    terms: TermsDocument
    signatures: list[SignatureDocument]


class VersionDocument(BaseModel):
    """One version of an agreement, as it was proposed and signed."""

    version: int
    proposed_by: UUID | None = Field(description="Null where the program's policy proposed it.")
    proposed_at: datetime
    terms: TermsDocument
    signatures: list[SignatureDocument]


class Amendment(BaseModel):
    """Other terms, in full."""

    terms: TermsDocument


class NewSignature(BaseModel):
    """A signature needs nothing but who gives it."""


def document(view: AgreementView) -> AgreementDocument:
    """An agreement as it is shown."""
    return AgreementDocument.model_validate(
        {
            "agreement_id": view.agreement.agreement_id,
            "pairing_id": view.agreement.pairing_id,
            "version": view.agreement.agreement_version,
            "state": view.state,
            "version_in_force": view.agreement.signed_version,
            "terms": asdict(view.terms),
            "signatures": [
                {"person_id": signature.person_id, "signed_at": signature.signed_at} for signature in view.signatures
            ],
        }
    )


@router.get("/pairings/{pairing_id}/agreement")
async def read_agreement(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> AgreementDocument:
    """The newest version of a pairing's agreement: its terms, and who signed it."""
    view = await use_cases.see_agreement(session, pairing_id, caller)
    preconditions.tag(response, view.agreement.version)
    return document(view)


@router.post("/agreements/{agreement_id}/signatures", status_code=201)
async def sign_agreement(
    agreement_id: UUID, body: NewSignature, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> AgreementDocument:
    """Sign the newest version. Once every member has, it is in force."""
    del body
    view = await use_cases.sign_agreement(session, agreement_id, caller, now=now)
    preconditions.tag(response, view.agreement.version)
    response.headers["Location"] = f"/pairings/{view.agreement.pairing_id}/agreement"
    return document(view)


@router.post("/agreements/{agreement_id}/amendments", status_code=201)
async def amend_agreement(
    agreement_id: UUID,
    body: Amendment,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> AgreementDocument:
    """Put other terms in writing, signed by whoever proposes them. The signed version stays in force meanwhile."""
    view = await use_cases.amend_agreement(
        session,
        agreement_id,
        terms_of(body.terms.model_dump()),
        caller,
        now=now,
        seen=partial(preconditions.require_match, if_match),
    )
    preconditions.tag(response, view.agreement.version)
    response.headers["Location"] = f"/pairings/{view.agreement.pairing_id}/agreement"
    return document(view)


@router.get("/agreements/{agreement_id}/versions")
async def list_versions(agreement_id: UUID, caller: CurrentCaller, session: Transaction) -> Page[VersionDocument]:
    """Every version of an agreement, the oldest first."""
    return Page(
        items=[
            VersionDocument.model_validate(
                {
                    "version": version.revision.agreement_version,
                    "proposed_by": version.revision.proposed_by,
                    "proposed_at": version.revision.proposed_at,
                    "terms": asdict(version.terms),
                    "signatures": [
                        {"person_id": one.person_id, "signed_at": one.signed_at} for one in version.signatures
                    ],
                }
            )
            for version in await use_cases.list_versions(session, agreement_id, caller)
        ]
    )
