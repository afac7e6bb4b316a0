"""The Kafka door: what scheduling does when it hears of pairings, programs and people."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import (
    PairingCreated,
    PairingEnded,
    PairingMemberLeft,
    PersonErased,
    PersonState,
    ProgramState,
)
from tandem_events.subscriptions import Subscription
from tandem_scheduling import read_models
from tandem_scheduling.domain.tracks import ModuleText
from tandem_scheduling.use_cases import delegates, erasures, pairings, tracks


async def on_pairing_created(event: PairingCreated, session: AsyncSession) -> None:
    """Propose the agreement of a new pairing."""
    await pairings.begin_pairing(
        session,
        event.pairing_id,
        program_id=event.program_id,
        pairing_format=event.format,
        members=[(member.person_id, member.role) for member in event.members],
        at=event.occurred_at,
    )


async def on_pairing_ended(event: PairingEnded, session: AsyncSession) -> None:
    """Cancel what was to come."""
    await pairings.end_pairing(session, event.pairing_id, at=event.occurred_at)


async def on_pairing_member_left(event: PairingMemberLeft, session: AsyncSession) -> None:
    """Let what was to come take place without somebody."""
    await pairings.leave_pairing(session, event.pairing_id, event.person_id, at=event.occurred_at)


async def on_program_state(event: ProgramState, session: AsyncSession) -> None:
    """Keep the program's policy, and follow the tracks that it brings."""
    await read_models.keep_program(event, session)
    # A module that stands in two tracks is done once.
    modules = {module.module_id: module for track in event.tracks for module in track.modules}
    await tracks.follow_program(
        session,
        event.program_id,
        [
            ModuleText(
                title=module.title,
                purpose="",
                prompts=module.prompts,
                agenda=module.agenda,
                due_after_days=module.due_after_days,
                module_id=module.module_id,
            )
            for module in modules.values()
        ],
        now=event.occurred_at,
    )


async def on_person_state(event: PersonState, session: AsyncSession) -> None:
    """Keep who a person is and in which time zone they live, and let who keeps their calendar book for them."""
    await read_models.keep_person(event, session)
    await delegates.follow_profile(session, event.person_id, event.delegate_id, at=event.occurred_at)


async def on_person_gone(person_id: UUID, session: AsyncSession) -> None:
    """Erase what a person wrote or set here."""
    await erasures.erase(session, person_id)


async def on_person_erased(event: PersonErased, session: AsyncSession) -> None:
    """Erase what a person wrote or set here, and confirm it."""
    await erasures.erase_and_confirm(session, event.person_id, at=event.occurred_at)


SUBSCRIPTIONS = (
    Subscription(PairingCreated, on_pairing_created),
    Subscription(PairingEnded, on_pairing_ended),
    Subscription(PairingMemberLeft, on_pairing_member_left),
    Subscription(ProgramState, on_program_state, on_gone=read_models.forget_program),
    Subscription(PersonState, on_person_state, on_gone=on_person_gone),
    Subscription(PersonErased, on_person_erased),
)
