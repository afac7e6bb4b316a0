"""People over HTTP: read one, say something about oneself, depart, return, be merged, exported, erased."""

from dataclasses import astuple
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_chassis.preconditions import IfMatch
from tandem_events.contracts.contract import Code
from tandem_events.contracts.people import SkillLevel
from tandem_profiles.api.fields import Line, PlainText, Prose, RowNumber
from tandem_profiles.domain.people import NoSuchPerson, Sight
from tandem_profiles.storage.erasures import Erasure
from tandem_profiles.storage.people import Person
from tandem_profiles.storage.search import Place, Wanted, words_of
from tandem_profiles.use_cases import erasures, merges, people, private_sections
from tandem_profiles.use_cases.erasures import SERVICES

router = APIRouter(prefix="/people", tags=["people"], route_class=idempotency.Route)


class Station(BaseModel):
    """A station of somebody's working life."""

    title: Line
    organisation: Line | None = None
    from_year: int = Field(ge=1900, le=2200)
    until_year: int | None = Field(default=None, ge=1900, le=2200)


class PersonDocument(BaseModel):
    """Somebody, without what is confidential. Who is only in a program with them sees neither contact nor manager."""

    model_config = ConfigDict(from_attributes=True)

    person_id: UUID
    given_name: str
    family_name: str
    email: str | None
    job_title: str | None
    level: int | None
    level_name: str | None
    unit: str | None
    profession: str | None
    manager_id: UUID | None
    delegate_id: UUID | None
    location: str | None
    time_zone: str
    languages: list[str]
    biography: str | None
    history: list[Station]
    skills_offered: list[SkillLevel]
    departed_on: date | None
    leaves_on: date | None


HIDDEN = ("email", "manager_id", "delegate_id", "leaves_on")
"""What those do not see who are in a program with somebody and no more."""


class Profile(BaseModel):
    """What somebody says about themselves. Name, unit and manager come from the company's roster."""

    job_title: Line | None = None
    location: Line | None = None
    time_zone: Code = "UTC"
    languages: list[Code] = Field(default_factory=list, max_length=30, description="BCP 47 tags.")
    biography: Prose | None = None
    history: list[Station] = Field(default_factory=list, max_length=50)
    skills_offered: list[SkillLevel] = Field(default_factory=list, max_length=100)
    delegate_id: UUID | None = Field(
        default=None, description="Who keeps this person's calendar: they book and move sessions for them."
    )


class Hopes(BaseModel):
    """What somebody hopes for, for their mentors to know."""

    personal: Prose = ""
    professional: Prose = ""


class PrivateSectionForm(Hopes):
    """Hopes, with the consent that mentors may read them."""

    consent: bool = False


class PrivateSectionDocument(Hopes):
    """Hopes, and since when mentors may read them."""

    consented_at: datetime


class Departure(BaseModel):
    """That somebody left the company, or will: the last day."""

    left_on: date


class Merge(BaseModel):
    """Which record is the same person."""

    duplicate_id: UUID


class ErasureDocument(BaseModel):
    """How far an erasure is. Profiles itself is done before it answers."""

    person_id: UUID
    requested_at: datetime
    confirmed: dict[str, datetime]
    waiting_for: list[str]
    complete: bool


def _document(person: Person, sight: Sight) -> PersonDocument:
    document = PersonDocument.model_validate(person)
    return document if sight is Sight.WHOLE else document.model_copy(update=dict.fromkeys(HIDDEN))


def _shown(person: Person, response: Response, sight: Sight = Sight.WHOLE) -> PersonDocument:
    preconditions.tag(response, person.version)
    return _document(person, sight)


def _erasure(erasure: Erasure) -> ErasureDocument:
    waiting = [service for service in SERVICES if service not in erasure.confirmed]
    confirmed = {name: datetime.fromisoformat(at) for name, at in erasure.confirmed.items()}
    return ErasureDocument(
        person_id=erasure.person_id,
        requested_at=erasure.requested_at,
        confirmed=confirmed,
        waiting_for=waiting,
        complete=not waiting,
    )


