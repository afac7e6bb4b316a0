"""Feedback: taking answers, changing them, and showing each to those whom it is meant for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis import preconditions
from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import FeedbackRevised, FeedbackSubmitted
from tandem_feedback.domain import feedback as rules
from tandem_feedback.domain.feedback import (
    STANDARD_QUESTIONS,
    FeedbackAlreadyGiven,
    FeedbackNotGivenYet,
    GivenAnswer,
    NoAnswersForYou,
    NoSuchFeedbackRequest,
    Question,
    Visibility,
)
from tandem_feedback.storage import feedback, relationships
from tandem_feedback.storage.feedback import Answer, Draft, FeedbackRequest
from tandem_feedback.storage.relationships import Relationship
from tandem_feedback.use_cases.programs import addressed_as_manager
from tandem_feedback.use_cases.relationships import member_of, say


async def submit(
    session: AsyncSession,
    feedback_request_id: UUID,
    *,
    author_id: UUID,
    given: Mapping[str, str | int],
    visibility: Visibility,
    visibilities: Mapping[str, Visibility],
    at: datetime,
) -> FeedbackRequest:
    """Take the answers of the person who was asked. The others hear that there are some, never what they say.

    Raises:
        NoSuchFeedbackRequest: this person was not asked this.
        FeedbackAlreadyGiven: it was answered before.
        AnswersDoNotFit: an answer does not fit its question.
    """
    request, relationship = await _held_by_author(session, feedback_request_id, author_id)
    if request.state != "open":
        raise FeedbackAlreadyGiven("You have answered this request already. You can still change your answers.")
    answers = await _fitting(session, request, given, visibility, visibilities)
    request.state, request.submitted_at, request.revised_at = "answered", at, at
    request.revision, request.remind_at = 1, None
    await session.flush()
    await feedback.replace_answers(session, _rows(request, answers, at))
    await feedback.drop_draft(session, feedback_request_id)
    event = FeedbackSubmitted(
        feedback_request_id=feedback_request_id,
        pairing_id=request.pairing_id,
        program_id=request.program_id,
        session_id=request.session_id,
        author_id=author_id,
        occurred_at=at,
    )
    await say(session, relationship, event, version=request.version, person_id=author_id)
    return request


async def change_answers(
    session: AsyncSession,
    feedback_request_id: UUID,
    *,
    author_id: UUID,
    given: Mapping[str, str | int],
    visibility: Visibility,
    visibilities: Mapping[str, Visibility],
    if_match: str | None,
    at: datetime,
) -> FeedbackRequest:
    """Change what was answered: in the first 24 hours instead of it, afterwards as a revision beside it.

    Raises:
        NoSuchFeedbackRequest: this person was not asked this.
        FeedbackNotGivenYet: there is nothing to change.
        PreconditionRequired, PreconditionFailed: it was changed since the author saw it.
        AnswersDoNotFit: an answer does not fit its question.
    """
    request, _ = await _held_by_author(session, feedback_request_id, author_id)
    if request.submitted_at is None:
        raise FeedbackNotGivenYet("You have not answered this request yet: answer it first.")
    preconditions.require_match(if_match, request.version)
    answers = await _fitting(session, request, given, visibility, visibilities)
    is_revision = not rules.is_editable(request.submitted_at, at)
    request.revision += is_revision
    request.revised_at = at
    await session.flush()
    await feedback.replace_answers(session, _rows(request, answers, at))
    if is_revision:
        event = FeedbackRevised(
            feedback_request_id=feedback_request_id,
            pairing_id=request.pairing_id,
            program_id=request.program_id,
            author_id=author_id,
            revision=request.revision,
            occurred_at=at,
        )
        await outbox.add(session, event, version=request.version)
    return request


async def requests_to(
    session: AsyncSession, author_id: UUID, *, state: str | None, after: UUID | None, limit: int
) -> list[FeedbackRequest]:
    """What this person was asked, the newest first."""
    return await feedback.list_requests_to(session, author_id, state=state, after=after, limit=limit)


async def request_with_questions(
    session: AsyncSession, feedback_request_id: UUID, *, author_id: UUID
) -> tuple[FeedbackRequest, tuple[Question, ...]]:
    """A request and what it asks, for whoever was asked.

    Raises:
        NoSuchFeedbackRequest: this person was not asked this.
    """
    request = await _own(session, feedback_request_id, author_id)
    return request, await _questions(session, request)


async def save_draft(
    session: AsyncSession, feedback_request_id: UUID, *, author_id: UUID, written: dict[str, Any], at: datetime
) -> None:
    """Keep what was begun, for its author alone.

    Raises:
        NoSuchFeedbackRequest: this person was not asked this.
        FeedbackAlreadyGiven: it was answered already.
    """
    request, _ = await _held_by_author(session, feedback_request_id, author_id)
    if request.state != "open":
        raise FeedbackAlreadyGiven("You have answered this request already. You can still change your answers.")
    await feedback.save_draft(session, feedback_request_id, author_id=author_id, written=written, at=at)


async def draft_of(session: AsyncSession, feedback_request_id: UUID, *, author_id: UUID) -> Draft:
    """What its author has begun to answer.

    Raises:
        NoSuchFeedbackRequest: this person was not asked this.
        NoAnswersForYou: nothing was begun.
    """
    await _own(session, feedback_request_id, author_id)
    draft = await feedback.find_draft(session, feedback_request_id)
    if draft is None:
        raise NoAnswersForYou("You have kept no draft of this.")
    return draft


async def answers_for(
    session: AsyncSession, feedback_request_id: UUID, *, reader_id: UUID
) -> tuple[FeedbackRequest, list[Answer]]:
    """A request's answers in every revision: all of them for their author, for other members what is meant for them.

    Raises:
        NoAnswersForYou: there are none that this person may read.
    """
    request = await feedback.find_request(session, feedback_request_id)
    answers: list[Answer] = []
    if request is not None and request.author_id == reader_id:
        answers = await feedback.answers_of(session, feedback_request_id)
    elif request is not None and reader_id in await relationships.members_of(session, request.pairing_id):
        answers = await feedback.answers_of(session, feedback_request_id, visible_as=[Visibility.COUNTERPART])
    if request is None or not answers:
        raise NoAnswersForYou("There are no such answers for you to read.")
    return request, answers


async def answers_within(
    session: AsyncSession, pairing_id: UUID, *, reader_id: UUID, after: tuple[UUID, str] | None, limit: int
) -> list[Answer]:
    """What this member may read of their relationship's feedback.

    Raises:
        NoSuchRelationship: the person is in no such relationship.
    """
    await member_of(session, reader_id, pairing_id)
    return await feedback.answers_within(session, pairing_id, reader_id=reader_id, after=after, limit=limit)


async def answers_to_program(
    session: AsyncSession, caller: Caller, program_id: UUID, *, after: tuple[UUID, str] | None, limit: int
) -> list[Answer]:
    """What participants said to their program by name, for its managers.

    Raises:
        NotYourProgram, NoSuchProgram: the caller is no manager of such a program.
    """
    await addressed_as_manager(session, caller, program_id)
    return await feedback.answers_to_program(session, program_id, after=after, limit=limit)


async def anonymous_answers(
    session: AsyncSession,
    caller: Caller,
    program_id: UUID,
    question: str,
    *,
    now: datetime,
    after: str | None,
    limit: int,
) -> list[tuple[Answer, str]]:
    """What participants said to their program without a name, in an order that tells nothing; each with its place.

    It is shown once it can no longer be edited and the answers of five people can be shown together.

    Raises:
        NotYourProgram, NoSuchProgram: the caller is no manager of such a program.
    """
    await addressed_as_manager(session, caller, program_id)
    final_before = now - rules.TIME_TO_EDIT
    groups, last = rules.Releasing(), None
    async for author_id, came in feedback.anonymous_authors(
        session, program_id, question, submitted_before=final_before
    ):
        if groups.fills(author_id):
            last = came
    if last is None:
        return []
    return await feedback.anonymous_answers(session, program_id, question, until=last, after=after, limit=limit)


async def _own(session: AsyncSession, feedback_request_id: UUID, author_id: UUID) -> FeedbackRequest:
    request = await feedback.find_request(session, feedback_request_id)
    if request is None or request.author_id != author_id:
        raise NoSuchFeedbackRequest("You have no such request for feedback: look at your requests for the right id.")
    return request


async def _held_by_author(
    session: AsyncSession, feedback_request_id: UUID, author_id: UUID
) -> tuple[FeedbackRequest, Relationship]:
    request = await _own(session, feedback_request_id, author_id)
    relationship = await relationships.lock(session, request.pairing_id)
    held = await feedback.lock_request(session, feedback_request_id)
    assert relationship is not None
    assert held is not None
    return held, relationship


async def _questions(session: AsyncSession, request: FeedbackRequest) -> tuple[Question, ...]:
    _, own = await feedback.questions_of(session, request.program_id, request.questions_version)
    return (*STANDARD_QUESTIONS, *own)


async def _fitting(
    session: AsyncSession,
    request: FeedbackRequest,
    given: Mapping[str, str | int],
    visibility: Visibility,
    visibilities: Mapping[str, Visibility],
) -> list[GivenAnswer]:
    questions = await _questions(session, request)
    return rules.answers_to(questions, given, visibility=visibility, visibilities=visibilities)


def _rows(request: FeedbackRequest, answers: Sequence[GivenAnswer], at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "feedback_request_id": request.feedback_request_id,
            "revision": request.revision,
            "question": answer.question,
            "pairing_id": request.pairing_id,
            "program_id": request.program_id,
            "author_id": request.author_id,
            "visibility": answer.visibility.value,
            "words": answer.words,
            "rating": answer.rating,
            "written_at": at,
        }
        for answer in answers
    ]
