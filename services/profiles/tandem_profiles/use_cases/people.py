"""People: find one, let one leave, and let one return."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_profiles.domain.people import (
    DelegateUnknown,
    DepartedAlready,
    LanguageUnknown,
    NoSuchPerson,
    ProgramNeeded,
    Sight,
    TimeZoneUnknown,
)
from tandem_profiles.domain.roster_changes import change_of, leaving
from tandem_profiles.domain.sheet_mapping import fault_of_languages
from tandem_profiles.domain.sign_ups import email_key
from tandem_profiles.storage import enrollments, pairings, people
from tandem_profiles.storage import search as search_pages
from tandem_profiles.storage.people import Person
from tandem_profiles.storage.search import Place, Wanted
from tandem_profiles.use_cases import audit, person_changes, rights, skills
from tandem_profiles.use_cases.sign_up_sheets import known_time_zones


async def show_person(session: AsyncSession, caller: Caller, person_id: UUID) -> tuple[Person, Sight]:
    """A person, and how much of them this caller sees: all where they manage them, what is visible in their programs.

    Raises:
        NoSuchPerson: there is none, or it is nobody whom this caller may know of.
    """
    person = await people.find(session, person_id)
    if person is None:
        raise NoSuchPerson
    if caller.is_admin or caller.person_id == person_id:
        return person, Sight.WHOLE
    managed = await rights.managed_programs(session, caller)
    if managed and not managed.isdisjoint(await enrollments.programs_with(session, person_id)):
        return person, Sight.WHOLE
    if caller.person_id is not None:
        if await pairings.are_together(session, caller.person_id, person_id):
            return person, Sight.WHOLE
        if await enrollments.share_a_program(session, caller.person_id, person_id):
            return person, Sight.VISIBLE
    raise NoSuchPerson


async def change_profile(
    session: AsyncSession,
    caller: Caller,
    person_id: UUID,
    fields: Mapping[str, Any],
    *,
    expect: Callable[[int], None],
    at: datetime,
) -> Person:
    """Change what somebody says about themselves. `expect` refuses another version than they saw.

    Who keeps their calendar is a right that is granted, and noted in the audit log.

    Raises:
        NoSuchPerson, DelegateUnknown, TimeZoneUnknown, LanguageUnknown
    """
    delegate_id = fields["delegate_id"]
    # The delegate as well: whoever is just being erased cannot be named any more.
    before = await people.lock_many(session, {person_id, delegate_id} - {None})
    if person_id not in before:
        raise NoSuchPerson
    expect(before[person_id]["version"])
    if fields["time_zone"] not in known_time_zones():
        raise TimeZoneUnknown(fields["time_zone"])
    if reason := fault_of_languages(tuple(fields["languages"])):
        raise LanguageUnknown(reason)
    if delegate_id is not None and (delegate_id == person_id or delegate_id not in before):
        raise DelegateUnknown
    told = {**fields, "skills_offered": await skills.in_vocabulary(session, fields["skills_offered"])}
    change = {name: value for name, value in told.items() if before[person_id][name] != value}
    if change:
        await person_changes.change(session, before, {person_id: change}, at=at)
    before_id = before[person_id]["delegate_id"]
    await audit.note_delegate(session, caller, person_id, before=before_id, now=delegate_id, at=at)
    return await _again(session, person_id)


async def search(
    session: AsyncSession, caller: Caller, wanted: Wanted, *, after: Place | None, limit: int
) -> tuple[list[tuple[Person, Place]], Sight]:
    """People by name and by what they can: among everybody for administrators, else within one program.

    Raises:
        ProgramNeeded: the caller must say in which of their programs.
        NotYourProgram: they neither manage it nor take part.
    """
    sight = Sight.WHOLE
    if not caller.is_admin:
        if wanted.program_id is None:
            raise ProgramNeeded
        if not await rights.manages(session, caller, wanted.program_id):
            if caller.person_id is None or not await enrollments.takes_part(
                session, wanted.program_id, caller.person_id
            ):
                caller.require_manager(wanted.program_id)
            sight = Sight.VISIBLE
    if wanted.skill is not None:
        wanted = replace(wanted, skill=await skills.spelled(session, wanted.skill))
    return await search_pages.page(session, wanted, after=after, limit=limit), sight


async def find_by_email(session: AsyncSession, email: str) -> Person | None:
    """The person of this address, however it is capitalised."""
    return await people.with_email(session, email_key(email.strip()))


async def let_depart(session: AsyncSession, person_id: UUID, *, left_on: date, at: datetime) -> Person:
    """Somebody left the company: they take part in nothing any more. Safe to repeat with the same day.

    A last day ahead (in UTC) is kept; `let_those_due_depart` takes it up when it comes.

    Raises:
        NoSuchPerson, DepartedAlready
    """
    before = await people.lock_many(session, [person_id])
    if person_id not in before:
        raise NoSuchPerson
    departed_on = before[person_id]["departed_on"]
    if departed_on is not None and departed_on != left_on:
        raise DepartedAlready(departed_on)
    change = change_of(before[person_id], leaving(left_on, today=at.date()))
    if change is not None:
        await person_changes.change(session, before, {person_id: change.fields}, at=at)
    return await _again(session, person_id)


async def let_return(session: AsyncSession, person_id: UUID, *, at: datetime) -> Person:
    """Somebody who left, or was to leave, is with the company. What ended with their departure stays ended.

    Raises:
        NoSuchPerson
    """
    before = await people.lock_many(session, [person_id])
    if person_id not in before:
        raise NoSuchPerson
    change = change_of(before[person_id], leaving(None, today=at.date()))
    if change is not None:
        await person_changes.change(session, before, {person_id: change.fields}, at=at)
    return await _again(session, person_id)


async def let_those_due_depart(session: AsyncSession, *, at: datetime, limit: int = 500) -> int:
    """Let everybody depart whose last day has come; the answer is how many. Safe in several replicas at once."""
    due = await people.due_to_leave(session, at.date(), limit=limit)
    await person_changes.change(
        session, due, {i: leaving(person["leaves_on"], today=at.date()) for i, person in due.items()}, at=at
    )
    return len(due)


async def _again(session: AsyncSession, person_id: UUID) -> Person:
    person = await people.find(session, person_id)
    if person is None:
        raise NoSuchPerson
    await session.refresh(person)
    return person
