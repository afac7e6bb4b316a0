"""Feedback: what was asked of whom, what was answered, and what each program asks besides."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from tandem_feedback.domain.feedback import Question, QuestionKind, Visibility
from tandem_feedback.storage import pending
from tandem_feedback.storage.tables import Table


class FeedbackRequest(Table):
    """Somebody was asked for feedback."""

    __tablename__ = "feedback_requests"

    feedback_request_id: Mapped[UUID] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    author_id: Mapped[UUID]
    origin: Mapped[str]
    asked_by: Mapped[UUID | None] = mapped_column(default=None)
    about: Mapped[str | None] = mapped_column(default=None)
    link: Mapped[str | None] = mapped_column(default=None)
    questions_version: Mapped[int] = mapped_column(default=0)
    state: Mapped[str]
    revision: Mapped[int] = mapped_column(default=0)
    requested_at: Mapped[datetime]
    due_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None] = mapped_column(default=None)
    revised_at: Mapped[datetime | None] = mapped_column(default=None)
    reminders: Mapped[int] = mapped_column(default=0)
    remind_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - how SQLAlchemy reads it


class Answer(Table):
    """What somebody answered to one question, in one revision. Nothing in here ever leaves this service as a fact."""

    __tablename__ = "answers"

    feedback_request_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(primary_key=True)
    pairing_id: Mapped[UUID]
    program_id: Mapped[UUID]
    author_id: Mapped[UUID]
    visibility: Mapped[str]
    words: Mapped[str | None]
    rating: Mapped[int | None]
    written_at: Mapped[datetime]


class Draft(Table):
    """What somebody has begun to answer; nobody else ever sees it."""

    __tablename__ = "feedback_drafts"

    feedback_request_id: Mapped[UUID] = mapped_column(primary_key=True)
    author_id: Mapped[UUID]
    written: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]


class ProgramQuestions(Table):
    """A program's own questions; each change is a new version, so that a request keeps what it asked."""

    __tablename__ = "program_questions"

    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    questions: Mapped[list[dict[str, Any]]]


_LATEST = Answer.revision == FeedbackRequest.revision


async def find_request(session: AsyncSession, feedback_request_id: UUID) -> FeedbackRequest | None:
    """A request, or nothing."""
    return await session.get(FeedbackRequest, feedback_request_id)


async def lock_request(session: AsyncSession, feedback_request_id: UUID) -> FeedbackRequest | None:
    """A request as it is now, its row held until this transaction ends, or nothing."""
    return await session.get(FeedbackRequest, feedback_request_id, with_for_update=True, populate_existing=True)


async def list_requests_to(
    session: AsyncSession, author_id: UUID, *, state: str | None, after: UUID | None, limit: int
) -> list[FeedbackRequest]:
    """What this person was asked, the newest first."""
    query = sa.select(FeedbackRequest).where(FeedbackRequest.author_id == author_id)
    if state is not None:
        query = query.where(FeedbackRequest.state == state)
    if after is not None:
        query = query.where(FeedbackRequest.feedback_request_id < after)
    rows = await session.scalars(query.order_by(FeedbackRequest.feedback_request_id.desc()).limit(limit))
    return list(rows)


