"""Sign-up sheets: everybody on an organiser's sheet is known, and takes part in the program."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.errors import Fault, Invalid
from tandem_events import outbox
from tandem_events.contracts import EnrollmentApproved, EnrollmentSubmitted, EnrollmentWaitlisted, Event
from tandem_profiles.domain import enrollments as enrollment_rules
from tandem_profiles.domain import people as people_rules
from tandem_profiles.domain.enrollments import FULL, Status
from tandem_profiles.domain.programs import NoSuchProgram, require_takes_people
from tandem_profiles.domain.programs import Status as ProgramStatus
from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sheet_mapping import CONFIDENTIAL, SheetMapping
from tandem_profiles.domain.sign_up_sheets import FAULTS_SHOWN, Sheet, read_sheet
from tandem_profiles.domain.sign_ups import SignUp
from tandem_profiles.storage import enrollments, people, programs
from tandem_profiles.storage.programs import Program
from tandem_profiles.use_cases import person_changes

CHUNK = 2_000
"""So many people are stored at a time: what one statement carries stays small, whatever the sheet's length."""


class SheetHasFaults(Invalid):
    """Some rows of the sheet do not hold, so none was stored."""

    def __init__(self, faults: Sequence[Fault], *, fault_count: int) -> None:
        super().__init__(
            f"The sheet has {fault_count:,} faults; nothing was stored. Correct them, or send it with partial=true "
            "to take the good rows.",
            faults=faults,
            fault_count=fault_count,
        )


@dataclass(slots=True)
class Imported:
    """What came of a sheet."""

    rows: int
    accepted: int
    people_registered: int = 0
    people_updated: int = 0
    enrollments_approved: int = 0
    enrollments_waitlisted: int = 0
    """People for whom there was no room: they take part as soon as there is."""
    still_out: int = 0
    """People who withdrew, were declined, or paused: a sheet does not bring them back."""
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0


@lru_cache(maxsize=1)
def known_time_zones() -> frozenset[str]:
    """Every time zone there is; finding them out reads the whole database of zones."""
    return frozenset(available_timezones())


async def import_sheet(
    session: AsyncSession,
    program_id: UUID,
    content: bytes,
    *,
    role: Role,
    encoding: str | None,
    size_limit_bytes: int,
    partial: bool,
    at: datetime,
) -> Imported:
    """Register whom the sheet names, and approve their enrollments. The same sheet again changes and says nothing.

    With `partial`, rows with faults are left out; otherwise one fault refuses the whole sheet.

    Raises:
        NoSuchProgram, TakesNobody, RoleNotMapped, RegisteredMeanwhile
        SheetHasFaults: with each fault's row, column and reason.
        SheetTooLarge, SheetIsWorkbook, SheetEncodingUnknown, SheetUnreadable: see `read_sheet`.
    """
    program = await programs.find(session, program_id)
    if program is None:
        raise NoSuchProgram
    require_takes_people(ProgramStatus(program.status))
    mapping = SheetMapping.from_document(program.sign_up_mapping)
    # Other requests are served meanwhile: a long sheet takes seconds.
    sheet = await asyncio.to_thread(
        read_sheet,
        content,
        mapping,
        role,
        encoding=encoding,
        time_zones=known_time_zones(),
        size_limit_bytes=size_limit_bytes,
    )
    # The roster before the program, as whoever erases or merges people locks them.
    await people.lock_roster(session)
    program = await programs.find_for_enrolling(session, program_id, counting=True)
    if program is None:
        raise NoSuchProgram
    require_takes_people(ProgramStatus(program.status))
    room = None
    if program.capacity is not None:
        room = max(0, program.capacity - await enrollments.approved_count(session, program_id))
    return await _Import(session, program, mapping, sheet, room=room, partial=partial, at=at).run()


