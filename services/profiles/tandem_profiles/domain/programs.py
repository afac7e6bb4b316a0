"""Programs: their formats, and the steps of their lives."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

from tandem_chassis.errors import Conflict, Fault, Invalid, NotFound


class Status(StrEnum):
    """Where a program is in its life."""

    DRAFT = "draft"
    OPEN = "open"
    RUNNING = "running"
    CLOSED = "closed"
    ARCHIVED = "archived"


NEXT_STEPS: Mapping[Status, tuple[Status, ...]] = {
    Status.DRAFT: (Status.OPEN, Status.RUNNING, Status.ARCHIVED),
    Status.OPEN: (Status.RUNNING, Status.CLOSED),
    Status.RUNNING: (Status.CLOSED,),
    Status.CLOSED: (Status.ARCHIVED,),
    Status.ARCHIVED: (),
}
"""What may follow. A draft may run at once: its people came on sheets, and nobody had to apply."""

TAKES_PEOPLE = frozenset({Status.DRAFT, Status.OPEN, Status.RUNNING})
"""While a program is in one of these, its managers may bring people in."""


class NoSuchProgram(NotFound):
    """No program has this id, or the caller may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no such program.")


class StepNotPossible(Conflict):
    """A program cannot go from where it is to where it should."""

    def __init__(self, status: Status, wanted: Status) -> None:
        possible = " or ".join(NEXT_STEPS[status]) or "nothing"
        super().__init__(
            f"The program is {status}; what can follow is {possible}, not {wanted}.", status_of_program=status.value
        )


class ManagersUnknown(Invalid):
    """Somebody was to manage a program who is not known here."""

    def __init__(self, unknown: Iterable[UUID]) -> None:
        super().__init__(
            "Only people who are known here can manage a program; bring them in with the roster first.",
            faults=[Fault(f"{one} is nobody", field="manager_ids") for one in unknown],
        )


class TakesNobody(Conflict):
    """The program is over: nobody can be brought in any more."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"The program is {status} and takes nobody any more. Copy it to run it again.")


class NotOpen(Conflict):
    """The program takes no applications now."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The program takes no applications: {why}.")


class OverBeforeItBegins(Conflict):
    """The program's days are over before it could open or run."""

    def __init__(self, what: str, day: date) -> None:
        super().__init__(f"{what} was {day.isoformat()}. Set a later day first.")


class PutAway(Conflict):
    """A program in the archive was to be changed."""

    def __init__(self) -> None:
        super().__init__("The program is archived and stays as it was. Copy it to run it again.")


class FormatIsFixed(Conflict):
    """The format of a program that opened was to be changed."""

    def __init__(self) -> None:
        super().__init__("People joined this program for its format. Copy the program to run it in another.")


def require_takes_applications(status: Status, *, opens_on: date | None, closes_on: date | None, today: date) -> None:
    """Let people apply by themselves.

    Raises:
        NotOpen: it is not open, not yet, or no longer.
    """
    if status is not Status.OPEN:
        raise NotOpen(f"it is {status}")
    if opens_on is not None and today < opens_on:
        raise NotOpen(f"it opens on {opens_on.isoformat()}")
    if closes_on is not None and today > closes_on:
        raise NotOpen(f"it closed on {closes_on.isoformat()}")


def require_time_left(wanted: Status, *, closes_on: date | None, ends_on: date | None, today: date) -> None:
    """Let a program open or run.

    Raises:
        OverBeforeItBegins: its last day to apply, or its end, has passed.
    """
    if wanted is Status.OPEN and closes_on is not None and closes_on < today:
        raise OverBeforeItBegins("The last day to apply", closes_on)
    if wanted in (Status.OPEN, Status.RUNNING) and ends_on is not None and ends_on < today:
        raise OverBeforeItBegins("The program's last day", ends_on)


def require_step(status: Status, wanted: Status) -> None:
    """Let a program go on.

    Raises:
        StepNotPossible: the step does not follow.
    """
    if wanted not in NEXT_STEPS[status]:
        raise StepNotPossible(status, wanted)


def require_takes_people(status: Status) -> None:
    """Let people be brought in.

    Raises:
        TakesNobody: the program is over.
    """
    if status not in TAKES_PEOPLE:
        raise TakesNobody(status)
