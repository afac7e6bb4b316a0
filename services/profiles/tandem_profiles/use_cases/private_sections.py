"""Private sections: written by their person, read by their person and their mentors, each reading noted."""

import json
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_profiles.domain.people import NoSuchPerson
from tandem_profiles.domain.private_sections import ConsentMissing, NoPrivateSection
from tandem_profiles.storage import enrollments, pairings, people, private_sections
from tandem_profiles.storage.private_sections import PrivateSection
from tandem_profiles.storage.seals import Sealed, Seals
from tandem_profiles.use_cases import audit, rights


async def write(
    session: AsyncSession, caller: Caller, hopes: dict[str, str], *, consent: bool, seals: Seals, at: datetime
) -> PrivateSection:
    """Keep what the caller hopes for, sealed, for their mentors to read.

    Raises:
        ConsentMissing, NotSealed, NoSuchPerson
    """
    person_id = caller.require_person()
    if not consent:
        raise ConsentMissing
    if await people.find(session, person_id, lock=True) is None:
        raise NoSuchPerson
    sealed = seals.seal(json.dumps(hopes), person_id=person_id)
    section = await private_sections.find(session, person_id, lock=True)
    if section is None:
        section = PrivateSection(person_id=person_id, consented_at=at)
        session.add(section)
    section.key_id, section.sealed, section.changed_at = sealed.key_id, sealed.sealed, at
    await session.flush()
    return section


async def read(
    session: AsyncSession, caller: Caller, person_id: UUID, *, seals: Seals, at: datetime
) -> tuple[PrivateSection, dict[str, str]]:
    """What somebody hopes for; each reading is noted. Others than they and their mentors of now are told of nothing.

    Raises:
        NoPrivateSection, NotSealed
    """
    if caller.person_id != person_id and not await _is_mentor_and_no_manager(session, caller, person_id):
        raise NoPrivateSection
    section = await private_sections.find(session, person_id)
    if section is None:
        raise NoPrivateSection
    await audit.note(session, caller, "private_section_read", at=at, person_id=person_id)
    hopes: dict[str, str] = json.loads(seals.open(Sealed(section.key_id, section.sealed), person_id=person_id))
    return section, hopes


async def _is_mentor_and_no_manager(session: AsyncSession, caller: Caller, person_id: UUID) -> bool:
    """Whether this is their mentor, and has no power over them: neither above them nor managing a program of theirs."""
    if caller.person_id is None or caller.is_admin:
        return False
    if not await pairings.is_mentor_of(session, caller.person_id, person_id):
        return False
    if caller.person_id in await people.line_above(session, person_id):
        return False
    managed = await rights.managed_programs(session, caller)
    return not managed or managed.isdisjoint(await enrollments.programs_of(session, person_id))


async def remove(session: AsyncSession, caller: Caller) -> None:
    """Take consent back: what was written is gone. Safe to repeat."""
    section = await private_sections.find(session, caller.require_person(), lock=True)
    if section is not None:
        await session.delete(section)
        await session.flush()
