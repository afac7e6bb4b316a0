"""Events that are handled together leave the same behind as one by one, with a few statements for all of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tandem_events.contracts import (
    ActionItemAgreed,
    ActionItemApplied,
    AgendaPrepared,
    AgreementProposed,
    AgreementSigned,
    EnrollmentApproved,
    EnrollmentSubmitted,
    Event,
    Member,
    PairingCreated,
    PairingEnded,
    PersonErased,
    PersonState,
    ProgramState,
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)
from tandem_events.envelope import Message, to_message
from tandem_events.handling import Handling
from tandem_events.reading import Reader
from tandem_events.testing import as_received
from tandem_feedback.handlers import SUBSCRIPTIONS, around_batch

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def person(person_id: UUID, unit: str) -> PersonState:
    return PersonState(
        person_id=person_id, given_name="A", family_name="B", email="a@example.com", unit=unit, occurred_at=AT
    )


def a_relationship(program_id: UUID, *, end: bool) -> list[Event]:
    """Everything that can be heard of two people: sign-up, pairing, agreement, sessions of every fate, actions, end."""
    mentor, mentee, pairing_id, agreement_id = (uuid4() for _ in range(4))
    members = (Member(person_id=mentor, role="mentor"), Member(person_id=mentee, role="mentee"))
    pairing: dict[str, Any] = {"pairing_id": pairing_id, "program_id": program_id}
    events: list[Event] = [person(mentor, "Sales"), person(mentee, "Legal"), person(mentee, "Sales")]
    for person_id in (mentor, mentee):
        about: dict[str, Any] = {
            "enrollment_id": uuid4(),
            "program_id": program_id,
            "person_id": person_id,
            "roles": ("mentee",),
        }
        events += [
            EnrollmentApproved(**about, occurred_at=AT + timedelta(days=2)),
            EnrollmentSubmitted(**about, occurred_at=AT + timedelta(days=1)),
        ]
    events.append(PairingCreated(**pairing, format="one_to_one", members=members, occurred_at=AT + timedelta(days=3)))
    terms: dict[str, Any] = {"agreement_id": agreement_id, **pairing, "agreement_version": 1, "occurred_at": AT}
    events.append(AgreementProposed(**terms, meeting_every_days=14, meeting_minutes=60))
    events += [AgreementSigned(**terms, person_id=one, complete=one == mentee) for one in (mentor, mentee)]
    for number in range(1, 6):
        at = AT + timedelta(days=10 * number)
        session: dict[str, Any] = {"session_id": uuid4(), **pairing, "occurred_at": at}
        times = {"starts_at": at - timedelta(hours=1), "ends_at": at}
        events.append(SessionScheduled(**session, **times, attendees=(mentor, mentee), way_of_meeting="video"))
        if number == 3:
            later = {"starts_at": at + timedelta(hours=1), "ends_at": at + timedelta(hours=2)}
            moved: dict[str, Any] = {
                "previous_starts_at": at,
                "reschedules": 1,
                "rescheduled_by": mentor,
                "reason": "ill",
            }
            both = (mentor, mentee)
            events.append(SessionRescheduled(**session, **later, **moved, attendees=both, way_of_meeting="video"))
        if number == 4:
            events.append(SessionMissed(**session, starts_at=at, missed_by=(mentee,)))
        elif number == 5:
            events.append(SessionCancelled(**session, cancelled_by=mentor, reason="ill"))
        else:
            events.append(AgendaPrepared(**session, person_id=mentee, items=3))
            done = {"completed_sessions": number, "agenda_items": 3, "agenda_items_done": number}
            events.append(SessionCompleted(**session, **times, attended=(mentor, mentee), **done))
            action: dict[str, Any] = {**session, "action_item_id": uuid4(), "owner_id": mentee}
            events += [ActionItemAgreed(**action), ActionItemApplied(**action, outcome="partly")]
    if end:
        end_at = AT + timedelta(days=60)
        events.append(PairingEnded(**pairing, members=members, reason="completed", occurred_at=end_at))
    return events


def a_program(relationships: int) -> tuple[list[Event], list[Message]]:
    """A program with so many relationships, every second of which has ended; and one person who was erased."""
    program_id, gone = uuid4(), uuid4()
    program = ProgramState(
        program_id=program_id,
        name="P",
        format="one_to_one",
        status="running",
        feedback_every_sessions=1,
        occurred_at=AT,
    )
    events: list[Event] = [program, person(gone, "Sales")]
    histories = [a_relationship(program_id, end=number % 2 == 0) for number in range(relationships)]
    # All relationships beside each other, as a topic brings them.
    for step in range(max(map(len, histories))):
        events += [history[step] for history in histories if step < len(history)]
    events.append(PersonErased(person_id=gone, occurred_at=AT))
    return events, [to_message(event, version=1) for event in events]


@asynccontextmanager
async def handling_on(url: str) -> AsyncIterator[tuple[Handling, Callable[[], int]]]:
    """The service's handling on this database, and how many statements it has executed."""
    engine = create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"))
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    executed = Counter[str]()

    @sa.event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count(*args: Any) -> None:
        executed["all"] += 1

    @asynccontextmanager
    async def transaction() -> AsyncIterator[AsyncSession]:
        async with sessions.begin() as session:
            yield session

    reader = Reader(SUBSCRIPTIONS, max_event_bytes=1_048_576)
    yield (
        Handling(
            reader,
            transaction,
            name="feedback",
            retry_seconds=1,
            waiting_retry_seconds=1,
            around_batch=around_batch,
        ),
        lambda: executed["all"],
    )
    await engine.dispose()


