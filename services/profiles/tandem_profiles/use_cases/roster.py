"""The roster: a company's people are here as its HR system lists them, and every difference is told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_chassis.errors import Fault, Invalid
from tandem_profiles.domain.roster import Roster, RosterRow, Row, read_roster
from tandem_profiles.domain.roster_changes import Change, Kind, as_person, change_of, circles
from tandem_profiles.domain.sheet_text import SheetText
from tandem_profiles.domain.sign_up_sheets import RowFault
from tandem_profiles.storage import people
from tandem_profiles.use_cases import person_changes
from tandem_profiles.use_cases.sign_up_sheets import known_time_zones

CHUNK = 2_000
CHANGES_SHOWN = 1_000

_FOR_NEWCOMERS: Mapping[str, Any] = {"family_name": "", "time_zone": "UTC", "languages": []}


class RosterHasFaults(Invalid):
    """Something in the roster does not hold, so nothing of it was stored."""

    def __init__(self, faults: Sequence[Fault], *, fault_count: int) -> None:
        super().__init__(
            f"The roster has {fault_count:,} faults; nothing was stored. Correct them and send it again.",
            faults=faults,
            fault_count=fault_count,
        )


@dataclass(frozen=True, slots=True)
class ShownChange:
    """What one row makes different, as the sender is shown it: from what, to what."""

    row: int
    employee_number: str
    kind: Kind
    fields: dict[str, tuple[Any, Any]]


@dataclass(slots=True)
class Difference:
    """What a roster made different, or would make."""

    rows: int
    ignored_columns: tuple[str, ...]
    counts: Counter[Kind] = field(default_factory=Counter)
    unchanged: int = 0
    changes: list[ShownChange] = field(default_factory=list)
    """The first thousand."""
    cut_managers: list[str] = field(default_factory=list)
    """Employee numbers of people in circles of managers, whose manager was left out."""


async def import_roster(
    session: AsyncSession,
    rows: Iterable[Row],
    sheet: SheetText,
    *,
    dry_run: bool,
    cut_circles: bool,
    name_fault: Callable[[RowFault], Fault],
    at: datetime,
) -> Difference:
    """Let everybody be as the roster lists them; who is not listed stays as they are.

    People are recognised by employee number, and somebody without one by e-mail address. With `dry_run` nothing is
    stored. With `cut_circles`, people who manage each other in a circle are taken without their managers; otherwise
    that is a fault. One fault refuses the whole roster; `name_fault` says where the sender finds each.

    Raises:
        RosterHasFaults: with each fault's row, column and reason.
        RosterTooLong
    """
    # Other requests are served meanwhile: a long roster takes seconds.
    roster = await asyncio.to_thread(read_roster, rows, sheet, time_zones=known_time_zones())
    _refuse_faults(roster, name_fault)
    await people.lock_roster(session)
    work = _RosterImport(session, roster, cut_circles=cut_circles, at=at)
    await work.recognise()
    _refuse_faults(roster, name_fault)
    return await work.run(dry_run=dry_run)


def _refuse_faults(roster: Roster, name_fault: Callable[[RowFault], Fault]) -> None:
    if roster.fault_count:
        raise RosterHasFaults([name_fault(fault) for fault in roster.faults], fault_count=roster.fault_count)


class _RosterImport:
    """One roster against the people who are known."""

    def __init__(self, session: AsyncSession, roster: Roster, *, cut_circles: bool, at: datetime) -> None:
        self._session = session
        self._roster = roster
        self._cut_circles = cut_circles
        self._at = at
        self._id_by_number: dict[str, UUID] = {}
        self._number_by_id: dict[UUID, str] = {}
        self._key_by_id: dict[UUID, str] = {}
        self._id_by_key: dict[str, UUID] = {}
        self._manager_of: dict[UUID, UUID | None] = {}
        self._ids: list[UUID] = []
        self._difference = Difference(rows=roster.row_count, ignored_columns=roster.ignored_columns)

    async def recognise(self) -> None:
        """Say who each row is, and note the faults that only show beside everybody who is known."""
        for person_id, number, key, manager_id in await people.identities(self._session):
            self._key_by_id[person_id] = key
            self._id_by_key[key] = person_id
            self._manager_of[person_id] = manager_id
            if number is not None:
                self._id_by_number[number] = person_id
                self._number_by_id[person_id] = number
        self._ids = self._recognise()
        self._resolve_managers(self._ids)

    async def run(self, *, dry_run: bool) -> Difference:
        """Take row by row what differs."""
        if not dry_run:
            await self._free_changing_addresses(self._ids)
        for begin in range(0, len(self._ids), CHUNK):
            end = begin + CHUNK
            await self._take(self._roster.rows[begin:end], self._ids[begin:end], dry_run=dry_run)
        return self._difference

    def _recognise(self) -> list[UUID]:
        """The id of each row's person, new for a newcomer; an address that belongs to somebody else is a fault."""
        listed = {row.employee_number for row in self._roster.rows}
        ids: list[UUID] = []
        for row in self._roster.rows:
            person_id = self._id_by_number.get(row.employee_number)
            owner = self._id_by_key.get(row.email_key)
            if owner is not None and owner != person_id:
                number = self._number_by_id.get(owner)
                if person_id is None and number is None:
                    person_id = owner  # somebody who signed up before HR told of them
                elif number is None or number not in listed:
                    whom = f"employee {number}" if number is not None else "somebody without an employee number"
                    self._roster.refuse(row.row, "email", f"belongs to {whom} already: two people cannot share one")
            if person_id is None:
                person_id = uuid7()
            self._id_by_number[row.employee_number] = person_id
            ids.append(person_id)
        return ids

    def _resolve_managers(self, ids: Sequence[UUID]) -> None:
        if "manager_employee_number" not in self._roster.columns:
            return
        by_id: dict[UUID, RosterRow] = {}
        for row, person_id in zip(self._roster.rows, ids, strict=True):
            by_id[person_id] = row
            number = row.told["manager_employee_number"]
            manager_id = None if number is None else self._id_by_number.get(number)
            if number is not None and manager_id is None:
                self._roster.refuse(row.row, "manager_employee_number", f"“{number}” is nobody's employee number")
            self._manager_of[person_id] = manager_id
        for circle in circles(self._manager_of, ids):
            rows = [by_id[person_id] for person_id in circle if person_id in by_id]
            numbers = ", ".join(row.employee_number for row in rows)
            for row in rows:
                if self._cut_circles:
                    self._manager_of[self._id_by_number[row.employee_number]] = None
                    self._difference.cut_managers.append(row.employee_number)
                else:
                    reason = f"leads back to the person themselves: {numbers} manage each other in a circle"
                    self._roster.refuse(row.row, "manager_employee_number", reason)

    async def _free_changing_addresses(self, ids: Sequence[UUID]) -> None:
        """Addresses may change hands among the listed people, in any order."""
        moving = [
            person_id
            for row, person_id in zip(self._roster.rows, ids, strict=True)
            if self._key_by_id.get(person_id, row.email_key) != row.email_key
        ]
        if moving:
            await people.lock_many(self._session, moving)
            await people.free_email_keys(self._session, moving)

    async def _take(self, rows: Sequence[RosterRow], ids: Sequence[UUID], *, dry_run: bool) -> None:
        known = [person_id for person_id in ids if person_id in self._key_by_id]
        before = await people.lock_many(self._session, known)
        new: list[dict[str, Any]] = []
        changes: dict[UUID, dict[str, Any]] = {}
        for row, person_id in zip(rows, ids, strict=True):
            fields = self._fields(row, person_id)
            person = before.get(person_id)
            if person is None:
                new.append({**_FOR_NEWCOMERS, **fields, "person_id": person_id})
                self._note(row, Change(Kind.JOINS, fields), {})
            elif (change := change_of({**person, "email_key": self._key_by_id[person_id]}, fields)) is not None:
                changes[person_id] = {**change.fields, "email_key": row.email_key}
                self._note(row, change, person)
            else:
                self._difference.unchanged += 1
        if not dry_run:
            await person_changes.register(self._session, new, at=self._at)
            await person_changes.change(self._session, before, changes, at=self._at)

    def _fields(self, row: RosterRow, person_id: UUID) -> dict[str, Any]:
        fields = as_person(row.told, today=self._at.date())
        if "manager_employee_number" in self._roster.columns:
            fields["manager_id"] = self._manager_of[person_id]
        return {**fields, "employee_number": row.employee_number, "email_key": row.email_key}

    def _note(self, row: RosterRow, change: Change, person: Mapping[str, Any]) -> None:
        self._difference.counts[change.kind] += 1
        if len(self._difference.changes) < CHANGES_SHOWN:
            shown = {name: (person.get(name), value) for name, value in change.fields.items() if name != "email_key"}
            self._difference.changes.append(ShownChange(row.row, row.employee_number, change.kind, shown))
