"""Read models: what scheduling keeps of the world of others, and which tables are its own."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import PairingCreated, PairingMemberLeft, PersonErased, PersonState, ProgramState
from tandem_events.replay import ReadModel
from tandem_events.subscriptions import Subscription
from tandem_scheduling.storage import pairings, people, programs


async def keep_person(event: PersonState, session: AsyncSession) -> None:
    """Keep who a person is and in which time zone they live."""
    await people.remember(
        session,
        event.person_id,
        name=f"{event.given_name} {event.family_name}".strip(),
        email=event.email,
        time_zone=event.time_zone,
    )


async def forget_person(person_id: UUID, session: AsyncSession) -> None:
    """Know nothing of a person any more."""
    await people.forget(session, person_id)


async def forget_erased(event: PersonErased, session: AsyncSession) -> None:
    """Know nothing of a person any more."""
    await people.forget(session, event.person_id)


async def keep_program(event: ProgramState, session: AsyncSession) -> None:
    """Keep the program's policy of meeting."""
    await programs.remember(
        session,
        event.program_id,
        name=event.name,
        program_format=event.format,
        status=event.status,
        meeting_every_days=event.meeting_every_days,
        meeting_minutes=event.meeting_minutes,
    )


async def forget_program(program_id: UUID, session: AsyncSession) -> None:
    """Forget the program's policy."""
    await programs.forget(session, program_id)


async def keep_members(event: PairingCreated, session: AsyncSession) -> None:
    """Keep who was paired, as what."""
    await pairings.keep_members(session, event.pairing_id, {one.person_id: one.role for one in event.members})


async def drop_member(event: PairingMemberLeft, session: AsyncSession) -> None:
    """Let somebody belong to a pairing no more."""
    await pairings.drop_member(session, event.pairing_id, event.person_id)


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
        projections=(Subscription(ProgramState, keep_program, on_gone=forget_program),),
    ),
    ReadModel(
        "members",
        tables=("pairing_members",),
        projections=(Subscription(PairingCreated, keep_members), Subscription(PairingMemberLeft, drop_member)),
        decisive=(PairingMemberLeft,),
        keeps_untold=True,
    ),
)

_WORDS = "written here; an erasure only takes out words"
_SET = "set here; an erasure only deletes it"

MIXED_TABLES: Mapping[str, str] = {
    "agreement_revisions": "members amend here what is proposed when they are paired",
    "agreements": "members sign and amend here what is proposed when they are paired",
    "delegates": "whom people let book for them here stands beside whom their profiles name",
    "modules": "what managers set here stands beside what programs bring",
    "pairings": "how often members met and when they are expected to is counted here",
    "reminder_recipients": "what is due to whom is planned and said here",
    "reminders": "what is due to whom is planned and said here",
    "steps": "what pairs did with a module is said here",
    "tracks": "what managers set here stands beside what programs bring",
}
"""Where what others tell stands beside what is this service's own, with the reason: no event tells the latter again."""

OWN_TABLES: Mapping[str, str] = {
    "action_items": _WORDS,
    "agenda_items": _WORDS,
    "agreement_signatures": "signed here; events only let who left be done without",
    "availabilities": _SET,
    "busy_feeds": _SET,
    "busy_times": _SET,
    "calendar_feeds": _SET,
    "meeting_policies": "set here by managers",
    "notes": "written here; an erasure only deletes them",
    "reminder_preferences": _SET,
    "series": "planned here; events only end them",
    "session_attendees": "planned here; events only withdraw from them who left",
    "session_proposals": "offered here; events only withdraw them",
    "session_withdrawals": "withdrawn here, when somebody declines or leaves",
    "sessions": "planned here; events only cancel them",
    "touchpoints": "logged here",
}
"""What is this service's own, with the reason; events of others at most end it, or erase what names somebody."""
