"""What is done with delegates: let somebody book and move sessions, and no longer let them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import DelegateGranted, DelegateRevoked
from tandem_scheduling.domain.delegates import NamedInProfile, NoSuchDelegate, require_somebody_else
from tandem_scheduling.storage import delegates
from tandem_scheduling.storage.delegates import Delegate
from tandem_scheduling.storage.sessions import lock_calendars


async def grant_delegate(session: AsyncSession, caller: Caller, delegate_id: UUID, *, now: datetime) -> list[Delegate]:
    """Let somebody book and move sessions for the caller; the answer is everybody who does.

    Raises:
        NotADelegate: the caller names themselves.
    """
    person_id = caller.require_person()
    require_somebody_else(person_id, delegate_id)
    await lock_calendars(session, [person_id])
    known = await delegates.find(session, person_id, delegate_id)
    if known is None:
        await _grant(session, person_id, delegate_id, named_in_profile=False, at=now)
    else:
        # Whoever is granted here stays also once the profile names somebody else.
        known.named_in_profile = False
        await session.flush()
    return await delegates.of_person(session, person_id)


async def revoke_delegate(session: AsyncSession, caller: Caller, delegate_id: UUID, *, now: datetime) -> None:
    """No longer let somebody book for the caller.

    Raises:
        NoSuchDelegate: they did not.
        NamedInProfile: the caller's profile names them.
    """
    person_id = caller.require_person()
    await lock_calendars(session, [person_id])
    known = await delegates.find(session, person_id, delegate_id)
    if known is None:
        raise NoSuchDelegate("This person does not book for you.")
    if known.named_in_profile:
        raise NamedInProfile("Your profile says that this person keeps your calendar. Change it there.")
    await _revoke(session, known, at=now)


async def follow_profile(session: AsyncSession, person_id: UUID, delegate_id: UUID | None, *, at: datetime) -> None:
    """Let whom a person's profile names book for them, and whom it named before no more."""
    known = await delegates.named_in_profile(session, person_id)
    if (known.delegate_id if known else None) == delegate_id:
        return
    await lock_calendars(session, [person_id])
    if known is not None:
        await _revoke(session, known, at=at)
    if delegate_id not in (None, person_id) and await delegates.find(session, person_id, delegate_id) is None:
        await _grant(session, person_id, delegate_id, named_in_profile=True, at=at)


async def _grant(
    session: AsyncSession, person_id: UUID, delegate_id: UUID, *, named_in_profile: bool, at: datetime
) -> None:
    session.add(
        Delegate(person_id=person_id, delegate_id=delegate_id, granted_at=at, named_in_profile=named_in_profile)
    )
    await session.flush()
    await outbox.add(session, DelegateGranted(person_id=person_id, delegate_id=delegate_id, occurred_at=at), version=1)


async def _revoke(session: AsyncSession, known: Delegate, *, at: datetime) -> None:
    await session.delete(known)
    await session.flush()
    event = DelegateRevoked(person_id=known.person_id, delegate_id=known.delegate_id, occurred_at=at)
    await outbox.add(session, event, version=1)


async def list_delegates(session: AsyncSession, caller: Caller) -> list[Delegate]:
    """Who books for the caller."""
    return await delegates.of_person(session, caller.require_person())
