"""The door of rounds: asking for feedback on a concrete thing, and the questions that a program adds."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from tandem_chassis import idempotency, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.preconditions import IfMatch
from tandem_feedback.api.documented import IF_MATCH
from tandem_feedback.api.words import Line, Words
from tandem_feedback.domain.feedback import Question, QuestionKind
from tandem_feedback.use_cases import rounds

router = APIRouter(tags=["feedback"], route_class=idempotency.Route)

QuestionCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class NewFeedbackRequest(BaseModel):
    """Whom to ask, and about what."""

    author_id: UUID = Field(description="The member who is asked.")
    about: Words = Field(description="The concrete thing: a talk, a draft, how I handled something.")
    link: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s\x00]+$")] | None = None
    session_id: UUID | None = Field(default=None, description="The completed session that it is about, if any.")


class FeedbackAsked(BaseModel):
    """That feedback was asked for."""

    feedback_request_id: UUID
    author_id: UUID


class QuestionView(BaseModel):
    """A question and how it is answered."""

    code: QuestionCode
    words: Line
    kind: QuestionKind
    required: bool = False


class Questions(BaseModel):
    """What a program asks besides the standard questions."""

    questions: list[QuestionView] = Field(max_length=20)


@router.post("/pairings/{pairing_id}/feedback-requests", status_code=201)
async def ask_for_feedback(
    pairing_id: UUID,
    body: NewFeedbackRequest,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
) -> FeedbackAsked:
    """Ask another member for feedback on a concrete thing. The other services hear of it as `feedback.requested`."""
    request = await rounds.ask_about(session, pairing_id, asked_by=caller.require_person(), at=now, **body.model_dump())
    response.headers["Location"] = f"/feedback-requests/{request.feedback_request_id}"
    return FeedbackAsked(feedback_request_id=request.feedback_request_id, author_id=request.author_id)


@router.get("/programs/{program_id}/questions")
async def show_questions(
    program_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> Questions:
    """What a program asks besides the standard questions, for its managers."""
    version, questions = await rounds.questions_of(session, caller, program_id)
    preconditions.tag(response, version)
    return Questions(questions=[QuestionView.model_validate(one, from_attributes=True) for one in questions])


@router.put("/programs/{program_id}/questions", responses=IF_MATCH)
async def change_questions(
    program_id: UUID,
    body: Questions,
    caller: CurrentCaller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> Questions:
    """Ask these questions from now on. Requests that were made before keep the questions they asked."""
    questions = [Question(**one.model_dump()) for one in body.questions]
    version = await rounds.change_questions(session, caller, program_id, questions, if_match=if_match)
    preconditions.tag(response, version)
    return body
