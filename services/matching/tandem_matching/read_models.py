"""Read models: what matching keeps of the world of others, and which tables are its own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import PersonDeparted, PersonErased, PersonMerged, PersonState, ProgramState
from tandem_events.replay import ReadModel
from tandem_events.subscriptions import Subscription
from tandem_matching.storage import world


async def keep_person(event: PersonState, session: AsyncSession) -> None:
    """Keep what rules and criteria look at. Names and biographies are left where they are."""
    traits: dict[str, Any] = {
        "level": event.level,
        "level_name": event.level_name,
        "unit": event.unit,
        "profession": event.profession,
        "manager_id": event.manager_id,
        "location": event.location,
        "time_zone": event.time_zone,
        "languages": list(event.languages),
        "skills": {one.skill: one.level for one in event.skills_offered},
        "confidential": _by_program(event.confidential_answers),
        "open_answers": _by_program(event.open_answers),
        "departed_on": event.departed_on,
    }
    await world.keep_person(session, person_id=event.person_id, said_at=event.occurred_at, **traits)


def _by_program(answers: Mapping[UUID, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Answers as they are stored."""
    return {
        str(program_id): {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
        for program_id, given in answers.items()
    }


async def forget_person(person_id: UUID, session: AsyncSession) -> None:
    """Know nothing of a person any more."""
    await world.drop_person(session, person_id)


async def keep_departure(event: PersonDeparted, session: AsyncSession) -> None:
    """Keep that a person left the company."""
    await world.keep_departure(session, event.person_id, left_on=event.left_on, said_at=event.occurred_at)


async def forget_erased(event: PersonErased, session: AsyncSession) -> None:
    """Know nothing of a person any more."""
    await world.drop_person(session, event.person_id)


async def merge_people(event: PersonMerged, session: AsyncSession) -> None:
    """Keep that two records were one person."""
    await world.merge_people(session, kept=event.person_id, duplicate=event.duplicate_id)


async def keep_program(event: ProgramState, session: AsyncSession) -> None:
    """Keep what a program is. Its rules are read when a run asks for them, so that a fault has an asker."""
    await world.keep_program(
        session, event.program_id, program_format=event.format, status=event.status, matching=event.matching
    )


async def forget_program(program_id: UUID, session: AsyncSession) -> None:
    """Forget a program."""
    await world.forget_program(session, program_id)


READ_MODELS = (
    ReadModel(
        "people",
        tables=("people",),
        projections=(
            Subscription(PersonState, keep_person, on_gone=forget_person),
            Subscription(PersonDeparted, keep_departure),
            Subscription(PersonErased, forget_erased),
            Subscription(PersonMerged, merge_people),
        ),
        decisive=(PersonErased, PersonMerged),
    ),
    ReadModel(
        "programs",
        tables=("programs",),
        projections=(Subscription(ProgramState, keep_program, on_gone=forget_program),),
    ),
)

MIXED_TABLES: Mapping[str, str] = {
    "enrollments": "how many of its places are taken is decided here",
    "mentor_places": "how many places are taken is decided here",
    "waiting_mentees": "runs and endings put people in line as well as events",
}
"""Where what others tell stands beside what is this service's own, with the reason: no event tells the latter again."""

OWN_TABLES: Mapping[str, str] = {
    "match_requests": "asked and answered here; events only close them or take out words",
    "match_runs": "computed here; an erasure only takes out what was assumed of somebody",
    "mentor_offers": "made and answered here; events only close them or take out words",
    "pairing_members": "paired here; events only let members leave or rename them",
    "pairings": "paired here; events only end them",
    "proposals": "computed here; an erasure only takes out what names somebody",
    "proposed_circles": "computed here; an erasure only takes out what names somebody",
    "unmatched": "computed here; an erasure only takes out what names somebody",
}
"""What is this service's own, with the reason; events of others at most end it, or erase what names somebody."""