@router.get("")
async def find_people(
    caller: CurrentCaller,
    session: Transaction,
    q: Annotated[
        Line | None, Query(description="Beginnings of names; accents and small mistakes are forgiven.")
    ] = None,
    email: Annotated[Line | None, Query(description="The whole address, in any case; for administrators.")] = None,
    skill: Line | None = None,
    unit: Line | None = None,
    lowest_level: Annotated[int | None, Query(ge=1, le=1000)] = None,
    highest_level: Annotated[int | None, Query(ge=1, le=1000)] = None,
    language: Annotated[Code | None, Query(description="BCP 47 tag.")] = None,
    time_zone: Annotated[Code | None, Query(description="IANA name.")] = None,
    program_id: Annotated[UUID | None, Query(description="Only who takes part in it.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PersonDocument]:
    """People by name; where no name is as typed, those whose names are most like it.

    Administrators look among everybody, managers and participants within one program. Who left is not found, but for
    administrators by e-mail address.
    """
    if email is not None:
        caller.require_admin()
        person = await people.find_by_email(session, email)
        return Page(items=[PersonDocument.model_validate(person)] if person else [])
    wanted = Wanted(
        words=words_of(q) if q is not None else (),
        skill=skill,
        unit=unit,
        lowest_level=lowest_level,
        highest_level=highest_level,
        language=language,
        time_zone=time_zone,
        program_id=program_id,
    )
    position = paging.decode(cursor, RowNumber, PlainText, UUID)
    after = Place(*position) if position else None
    found, sight = await people.search(session, caller, wanted, after=after, limit=limit + 1)
    return paging.page(found, limit, lambda one: _document(one[0], sight), by=lambda one: astuple(one[1]))


@router.get("/{person_id}")
async def show_person(
    person_id: UUID, caller: CurrentCaller, session: Transaction, response: Response
) -> PersonDocument:
    """A person: all for administrators, themselves, managers of their programs and their counterparts.

    Whoever is in a program with them sees the visible profile.
    """
    person, sight = await people.show_person(session, caller, person_id)
    return _shown(person, response, sight)


@router.put("/{person_id}/profile")
async def change_profile(
    person_id: UUID,
    body: Profile,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> PersonDocument:
    """Say something about oneself. The other services hear of it as `person.updated`."""
    if caller.person_id != person_id and not caller.is_admin:
        raise NoSuchPerson
    fields = {
        **body.model_dump(),
        "history": [station.model_dump(mode="json") for station in body.history],
        "skills_offered": [skill.model_dump(mode="json") for skill in body.skills_offered],
    }
    expect = partial(preconditions.require_match, if_match)
    return _shown(await people.change_profile(session, caller, person_id, fields, expect=expect, at=now), response)


@router.get("/{person_id}/private-section")
async def read_private_section(
    person_id: UUID, request: Request, caller: CurrentCaller, now: Now, session: Transaction
) -> PrivateSectionDocument:
    """What somebody hopes for: for themselves and their mentors of now, each reading noted in the audit log.

    Nobody reads it who has power over them: neither those above them in the company, nor managers of their programs.
    """
    section, hopes = await private_sections.read(session, caller, person_id, seals=request.app.state.seals, at=now)
    return PrivateSectionDocument(**hopes, consented_at=section.consented_at)


@router.put("/{person_id}/private-section")
async def write_private_section(
    person_id: UUID, body: PrivateSectionForm, request: Request, caller: CurrentCaller, now: Now, session: Transaction
) -> PrivateSectionDocument:
    """Tell one's mentors what one hopes for. It is stored sealed, and never part of any event."""
    if caller.person_id != person_id:
        raise NoSuchPerson
    section = await private_sections.write(
        session,
        caller,
        body.model_dump(exclude={"consent"}),
        consent=body.consent,
        seals=request.app.state.seals,
        at=now,
    )
    return PrivateSectionDocument(**body.model_dump(exclude={"consent"}), consented_at=section.consented_at)


@router.delete("/{person_id}/private-section", status_code=204)
async def remove_private_section(person_id: UUID, caller: CurrentCaller, session: Transaction) -> None:
    """Take consent back: what was written is gone."""
    if caller.person_id != person_id:
        raise NoSuchPerson
    await private_sections.remove(session, caller)


@router.post("/{person_id}/departure")
async def let_depart(
    person_id: UUID, body: Departure, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> PersonDocument:
    """Say that somebody left the company, or will. All services hear of it as `person.departed` on the last day."""
    caller.require_admin()
    return _shown(await people.let_depart(session, person_id, left_on=body.left_on, at=now), response)


@router.post("/{person_id}/return")
async def let_return(
    person_id: UUID, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> PersonDocument:
    """Say that somebody who left is with the company again. What ended with their departure stays ended."""
    caller.require_admin()
    return _shown(await people.let_return(session, person_id, at=now), response)


@router.post("/{person_id}/merges")
async def merge(
    person_id: UUID,
    body: Merge,
    request: Request,
    caller: CurrentCaller,
    now: Now,
    session: Transaction,
    response: Response,
) -> PersonDocument:
    """Say that another record is the same person: this one stays, and takes over what only the other knew."""
    caller.require_admin()
    seals = request.app.state.seals
    return _shown(await merges.merge(session, caller, person_id, body.duplicate_id, seals=seals, at=now), response)


@router.get("/{person_id}/export")
async def export_person(
    person_id: UUID, request: Request, caller: CurrentCaller, now: Now, session: Transaction, response: Response
) -> dict[str, Any]:
    """Everything that is kept here about a person, as one file; noted in the audit log.

    Administrators get it without the private section, answers for matching, and people preferred and excluded: those
    leave for the person alone.
    """
    if caller.person_id != person_id and not caller.is_admin:
        raise NoSuchPerson
    response.headers["Content-Disposition"] = f'attachment; filename="person-{person_id}.json"'
    return await erasures.export_person(session, caller, person_id, seals=request.app.state.seals, at=now)


@router.post("/{person_id}/erasure", status_code=202)
async def erase_person(person_id: UUID, caller: CurrentCaller, now: Now, session: Transaction) -> ErasureDocument:
    """ERASE a person's data, here at once and then everywhere; this cannot be undone."""
    caller.require_admin()
    return _erasure(await erasures.erase_person(session, caller, person_id, at=now))


@router.get("/{person_id}/erasure")
async def show_erasure(person_id: UUID, caller: CurrentCaller, session: Transaction) -> ErasureDocument:
    """Which services confirmed that they erased a person."""
    caller.require_admin()
    return _erasure(await erasures.find_erasure(session, person_id))