async def fed(url: str, messages: Sequence[Message], *, together: int) -> tuple[int, dict[str, Counter[str]]]:
    """Feed messages in batches of this size; how many statements that took, and what every table holds then."""
    async with handling_on(url) as (handling, statements):
        items = [handling.reader.read(as_received(message, place)) for place, message in enumerate(messages)]
        for begin in range(0, len(items), together):
            outcome = await handling.handle(items[begin : begin + together])
            assert (outcome.handled, outcome.parked) == (len(items[begin : begin + together]), 0)
        executed = statements()
    return executed, await rows_of(url)


# How often a row was written, what numbers rows, and what is made up for each request for feedback and each fact.
DIFFERS = {"version", "id", "feedback_request_id", "seen_at", "event_id", "created_at", "recorded_at"}


async def rows_of(url: str) -> dict[str, Counter[str]]:
    connection = await asyncpg.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(False))
    try:
        requests = {
            str(row["feedback_request_id"])
            for row in await connection.fetch("SELECT feedback_request_id FROM feedback_requests")
        }
        # Evidence of what this service said itself bears the id under which it said it.
        requests |= {str(row["event_id"]) for row in await connection.fetch("SELECT event_id FROM outbox")}
        found = {}
        for table in TABLES:
            rows = [dict(row) for row in await connection.fetch(f'SELECT * FROM "{table}"')]
            found[table] = Counter(
                repr(
                    {
                        name: "made up" if str(value) in requests else value
                        for name, value in row.items()
                        if name not in DIFFERS or (table == "evidence" and name == "event_id")
                    }
                )
                for row in rows
            )
        said = await connection.fetch("SELECT type, key, headers->>'ce_causationid' AS cause FROM outbox")
        found["outbox"] = Counter(repr(tuple(row.values())) for row in said)
        return found
    finally:
        await connection.close()


TABLES = (
    "people",
    "programs",
    "relationships",
    "relationship_members",
    "sessions",
    "evidence",
    "feedback_requests",
    "participations",
    "recognition_ledger",
)


@pytest.fixture
def database(new_database: Callable[..., str], migrated: str) -> Callable[[], str]:
    return lambda: new_database(template=migrated)


async def test_events_handled_together_leave_the_same_behind_as_one_by_one(database: Callable[[], str]) -> None:
    _, messages = a_program(4)
    (_, alone), (_, some), (_, together) = [
        await fed(database(), messages, together=size) for size in (1, 7, len(messages))
    ]
    assert all(alone.values()), "everything was written to"
    for table, rows in alone.items():
        assert some[table] == rows, table
        assert together[table] == rows, table


async def test_the_statements_of_a_batch_do_not_grow_with_its_events(database: Callable[[], str]) -> None:
    url = database()
    events, messages = a_program(16)
    begun = [number for number, event in enumerate(events) if isinstance(event, PairingCreated)][-1] + 1
    meetings = [
        message
        for event, message in zip(events[begun:], messages[begun:], strict=True)
        if isinstance(event, SessionScheduled | SessionCompleted | AgendaPrepared | ActionItemAgreed)
    ]
    await fed(url, messages[:begun], together=begun)
    few, many = meetings[:8], meetings[8:]
    assert len(many) > 10 * len(few)
    with_few, _ = await fed(url, few, together=len(few))
    with_many, _ = await fed(url, many, together=len(many))
    assert with_many <= with_few + 5


async def test_two_lanes_about_the_same_people_do_not_hinder_each_other(database: Callable[[], str]) -> None:
    url = database()
    events, messages = a_program(12)
    lanes: dict[bool, list[Message]] = {True: [], False: []}
    begun = [number for number, event in enumerate(events) if isinstance(event, PairingCreated)][-1] + 1
    await fed(url, messages[:begun], together=begun)
    for message in messages[begun:]:
        lanes[UUID(message.key).int % 2 == 0].append(message)
    async with handling_on(url) as (handling, _):
        read = [
            [handling.reader.read(as_received(message, place)) for place, message in enumerate(lane)]
            for lane in lanes.values()
        ]
        outcomes = await asyncio.gather(*(handling.handle(lane) for lane in read))
    assert sum(outcome.handled for outcome in outcomes) == len(messages) - begun