async def requests_to_remind_of(session: AsyncSession, *, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """Open requests of which their authors are to be reminded: the ids of request and relationship.

    They come in the order in which relationships are held everywhere, whichever is due first.
    """
    rows = await session.execute(
        sa.select(FeedbackRequest.feedback_request_id, FeedbackRequest.pairing_id)
        .where(FeedbackRequest.remind_at <= now)
        .order_by(FeedbackRequest.remind_at)
        .limit(limit)
    )
    return sorted(((row.feedback_request_id, row.pairing_id) for row in rows), key=lambda one: one[1])


async def add_requests(session: AsyncSession, requests: Sequence[FeedbackRequest]) -> None:
    """Store new requests."""
    if (batch := pending.of(session)) is not None:
        batch.requests += requests
    else:
        session.add_all(requests)
        await session.flush()


async def stop_reminding(session: AsyncSession, pairing_id: UUID) -> None:
    """Remind nobody of this relationship's requests any more. Nothing is said of it, so their versions stay."""
    if (batch := pending.of(session)) is not None:
        for request in batch.requests:
            if request.pairing_id == pairing_id:
                request.remind_at = None
    await session.execute(
        sa.update(FeedbackRequest)
        .where(FeedbackRequest.pairing_id == pairing_id, FeedbackRequest.remind_at.is_not(None))
        .values(remind_at=None)
        .execution_options(synchronize_session=False)
    )


async def replace_answers(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Store one revision's answers to all questions of a request, instead of those that it had."""
    first = rows[0]
    await session.execute(
        sa.delete(Answer).where(
            Answer.feedback_request_id == first["feedback_request_id"], Answer.revision == first["revision"]
        )
    )
    await session.execute(sa.insert(Answer), rows)


async def answers_of(
    session: AsyncSession, feedback_request_id: UUID, *, visible_as: Iterable[Visibility] | None = None
) -> list[Answer]:
    """Every revision's answers to a request, the first revision first; only those of certain visibilities, if given."""
    query = sa.select(Answer).where(Answer.feedback_request_id == feedback_request_id)
    if visible_as is not None:
        query = query.where(Answer.visibility.in_([one.value for one in visible_as]))
    return list(await session.scalars(query.order_by(Answer.revision, Answer.question)))


async def answers_within(
    session: AsyncSession, pairing_id: UUID, *, reader_id: UUID, after: tuple[UUID, str] | None, limit: int
) -> list[Answer]:
    """What this member may read of a relationship's feedback, in its latest revision: own, or meant for them."""
    query = (
        sa.select(Answer)
        .join(FeedbackRequest, FeedbackRequest.feedback_request_id == Answer.feedback_request_id)
        .where(
            Answer.pairing_id == pairing_id,
            _LATEST,
            sa.or_(Answer.author_id == reader_id, Answer.visibility == Visibility.COUNTERPART.value),
        )
    )
    return await _page(session, query, after=after, limit=limit)


async def answers_to_program(
    session: AsyncSession, program_id: UUID, *, after: tuple[UUID, str] | None, limit: int
) -> list[Answer]:
    """What was said to the program by name, in its latest revision."""
    query = (
        sa.select(Answer)
        .join(FeedbackRequest, FeedbackRequest.feedback_request_id == Answer.feedback_request_id)
        .where(Answer.program_id == program_id, Answer.visibility == Visibility.PROGRAM.value, _LATEST)
    )
    return await _page(session, query, after=after, limit=limit)


async def _page(
    session: AsyncSession, query: sa.Select[Answer], *, after: tuple[UUID, str] | None, limit: int
) -> list[Answer]:
    position = sa.tuple_(Answer.feedback_request_id, Answer.question)
    if after is not None:
        query = query.where(position > after)
    rows = await session.scalars(query.order_by(Answer.feedback_request_id, Answer.question).limit(limit))
    return list(rows)


def _anonymous(program_id: UUID, question: str, *columns: Any) -> sa.Select[Any]:
    """What was said to the program without a name, as it stood when it could no longer be edited.

    Later revisions are left out, since they would be told by their time.
    """
    return (
        sa.select(*columns)
        .join(FeedbackRequest, FeedbackRequest.feedback_request_id == Answer.feedback_request_id)
        .where(
            Answer.program_id == program_id,
            Answer.visibility == Visibility.ANONYMOUS.value,
            Answer.question == question,
            Answer.revision == 1,
        )
    )


_CAME = (FeedbackRequest.submitted_at, FeedbackRequest.feedback_request_id)


async def anonymous_authors(
    session: AsyncSession, program_id: UUID, question: str, *, submitted_before: datetime
) -> AsyncIterator[tuple[UUID, tuple[datetime, UUID]]]:
    """Who answered without a name, and a mark of when, oldest first; read bit by bit, however many there are."""
    query = _anonymous(program_id, question, Answer.author_id, *_CAME)
    query = query.where(FeedbackRequest.submitted_at < submitted_before).order_by(*_CAME)
    async for row in await session.stream(query.execution_options(yield_per=1000)):
        yield row.author_id, (row.submitted_at, row.feedback_request_id)


async def anonymous_answers(
    session: AsyncSession,
    program_id: UUID,
    question: str,
    *,
    until: tuple[datetime, UUID],
    after: str | None,
    limit: int,
) -> list[tuple[Answer, str]]:
    """What was said without a name up to one of these marks, by a digest that tells nothing of who and when.

    Each with that digest, its place in the list. With authors: whoever shows it takes them out.
    """
    place = sa.func.md5(sa.cast(Answer.feedback_request_id, sa.Text) + sa.cast(Answer.author_id, sa.Text))
    query = _anonymous(program_id, question, Answer, place.label("place")).where(
        sa.tuple_(*_CAME) <= until, sa.or_(Answer.words.is_(None), Answer.words != "")
    )
    if after is not None:
        query = query.where(place > after)
    rows = await session.execute(query.order_by(place).limit(limit))
    return [(row.Answer, row.place) for row in rows]


async def save_draft(
    session: AsyncSession, feedback_request_id: UUID, *, author_id: UUID, written: dict[str, Any], at: datetime
) -> None:
    """Keep what was begun, instead of what was kept before."""
    statement = insert(Draft).values(
        feedback_request_id=feedback_request_id, author_id=author_id, written=written, saved_at=at
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Draft.feedback_request_id],
            set_={"written": statement.excluded.written, "saved_at": statement.excluded.saved_at},
        )
    )


async def find_draft(session: AsyncSession, feedback_request_id: UUID) -> Draft | None:
    """What was begun, or nothing."""
    return await session.get(Draft, feedback_request_id)


async def drop_draft(session: AsyncSession, feedback_request_id: UUID) -> None:
    """The answer was given: its draft is gone."""
    await session.execute(sa.delete(Draft).where(Draft.feedback_request_id == feedback_request_id))


async def questions_of(
    session: AsyncSession, program_id: UUID, version: int | None = None
) -> tuple[int, tuple[Question, ...]]:
    """A program's own questions in a version, or the latest; version 0 is none."""
    batch = pending.of(session) if version is None else None
    if batch is not None and program_id in batch.questions:
        return cast("tuple[int, tuple[Question, ...]]", batch.questions[program_id])
    found = await _read_questions(session, program_id, version)
    if batch is not None:
        batch.questions[program_id] = found
    return found


async def _read_questions(
    session: AsyncSession, program_id: UUID, version: int | None
) -> tuple[int, tuple[Question, ...]]:
    query = sa.select(ProgramQuestions).where(ProgramQuestions.program_id == program_id)
    if version is not None:
        query = query.where(ProgramQuestions.version == version)
    found = await session.scalar(query.order_by(ProgramQuestions.version.desc()).limit(1))
    if found is None:
        return 0, ()
    questions = (Question(**{**one, "kind": QuestionKind(one["kind"])}) for one in found.questions)
    return found.version, tuple(questions)


async def add_questions(session: AsyncSession, program_id: UUID, version: int, questions: Sequence[Question]) -> None:
    """A new version of a program's own questions."""
    written = [asdict(question) for question in questions]
    session.add(ProgramQuestions(program_id=program_id, version=version, questions=written))
    await session.flush()