class _Import:
    """One sheet on its way into the tables, chunk by chunk."""

    def __init__(
        self,
        session: AsyncSession,
        program: Program,
        mapping: SheetMapping,
        sheet: Sheet,
        *,
        room: int | None,
        partial: bool,
        at: datetime,
    ) -> None:
        self._session = session
        self._program_id = program.program_id
        self._most = {"mentor_places": program.most_mentees, "wanted_mentors": program.most_mentors}
        self._room = room
        self._sheet = sheet
        self._partial = partial
        self._at = at
        fields = [column.field for column in mapping.part(sheet.role).columns]
        self._asked = frozenset(fields)
        self._questions = frozenset(
            field.removeprefix(CONFIDENTIAL) for field in fields if field.startswith(CONFIDENTIAL)
        )
        self._heading_of = {column.field: column.heading for column in mapping.part(sheet.role).columns}
        self._faults = [Fault(fault.reason, row=fault.row, column=fault.column) for fault in sheet.faults]
        self._fault_count = sheet.fault_count
        self._imported = Imported(rows=sheet.row_count, accepted=len(sheet.sign_ups))

    async def run(self) -> Imported:
        if self._fault_count and not self._partial:
            raise SheetHasFaults(self._faults, fault_count=self._fault_count)
        fitting = [sign_up for sign_up in self._sheet.sign_ups if self._fits_the_policies(sign_up)]
        for sign_ups in _chunks(fitting):
            await self._take(sign_ups)
        if self._fault_count and not self._partial:
            raise SheetHasFaults(self._faults, fault_count=self._fault_count)
        self._imported.faults = tuple(sorted(self._faults, key=lambda fault: fault.row or 0))
        self._imported.fault_count = self._fault_count
        return self._imported

    async def _take(self, sign_ups: Sequence[SignUp]) -> None:
        known = await people.lock_by_email(self._session, [sign_up.email_key for sign_up in sign_ups])
        present = [sign_up for sign_up in sign_ups if not self._has_left(sign_up, known.get(sign_up.email_key))]
        ids = {s.email_key: known[s.email_key]["person_id"] if s.email_key in known else uuid7() for s in present}
        begun = await enrollments.lock_of_people(
            self._session, self._program_id, [ids[key] for key in ids if key in known]
        )
        new_people = [
            {
                "person_id": ids[sign_up.email_key],
                **people_rules.first_known(sign_up),
            }
            for sign_up in present
            if sign_up.email_key not in known
        ]
        changed_people = {
            ids[sign_up.email_key]: changes
            for sign_up in present
            if sign_up.email_key in known
            and (changes := people_rules.changes_by(sign_up, known[sign_up.email_key], asked=self._asked))
        }
        new, changed = self._enrollments_by(present, ids, begun)
        # What matching may use of somebody is told with their state, so new answers make a new version of the person.
        answered = {row["person_id"] for row in new if row["confidential_answers"]} | {
            begun_id for begun_id, changes in changed.items() if "confidential_answers" in changes
        }
        registered = {row["person_id"] for row in new_people}
        touched = {
            person_id: changed_people.get(person_id, {}) for person_id in (*changed_people, *answered - registered)
        }
        # People are told of once their enrollments are stored too: their answers are told with them.
        await people.register_many(self._session, person_changes.as_registered(new_people, at=self._at))
        await enrollments.begin_many(self._session, new)
        await enrollments.change_many(
            self._session,
            {begun[person_id]["enrollment_id"]: fields for person_id, fields in changed.items()},
            at=self._at,
        )
        await person_changes.tell_registered(self._session, new_people, at=self._at)
        await person_changes.change(
            self._session, {person["person_id"]: person for person in known.values()}, touched, at=self._at
        )
        await self._tell(new, [{**begun[i], **fields} for i, fields in changed.items()])
        self._imported.people_registered += len(new_people)
        self._imported.people_updated += len(changed_people)

    def _has_left(self, sign_up: SignUp, person: Mapping[str, Any] | None) -> bool:
        if person is None or person["departed_on"] is None:
            return False
        left_on = person["departed_on"].isoformat()
        self._fault_count += 1
        self._imported.accepted -= 1
        if len(self._faults) < FAULTS_SHOWN:
            reason = f"belongs to somebody who left on {left_on}: take the row out, or register their return"
            self._faults.append(Fault(reason, row=sign_up.row, column=self._heading_of["email"]))
        return True

    def _fits_the_policies(self, sign_up: SignUp) -> bool:
        """Whether somebody takes and wants no more than the program allows; otherwise that is the row's fault."""
        too_many = [name for name, most in self._most.items() if most is not None and getattr(sign_up, name) > most]
        for name in too_many:
            self._fault_count += 1
            if len(self._faults) < FAULTS_SHOWN:
                reason = f"is more than the {self._most[name]} that the program allows"
                column = self._heading_of.get(name)
                self._faults.append(Fault(reason if column else f"{name} {reason}", row=sign_up.row, column=column))
        self._imported.accepted -= bool(too_many)
        return not too_many

    def _place(self) -> dict[str, Any]:
        """What becomes of the next who wants a place: approved while there is room, else they wait for it."""
        if self._room is None:
            return {"status": Status.APPROVED, "reason": None}
        self._room -= 1
        if self._room >= 0:
            return {"status": Status.APPROVED, "reason": None}
        return {"status": Status.WAITLISTED, "reason": FULL}

    def _enrollments_by(
        self, sign_ups: Sequence[SignUp], ids: Mapping[str, UUID], begun: Mapping[UUID, Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], dict[UUID, dict[str, Any]]]:
        """New enrollments, and by person what changes of those that were there."""
        new: list[dict[str, Any]] = []
        changed: dict[UUID, dict[str, Any]] = {}
        for sign_up in sign_ups:
            person_id = ids[sign_up.email_key]
            enrollment = begun.get(person_id)
            if enrollment is None:
                new.append(
                    {
                        "enrollment_id": uuid7(),
                        "version": 1,
                        "program_id": self._program_id,
                        "person_id": person_id,
                        **self._place(),
                        "submitted_at": self._at,
                        "changed_at": self._at,
                        **enrollment_rules.begun_by(sign_up),
                    }
                )
                continue
            if enrollment["status"] in (Status.WITHDRAWN, Status.DECLINED, Status.PAUSED):
                self._imported.still_out += 1
                continue
            changes = enrollment_rules.changes_by(sign_up, enrollment, questions=self._questions)
            if enrollment["status"] != Status.APPROVED:
                place = self._place()
                changes |= {name: value for name, value in place.items() if enrollment[name] != value}
            if changes:
                changed[person_id] = changes
        return new, changed

    async def _tell(self, new: Sequence[Mapping[str, Any]], changed: Sequence[Mapping[str, Any]]) -> None:
        facts: list[tuple[Event, int]] = []
        for row in new:
            facts.append((EnrollmentSubmitted.model_validate({**row, "occurred_at": self._at}), 1))
            facts.append((self._fact(row), 1))
        facts.extend((self._fact(row), row["version"] + 1) for row in changed)
        await outbox.add_many(self._session, facts)
        waiting = sum(row["status"] == Status.WAITLISTED for row in (*new, *changed))
        self._imported.enrollments_waitlisted += waiting
        self._imported.enrollments_approved += len(new) + len(changed) - waiting

    def _fact(self, row: Mapping[str, Any]) -> Event:
        told = EnrollmentApproved if row["status"] == Status.APPROVED else EnrollmentWaitlisted
        return told.model_validate({**row, "occurred_at": self._at})


def _chunks(sign_ups: Sequence[SignUp]) -> Iterator[Sequence[SignUp]]:
    for begin in range(0, len(sign_ups), CHUNK):
        yield sign_ups[begin : begin + CHUNK]
