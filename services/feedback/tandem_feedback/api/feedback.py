"""The door of feedback: what was asked of me, my answers, and what others let me read."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_chassis.preconditions import IfMatch
from tandem_feedback.api.documented import IF_MATCH
from tandem_feedback.api.rounds import QuestionCode, QuestionView
from tandem_feedback.api.words import OptionalWords
from tandem_feedback.domain.feedback import Visibility
from tandem_feedback.storage.feedback import Answer, FeedbackRequest
from tandem_feedback.use_cases import feedback

router = APIRouter(tags=["feedback"], route_class=idempotency.Route)

RequestState = Literal["open", "answered"]
Rating = Annotated[int, Field(ge=1, le=5)]
OwnAnswers = Annotated[dict[QuestionCode, OptionalWords | Rating], Field(max_length=20)]
DIGEST = re.compile(r"[0-9a-f]{32}")
Visibilities = Annotated[dict[QuestionCode, Visibility], Field(max_length=30)]


class FeedbackRequestView(BaseModel):
    """Feedback that somebody was asked for."""

    feedback_request_id: UUID
    pairing_id: UUID
    program_id: UUID
    session_id: UUID | None
    origin: Literal["round", "asked"]
    asked_by: UUID | None
    about: str | None
    link: str | None
    state: RequestState
    requested_at: datetime
    due_at: datetime
    reminders: int


class FeedbackRequestWithQuestions(FeedbackRequestView):
    """Feedback that somebody was asked for, with the questions to answer."""

    questions: list[QuestionView]


class NewAnswers(BaseModel):
    """What went well, what should change, how much it helped, the program's own questions, and who may read it."""

    praise: OptionalWords = ""
    to_change: OptionalWords = ""
    helpfulness: Rating = Field(description="1: not at all; 5: very much.")
    answers: OwnAnswers = Field(default_factory=dict, description="Answers to the program's own questions, by code.")
    visibility: Visibility
    visibilities: Visibilities = Field(default_factory=dict, description="Other visibilities for single questions.")

    def given(self) -> dict[str, str | int]:
        """Every answer by its question's code."""
        standard: dict[str, str | int] = {
            "praise": self.praise,
            "to_change": self.to_change,
            "helpfulness": self.helpfulness,
        }
        own = {str(code): answer for code, answer in self.answers.items()}
        return {**own, **standard, "helpfulness": self.helpfulness}


class DraftAnswers(BaseModel):
    """What was begun; everything may be missing."""

    praise: OptionalWords = ""
    to_change: OptionalWords = ""
    helpfulness: Rating | None = None
    answers: OwnAnswers = Field(default_factory=dict)
    visibility: Visibility | None = None
    visibilities: Visibilities = Field(default_factory=dict)


class AnswersTaken(BaseModel):
    """That feedback was given."""

    feedback_request_id: UUID
    state: RequestState
    submitted_at: datetime
    revision: int


class AnswerView(BaseModel):
    """An answer to one question."""

    feedback_request_id: UUID
    pairing_id: UUID
    author_id: UUID
    question: str
    visibility: Visibility
    words: str | None
    rating: int | None
    written_at: datetime


class RevisionOfAnswers(BaseModel):
    """What was answered, as it stood from a moment on."""

    revision: int
    answers: list[AnswerView]


class AnswersView(BaseModel):
    """What the reader may read of the answers to a request: the latest revision, and those before it."""

    feedback_request_id: UUID
    submitted_at: datetime
    revisions: list[RevisionOfAnswers] = Field(description="The latest first.")


class AnonymousAnswer(BaseModel):
    """An answer without its author, its relationship and its time."""

    words: str | None
    rating: int | None


class AnonymousAnswers(BaseModel):
    """Anonymous answers to one question, in an order that tells nothing, only in groups of at least five authors."""

    question: str
    answers: list[AnonymousAnswer]
    next_cursor: str | None = None


