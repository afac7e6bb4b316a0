"""The door of reciprocity: thanks, help, introductions, sponsorship, successes, and what was learned elsewhere."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_feedback.api.words import Words
from tandem_feedback.domain.reciprocity import Kind, Result
from tandem_feedback.storage.reciprocity import Contribution
from tandem_feedback.use_cases import reciprocity

router = APIRouter(tags=["reciprocity"], route_class=idempotency.Route)


class Given(BaseModel):
    """Something given to another member, thanks included. Where there is only one other, they need no naming."""

    kind: Literal["contribution", "introduction", "gratitude"]
    words: Words
    receiver_id: UUID | None = None


class Sponsorship(BaseModel):
    """An opportunity for which a member put another forward; its result is told later."""

    kind: Literal["sponsorship"]
    words: Words
    opportunity: Literal["job", "nomination", "invitation", "project", "visibility"]
    receiver_id: UUID | None = None


class Success(BaseModel):
    """A later success; also after the relationship ended."""

    kind: Literal["success"]
    words: Words


class Learning(BaseModel):
    """Something learned elsewhere."""

    kind: Literal["learning"]
    words: Words
    source: Literal["book", "article", "webinar", "course", "event", "podcast"]


NewContribution = Annotated[Given | Sponsorship | Success | Learning, Field(discriminator="kind")]


class NewResult(BaseModel):
    """What became of a sponsorship."""

    result: Literal["succeeded", "declined"]


class ContributionView(BaseModel):
    """What a member did, for the members of the relationship."""

    contribution_id: UUID
    pairing_id: UUID
    kind: Kind
    giver_id: UUID
    receiver_id: UUID | None
    code: str | None = Field(description="The kind of opportunity, or of the source of learning.")
    words: str
    result: Result | None
    logged_at: datetime


@router.post("/pairings/{pairing_id}/contributions", status_code=201)
async def log_contribution(
    pairing_id: UUID, body: NewContribution, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> ContributionView:
    """Log what I did for another member, thank them, tell of a success, or of what I learned elsewhere.

    The other services hear of it without its words: `contribution.logged`, `introduction.made`, `gratitude.sent`,
    `sponsorship.recorded`, `success.reported`, `learning.logged`.
    """
    contribution = await reciprocity.log(
        session,
        pairing_id,
        kind=Kind(body.kind),
        giver_id=caller.require_person(),
        receiver_id=getattr(body, "receiver_id", None),
        code=getattr(body, "opportunity", None) or getattr(body, "source", None),
        words=body.words,
        at=now,
    )
    response.headers["Location"] = f"/pairings/{pairing_id}/contributions"
    return _view(contribution)


@router.get("/pairings/{pairing_id}/contributions")
async def list_contributions(
    pairing_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    kind: Annotated[Kind | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ContributionView]:
    """What was done in my relationship, the newest first."""
    rows = await reciprocity.list_of(
        session,
        pairing_id,
        person_id=caller.require_person(),
        kind=kind,
        after=paging.after(cursor, UUID),
        limit=limit + 1,
    )
    return paging.page(rows, limit, _view, by=lambda row: row.contribution_id)


@router.post("/contributions/{contribution_id}/result", status_code=201)
async def tell_result(
    contribution_id: UUID, body: NewResult, caller: CurrentCaller, now: Now, session: Transaction
) -> ContributionView:
    """Say what became of a sponsorship. The other services hear of it as `sponsorship.recorded`."""
    return _view(
        await reciprocity.tell_result(
            session, contribution_id, person_id=caller.require_person(), result=Result(body.result), at=now
        )
    )


def _view(contribution: Contribution) -> ContributionView:
    return ContributionView.model_validate(contribution, from_attributes=True)
