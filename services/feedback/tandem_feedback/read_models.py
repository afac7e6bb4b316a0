"""Read models: what feedback keeps of the world of others, and which tables are its own."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import (
    PairingCreated,
    PersonErased,
    PersonState,
    ProgramState,
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)
from tandem_events.replay import ReadModel
from tandem_events.subscriptions import Subscription
from tandem_feedback.storage import people as known_people
from tandem_feedback.storage import relationships, sessions
from tandem_feedback.use_cases import people, programs


async def keep_person(event: PersonState, session: AsyncSession) -> None:
    """Keep what certificates and reports need of a person."""
    await people.remember(
        session,
        event.person_id,
        given_name=event.given_name,
        family_name=event.family_name,
        email=event.email,
        unit=event.unit,
        level=event.level,
        level_name=event.level_name,
        departed_on=event.departed_on,
    )


async def forget_person(person_id: UUID, session: AsyncSession) -> None:
    """Know nothing of a person any more."""
    await known_people.forget(session, person_id)


async def forget_erased(event: PersonErased, session: AsyncSession) -> None:
    """Know nothing of a person any more."""
    await known_people.forget(session, event.person_id)


async def keep_program(event: ProgramState, session: AsyncSession) -> None:
    """Keep the policies of a program."""
    await programs.remember(
        session,
        event.program_id,
        name=event.name,
        format=event.format,
        status=event.status,
        starts_on=event.starts_on,
        ends_on=event.ends_on,
        meeting_every_days=event.meeting_every_days,
        meeting_minutes=event.meeting_minutes,
        feedback_every_sessions=event.feedback_every_sessions,
    )


async def keep_last_known(program_id: UUID, session: AsyncSession) -> None:
    """A program's relationships outlive it: they keep its last known policies."""
    del program_id, session


async def keep_members(event: PairingCreated, session: AsyncSession) -> None:
    """Keep who is in a relationship, as what."""
    await relationships.keep_members(session, event.pairing_id, {one.person_id: one.role for one in event.members})


async def keep_scheduled(event: SessionScheduled, session: AsyncSession) -> None:
    """Keep that a session is to take place."""
    await sessions.note_scheduled(
        session, event.session_id, pairing_id=event.pairing_id, starts_at=event.starts_at, ends_at=event.ends_at
    )


async def keep_completed(event: SessionCompleted, session: AsyncSession) -> None:
    """Keep that a session took place, and who was there."""
    await sessions.note_completed(
        session,
        event.session_id,
        pairing_id=event.pairing_id,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        attended=event.attended,
    )


async def keep_moved(event: SessionRescheduled, session: AsyncSession) -> None:
    """Keep that a session takes place at another time."""
    await sessions.note_moved(session, event.session_id, starts_at=event.starts_at, ends_at=event.ends_at)


async def keep_cancelled(event: SessionCancelled | SessionMissed, session: AsyncSession) -> None:
    """Keep that a session will not take place, or did not."""
    await sessions.note_cancelled(session, event.session_id)


READ_MODELS = (
    ReadModel(
        "people",
        tables=("people",),
        projections=(
            Subscription(PersonState, keep_person, on_gone=forget_person),
            Subscription(PersonErased, forget_erased),
        ),
        decisive=(PersonErased,),
    ),
    ReadModel(
        "programs",
        tables=("programs",),
        projections=(Subscription(ProgramState, keep_program, on_gone=keep_last_known),),
        keeps_untold=True,
    ),
    ReadModel(
        "members",
        tables=("relationship_members",),
        projections=(Subscription(PairingCreated, keep_members),),
        keeps_untold=True,
    ),
    ReadModel(
        "sessions",
        tables=("sessions",),
        projections=(
            Subscription(SessionScheduled, keep_scheduled),
            Subscription(SessionCompleted, keep_completed),
            Subscription(SessionRescheduled, keep_moved),
            Subscription(SessionCancelled, keep_cancelled),
            Subscription(SessionMissed, keep_cancelled),
        ),
        keeps_untold=True,
    ),
)

_WORDS = "written here; an erasure only takes out words"
_HR = "told by HR sheets; an erasure only deletes it"

MIXED_TABLES: Mapping[str, str] = {
    "evidence": "what members say and do here counts beside what others tell",
    "feedback_requests": "members ask and answer here beside what sessions lead to",
    "participations": "whom managers invited and who set a goal is said here",
    "recognition_ledger": "thanks and goals reached here count beside sessions",
    "relationships": "health, feedback and practices are counted here",
}
"""Where what others tell stands beside what is this service's own, with the reason: no event tells the latter again."""

OWN_TABLES: Mapping[str, str] = {
    "answers": _WORDS,
    "awards": "awarded here",
    "calls_for_help": _WORDS,
    "contributions": _WORDS,
    "department_history": _HR,
    "employees": _HR,
    "erased_employees": "marks of erased people, who are in no topic any more",
    "erasure_key": "made once, with the database",
    "feedback_drafts": "written here; an erasure only deletes them",
    "goal_acknowledgements": "acknowledged here",
    "goal_progress": _WORDS,
    "goal_revisions": _WORDS,
    "goals": _WORDS,
    "health_policies": "set here by managers",
    "outcomes_said": "what was said of HR facts; an erasure only deletes it",
    "program_questions": "set here by managers",
    "pulses": "answered here",
    "recognition_opt_outs": "said here",
    "reflections": _WORDS,
    "salary_history": _HR,
    "satisfaction": "counted here, of answers",
    "title_history": _HR,
}
"""What is this service's own, with the reason; events of others at most end it, or erase what names somebody."""
