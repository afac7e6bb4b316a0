"""Rounds: asking for feedback after sessions or about a concrete thing, and reminding of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis import preconditions
from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import FeedbackReminded, FeedbackRequested
from tandem_events.envelope import Message, to_message
from tandem_feedback.domain import feedback as rules
from tandem_feedback.domain.feedback import AskingOneself, NoSuchSession, Question, SessionNotHeld, WasNotThere
from tandem_feedback.storage import feedback, pending, programs, relationships, sessions
from tandem_feedback.storage.feedback import FeedbackRequest
from tandem_feedback.storage.relationships import Relationship
from tandem_feedback.use_cases.programs import managed
from tandem_feedback.use_cases.relationships import (
    NoSuchRelationship,
    happening_said,
    locked_for_member,
    require_active,
)


async def ask_both_sides(
    session: AsyncSession, relationship: Relationship, *, session_id: UUID, authors: Sequence[UUID], at: datetime
) -> None:
    """Ask those who were at the session for feedback, where a round is due after it."""
    program = await programs.find(session, relationship.program_id)
    assert program is not None
    if not rules.round_is_due(relationship.completed_sessions, every_sessions=program.feedback_every_sessions):
        return
    requests = [FeedbackRequest(session_id=session_id, author_id=author_id, origin="round") for author_id in authors]
    await _ask(session, relationship, requests, at=at)


async def ask_about(
    session: AsyncSession,
    pairing_id: UUID,
    *,
    asked_by: UUID,
    author_id: UUID,
    about: str,
    link: str | None,
    session_id: UUID | None,
    at: datetime,
) -> FeedbackRequest:
    """A member asks another for feedback on a concrete thing.

    Raises:
        NoSuchRelationship: the person is in no such relationship, or the other is not.
        RelationshipEnded: it is over.
        AskingOneself: nobody asks themselves.
        NoSuchSession, SessionNotHeld, WasNotThere: the session that it is about does not fit.
    """
    relationship = await locked_for_member(session, asked_by, pairing_id)
    require_active(relationship)
    if author_id == asked_by:
        raise AskingOneself("Ask another member of the relationship, not yourself.")
    if author_id not in await relationships.members_of(session, pairing_id):
        raise NoSuchRelationship("Whom you ask is not in this relationship: ask one of its members.")
    if session_id is not None:
        await _check_session(session, session_id, pairing_id=pairing_id, author_id=author_id)
    request = FeedbackRequest(
        session_id=session_id, author_id=author_id, origin="asked", asked_by=asked_by, about=about, link=link
    )
    await _ask(session, relationship, [request], at=at)
    return request


async def _check_session(session: AsyncSession, session_id: UUID, *, pairing_id: UUID, author_id: UUID) -> None:
    held = await sessions.find(session, session_id)
    if held is None or held.pairing_id != pairing_id:
        raise NoSuchSession("This relationship had no such session: look at its sessions for the right id.")
    if held.state != "completed":
        raise SessionNotHeld("This session has not taken place: ask for feedback on it afterwards.")
    if author_id not in held.attended:
        raise WasNotThere("Whom you ask was not at this session: ask about something else, or ask somebody else.")


async def _ask(
    session: AsyncSession, relationship: Relationship, requests: Sequence[FeedbackRequest], *, at: datetime
) -> None:
    if not requests:
        return
    version, _ = await feedback.questions_of(session, relationship.program_id)
    noted: list[dict[str, Any]] = []
    said: list[Message] = []
    for request in requests:
        request.feedback_request_id = uuid7()
        request.pairing_id, request.program_id = relationship.pairing_id, relationship.program_id
        request.questions_version = version
        request.state, request.requested_at, request.due_at = "open", at, rules.due_at(at)
        # The end may be heard of before the session that was before it.
        request.remind_at = rules.next_reminder(at, sent=0) if relationship.status == "active" else None
        event = FeedbackRequested(
            feedback_request_id=request.feedback_request_id,
            pairing_id=request.pairing_id,
            program_id=request.program_id,
            session_id=request.session_id,
            author_id=request.author_id,
            due_at=request.due_at,
            occurred_at=at,
        )
        # Wrapped now, because now it is known which event is its cause, and under which id others will know it.
        message = to_message(event, version=1)
        noted.append(happening_said(relationship, event, message, person_id=request.author_id, due_at=request.due_at))
        said.append(message)
    await feedback.add_requests(session, requests)
    await relationships.add_happenings(session, noted)
    await pending.say(session, said)


async def remind(session: AsyncSession, *, now: datetime, limit: int) -> int:
    """Remind of requests that are still open; how many there were. Safe to call from several replicas at once."""
    reminded = 0
    for feedback_request_id, pairing_id in await feedback.requests_to_remind_of(session, now=now, limit=limit):
        await relationships.lock(session, pairing_id)
        request = await feedback.lock_request(session, feedback_request_id)
        if request is None or request.state != "open" or request.remind_at is None or request.remind_at > now:
            continue
        request.reminders += 1
        request.remind_at = rules.next_reminder(request.requested_at, sent=request.reminders)
        await session.flush()
        event = FeedbackReminded(
            feedback_request_id=feedback_request_id,
            pairing_id=pairing_id,
            program_id=request.program_id,
            author_id=request.author_id,
            reminder=request.reminders,
            occurred_at=now,
        )
        await outbox.add(session, event, version=request.version)
        reminded += 1
    return reminded


async def change_questions(
    session: AsyncSession, caller: Caller, program_id: UUID, questions: Sequence[Question], *, if_match: str | None
) -> int:
    """Let a program ask its own questions from now on; the new version. Requests keep the questions they asked.

    Raises:
        NoSuchProgram: it was never heard of.
        QuestionsDoNotFit: they cannot be told apart.
        PreconditionRequired, PreconditionFailed: they were changed since the caller saw them.
    """
    await managed(session, caller, program_id, lock=True)
    rules.check_questions(questions)
    version, _ = await feedback.questions_of(session, program_id)
    preconditions.require_match(if_match, version)
    await feedback.add_questions(session, program_id, version + 1, questions)
    return version + 1


async def questions_of(session: AsyncSession, caller: Caller, program_id: UUID) -> tuple[int, tuple[Question, ...]]:
    """The version and the questions that a program asks besides the standard ones.

    Raises:
        NoSuchProgram: it was never heard of.
    """
    await managed(session, caller, program_id)
    return await feedback.questions_of(session, program_id)
