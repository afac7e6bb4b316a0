"""Reports: counting over a program, or over all of them, and showing what may be shown."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_chassis.errors import Fault, Invalid
from tandem_feedback.domain import feedback as rules
from tandem_feedback.domain import reports
from tandem_feedback.domain.practices import PRACTICES
from tandem_feedback.domain.reports import NOTHING, UNKNOWN, Cell, Numbers, Report
from tandem_feedback.storage import participations, people, programs, satisfaction
from tandem_feedback.storage.satisfaction import Rating
from tandem_feedback.use_cases.programs import managed

DIMENSIONS = ("unit", "level", "cohort")
RATINGS_AT_ONCE = 20_000

Key = tuple[str | None, str | None, int | None, datetime | None]


class InvitedUnknown(Invalid):
    """Somebody who is said to be invited is not known."""


@dataclass(frozen=True, slots=True)
class WholeReport:
    """A report, how satisfied people are (how many ratings from 1 to 5, and their sum), and when that was so."""

    report: Report | None
    ratings: int
    total: int
    as_of: datetime

    @property
    def mean_rating(self) -> float | None:
        """The mean rating, where there are some."""
        return self.total / self.ratings if self.ratings else None


async def enroll(
    session: AsyncSession, step: str, *, program_id: UUID, person_ids: Sequence[UUID], at: datetime
) -> None:
    """People reached a step in a program."""
    await participations.reach(session, step, program_id=program_id, person_ids=person_ids, at=at)


async def invite(
    session: AsyncSession, caller: Caller, program_id: UUID, person_ids: Sequence[UUID], *, now: datetime
) -> None:
    """Note whom a program invited, so that its report can say how many came. Noting somebody again changes nothing.

    Raises:
        NotYourProgram, NoSuchProgram: the caller does not manage such a program.
        InvitedUnknown: somebody is not known; nobody is noted.
    """
    await managed(session, caller, program_id)
    unknown = await people.unknown_of(session, set(person_ids))
    if unknown:
        faults = [
            Fault("nobody with this id is known", f"person_ids[{place}]")
            for place, person_id in enumerate(person_ids)
            if person_id in unknown
        ]
        raise InvitedUnknown("Nobody was noted as invited. Take out, or register, who is not known.", faults=faults)
    await participations.reach(session, "invited", program_id=program_id, person_ids=person_ids, at=now)


async def program_report(session: AsyncSession, caller: Caller, program_id: UUID, *, now: datetime) -> WholeReport:
    """The report of a program, for its managers; without numbers where it has fewer than five people.

    Raises:
        NotYourProgram, NoSuchProgram: the caller does not manage such a program.
    """
    await managed(session, caller, program_id)
    counted = await count_program(session, program_id, now=now)
    return counted if counted.report is not None else WholeReport(None, 0, 0, now)


async def every_program(session: AsyncSession) -> list[UUID]:
    """The programs of the enterprise."""
    return await programs.all_ids(session)


async def count_program(session: AsyncSession, program_id: UUID, *, now: datetime) -> WholeReport:
    """What may be shown of a program."""
    await participations.expect_few_rows(session)
    report = await _report(session, program_id, now=now)
    rated = await satisfaction.satisfaction_of(session, [program_id])
    ratings, total = rated.get(program_id, (0, 0))
    return WholeReport(report, ratings, total, now)


async def enterprise_report(
    session: AsyncSession, counted: Mapping[UUID, WholeReport] | None, *, now: datetime
) -> WholeReport:
    """The report over all programs: the sum of what may be shown of each, without those of fewer than five people.

    Programs are added up as they were counted last, which the service does by itself every few minutes; where that was
    not done yet, they are counted now. The moment is that of the program that was counted first.
    """
    if counted is None:
        ids = await every_program(session)
        counted = {program_id: await count_program(session, program_id, now=now) for program_id in ids}
    every = list(counted.values())
    shown = [one for one in every if one.report is not None]
    # Beside the loop, since adding up hundreds of programs takes long enough for others to notice.
    report = await asyncio.to_thread(reports.enterprise_report, [one.report for one in every], DIMENSIONS)
    return WholeReport(
        report,
        sum(one.ratings for one in shown),
        sum(one.total for one in shown),
        min((one.as_of for one in every), default=now),
    )


async def count_ratings(session: AsyncSession, *, now: datetime) -> int:
    """Count ratings that can no longer be edited into satisfaction; how many.

    Five people at a time, those by name and the anonymous ones each by themselves: managers read the former with their
    authors, so that four of them beside an anonymous one would tell it. Anonymous ones are cut into the groups in which
    they are shown one by one, so that nothing lies between what is shown and what is counted.
    """
    waiting = await satisfaction.waiting_ratings(
        session,
        submitted_before=now - rules.TIME_TO_EDIT,
        people=rules.ANONYMITY_GROUP,
        limit=RATINGS_AT_ONCE,
    )
    found: defaultdict[tuple[UUID, bool], list[Rating]] = defaultdict(list)
    for rating in waiting or ():
        found[rating.program_id, rating.anonymous].append(rating)
    counted = [released for ratings in found.values() if (released := rules.released(ratings))]
    for ratings in counted:
        await satisfaction.count(session, ratings)
    return sum(map(len, counted))


async def _report(session: AsyncSession, program_id: UUID, *, now: datetime) -> Report | None:
    people = {_key(row): row for row in await participations.count_people(session, program_id)}
    pairs = {_key(row): row for row in await participations.count_pairs(session, program_id, now=now)}
    cells = [
        Cell(dict(zip(DIMENSIONS, _names(key), strict=True)), _numbers(people.get(key), pairs.get(key)))
        for key in people.keys() | pairs.keys()
    ]
    # Beside the loop, since cutting a large program into blocks takes long enough for others to notice.
    return await asyncio.to_thread(reports.report_of, cells, DIMENSIONS)


def _key(row: sa.RowMapping) -> Key:
    return row["unit"], row["level_name"], row["level"], row["cohort"]


def _names(key: Key) -> tuple[str, str, str]:
    unit, level_name, level, cohort = key
    return (
        unit or UNKNOWN,
        level_name or (UNKNOWN if level is None else str(level)),
        UNKNOWN if cohort is None else f"{cohort.year}-Q{1 + cohort.month // 3}",
    )


def _numbers(people: sa.RowMapping | None, pairs: sa.RowMapping | None) -> Numbers:
    furthest = tuple(people["furthest"]) if people else NOTHING.furthest
    timed, matched_days = (people["timed"], people["matched_days"]) if people else (0, 0.0)
    if pairs is None:
        return Numbers(furthest, timed, matched_days)
    return Numbers(
        furthest,
        timed,
        matched_days,
        pairs["pairs"],
        pairs["sessions"],
        pairs["cadence"],
        pairs["asked"],
        pairs["answered"],
        tuple(pairs["bands"]),
        (pairs["pairs"],) * len(PRACTICES),
        tuple(pairs["practices"]),
    )