@router.get("/me/feedback-requests")
async def list_my_feedback_requests(
    caller: CurrentCaller,
    session: Transaction,
    state: Annotated[RequestState | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FeedbackRequestView]:
    """What I was asked, the newest first."""
    rows = await feedback.requests_to(
        session, caller.require_person(), state=state, after=paging.after(cursor, UUID), limit=limit + 1
    )
    return paging.page(rows, limit, _view, by=lambda row: row.feedback_request_id)


@router.get("/feedback-requests/{feedback_request_id}")
async def show_feedback_request(
    feedback_request_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> FeedbackRequestWithQuestions:
    """A request that I was asked, with its questions."""
    request, questions = await feedback.request_with_questions(
        session, feedback_request_id, author_id=caller.require_person()
    )
    preconditions.tag(response, request.version)
    return FeedbackRequestWithQuestions(
        **_view(request).model_dump(),
        questions=[QuestionView.model_validate(one, from_attributes=True) for one in questions],
    )


@router.post("/feedback-requests/{feedback_request_id}/answers", status_code=201)
async def submit_feedback(
    feedback_request_id: UUID,
    body: NewAnswers,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
) -> AnswersTaken:
    """Give the feedback I was asked for. The other services hear of it as `feedback.submitted`, without its words."""
    request = await feedback.submit(
        session,
        feedback_request_id,
        author_id=caller.require_person(),
        given=body.given(),
        visibility=body.visibility,
        visibilities=body.visibilities,
        at=now,
    )
    response.headers["Location"] = f"/feedback-requests/{feedback_request_id}/answers"
    return _taken(request, response)


@router.put("/feedback-requests/{feedback_request_id}/answers", responses=IF_MATCH)
async def change_answers(
    feedback_request_id: UUID,
    body: NewAnswers,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> AnswersTaken:
    """Change my answers: within 24 hours they are replaced, afterwards each change is a revision beside the old one."""
    request = await feedback.change_answers(
        session,
        feedback_request_id,
        author_id=caller.require_person(),
        given=body.given(),
        visibility=body.visibility,
        visibilities=body.visibilities,
        if_match=if_match,
        at=now,
    )
    return _taken(request, response)


@router.get("/feedback-requests/{feedback_request_id}/answers")
async def show_answers(
    feedback_request_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> AnswersView:
    """My answers; or, for the other members of the relationship, those that are meant for them."""
    request, answers = await feedback.answers_for(session, feedback_request_id, reader_id=caller.require_person())
    assert request.submitted_at is not None
    preconditions.tag(response, request.version)
    revisions = sorted({answer.revision for answer in answers}, reverse=True)
    return AnswersView(
        feedback_request_id=feedback_request_id,
        submitted_at=request.submitted_at,
        revisions=[
            RevisionOfAnswers(
                revision=revision, answers=[_answer(answer) for answer in answers if answer.revision == revision]
            )
            for revision in revisions
        ],
    )


@router.put("/feedback-requests/{feedback_request_id}/draft", status_code=204)
async def save_draft(
    feedback_request_id: UUID, body: DraftAnswers, caller: CurrentCaller, now: Now, session: Transaction
) -> None:
    """Keep what I have begun to answer, for me alone."""
    written: dict[str, Any] = body.model_dump(mode="json")
    await feedback.save_draft(session, feedback_request_id, author_id=caller.require_person(), written=written, at=now)


@router.get("/feedback-requests/{feedback_request_id}/draft")
async def show_draft(feedback_request_id: UUID, caller: CurrentCaller, session: Transaction) -> DraftAnswers:
    """What I have begun to answer."""
    draft = await feedback.draft_of(session, feedback_request_id, author_id=caller.require_person())
    return DraftAnswers.model_validate(draft.written)


@router.get("/pairings/{pairing_id}/feedback")
async def list_feedback_within(
    pairing_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[AnswerView]:
    """The feedback of my relationship that I may read: my own, and what the others meant for me."""
    rows = await feedback.answers_within(
        session,
        pairing_id,
        reader_id=caller.require_person(),
        after=_position(cursor),
        limit=limit + 1,
    )
    return _page(rows, limit)


@router.get("/programs/{program_id}/feedback")
async def list_feedback_to_program(
    program_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[AnswerView]:
    """What participants said to my program by name. Administrators who do not manage it do not see it."""
    rows = await feedback.answers_to_program(session, caller, program_id, after=_position(cursor), limit=limit + 1)
    return _page(rows, limit)


@router.get("/programs/{program_id}/anonymous-feedback")
async def list_anonymous_feedback(
    program_id: UUID,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    question: Annotated[QuestionCode, Query()] = "to_change",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AnonymousAnswers:
    """What participants said to my program without a name; new answers are shown a day later, five people at once."""
    found = await feedback.anonymous_answers(
        session, caller, program_id, question, now=now, after=paging.after(cursor, _place), limit=limit + 1
    )
    return AnonymousAnswers(
        question=question,
        answers=[AnonymousAnswer(words=one.words, rating=one.rating) for one, _ in found[:limit]],
        next_cursor=paging.encode(found[limit - 1][1]) if len(found) > limit else None,
    )


def _view(request: FeedbackRequest) -> FeedbackRequestView:
    return FeedbackRequestView.model_validate(request, from_attributes=True)


def _answer(answer: Answer) -> AnswerView:
    return AnswerView.model_validate(answer, from_attributes=True)


def _taken(request: FeedbackRequest, response: Response) -> AnswersTaken:
    preconditions.tag(response, request.version)
    return AnswersTaken.model_validate(request, from_attributes=True)


def _place(value: Any) -> str:
    """The digest by which anonymous answers are listed."""
    place = str(value)
    if not DIGEST.fullmatch(place):
        raise ValueError(f"{place} is no digest")
    return place


def _position(cursor: str | None) -> tuple[UUID, str] | None:
    position = paging.decode(cursor, UUID, str)
    return (position[0], position[1].replace("\x00", "")) if position else None


def _page(rows: Sequence[Answer], limit: int) -> Page[AnswerView]:
    return paging.page(rows, limit, _answer, by=lambda row: (row.feedback_request_id, row.question))
