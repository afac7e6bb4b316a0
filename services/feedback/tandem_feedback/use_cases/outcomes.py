"""Outcomes: saying what became of participants, and comparing them with people like them."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_events import outbox
from tandem_events.contracts import Event, OutcomeRecorded
from tandem_feedback.domain.outcomes import SMALLEST, Comparison, Quarter, Sample, compare, strata_of
from tandem_feedback.storage import outcomes
from tandem_feedback.use_cases.programs import managed

GRADE_PERCENT = 10
"""A salary that has risen by at least so much counts as a change of grade, since HR exports tell no grades."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of participants against people like them, and how many participants had nobody like them.

    Over all programs, `participants` and `participants_without_match` are of programs with at least five participants.
    """

    comparisons: Mapping[str, Comparison | None]
    participants: int
    participants_without_match: int


async def say_outcomes(session: AsyncSession, *, now: datetime) -> int:
    """Say which participants got another title, or moved, as `outcome.recorded`, once each; how many there were.

    Ids and the kind alone; `docs/decisions/outcomes-in-events.md` says why, and why of these two kinds only. It does
    not matter which is heard of first: the person, their enrollment, or the HR sheet.
    """
    said: list[tuple[Event, int]] = []
    for person_id, kind, on in await outcomes.note_said(session):
        outcome_id = uuid5(NAMESPACE_OID, f"{kind} {person_id} {on}")
        about: dict[str, Any] = {"outcome_id": outcome_id, "person_id": person_id, "kind": kind}
        said.append((OutcomeRecorded(**about, occurred_at=now), 1))
    await outbox.add_many(session, said)
    return len(said)


async def outcomes_of(
    session: AsyncSession, caller: Caller, *, program_id: UUID | None, quarter: Quarter, months: int
) -> Outcomes:
    """What became of those enrolled in a quarter, over so many months from its first day, against people like them.

    Raises:
        NotYourProgram, NoSuchProgram: the caller does not manage such a program.
        AdministratorsOnly: over all programs, the caller is none.
    """
    if program_id is None:
        caller.require_admin()
    else:
        await managed(session, caller, program_id)
    rows = await outcomes.strata(
        session,
        program_id=program_id,
        begins=quarter.begins,
        enrolled_until=quarter.ends,
        ends=quarter.months_later(months),
        grade_percent=GRADE_PERCENT,
    )
    found: defaultdict[UUID | None, dict[Key, sa.RowMapping]] = defaultdict(dict)
    for row in rows:
        found[row["program_id"]][row["unit"], row["job_title"], row["tenure"]] = row
    others = found.pop(None, {})
    people = {one: sum(row["people"] for row in strata.values()) for one, strata in found.items()}
    counted = [one for one, number in people.items() if number >= SMALLEST]
    matched = {one: strata_of([_samples(found[one], _people)], _samples(others, _people)) for one in counted}
    participants = sum(people[one] for one in counted)
    return Outcomes(
        {
            name: compare(strata_of([_samples(one, sample) for one in found.values()], _samples(others, sample)))
            for name, sample in SAMPLES.items()
        },
        participants=participants,
        participants_without_match=participants
        - sum(stratum.participants.number for strata in matched.values() for stratum in strata),
    )


Key = tuple[str, str, int]
Sampling = Callable[[sa.RowMapping], Sample]


def _samples(rows: Mapping[Key, sa.RowMapping], sampling: Sampling) -> dict[Key, Sample]:
    return {key: sampling(row) for key, row in rows.items()}


def _share(name: str, of: str) -> Sampling:
    """Of a value that is 0 or 1, the sum of squares is the sum."""
    return lambda row: Sample(row[of], row[name], row[name])


def _growth(row: sa.RowMapping) -> Sample:
    return Sample(row["grown"], row["growth"], row["growth_squares"])


_people = _share("promoted", "people")

SAMPLES: Mapping[str, Sampling] = {
    "promotion": _people,
    "retention": _share("retained", "people"),
    "move": _share("moved", "placed"),
    "salary_grade_change": _share("grade_changes", "grown"),
    "salary_growth_percent": _growth,
}
"""Each outcome and how its sample is read: shares from 0 to 1, and the growth of salaries in percent."""
