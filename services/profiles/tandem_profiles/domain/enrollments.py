"""Enrollments: who takes part in a program as what, and how a sign-up adds to an enrollment that exists."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from tandem_chassis.errors import Conflict, Fault, Invalid, NotFound
from tandem_profiles.domain.questions import answers_with_person_replaced
from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sign_ups import SignUp

DEPARTED = "departed"
"""The reason for which an enrollment ends when its person leaves the company."""

FULL = "program_full"
"""The reason for which an enrollment waits until there is room."""


class Status(StrEnum):
    """Where an enrollment is."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    PAUSED = "paused"
    DECLINED = "declined"
    WAITLISTED = "waitlisted"
    WITHDRAWN = "withdrawn"


TAKES_PART = frozenset({Status.SUBMITTED, Status.WAITLISTED, Status.APPROVED, Status.PAUSED})
"""Somebody who takes part, or may yet."""

NEXT_STEPS: Mapping[Status, tuple[Status, ...]] = {
    Status.SUBMITTED: (Status.APPROVED, Status.DECLINED, Status.WAITLISTED, Status.WITHDRAWN),
    Status.WAITLISTED: (Status.APPROVED, Status.DECLINED, Status.WITHDRAWN),
    Status.APPROVED: (Status.PAUSED, Status.WITHDRAWN),
    Status.PAUSED: (Status.APPROVED, Status.WITHDRAWN),
    Status.DECLINED: (Status.SUBMITTED,),
    Status.WITHDRAWN: (Status.SUBMITTED,),
}
"""What may follow. Whoever was declined or withdrew may apply again."""


class Decision(StrEnum):
    """What is decided about an enrollment."""

    APPROVE = "approve"
    DECLINE = "decline"
    WAITLIST = "waitlist"
    WITHDRAW = "withdraw"
    PAUSE = "pause"
    RESUME = "resume"

    @property
    def leads_to(self) -> Status:
        """Where an enrollment is once this was decided."""
        return _LEADS_TO[self]


_LEADS_TO: Mapping[Decision, Status] = {
    Decision.APPROVE: Status.APPROVED,
    Decision.DECLINE: Status.DECLINED,
    Decision.WAITLIST: Status.WAITLISTED,
    Decision.WITHDRAW: Status.WITHDRAWN,
    Decision.PAUSE: Status.PAUSED,
    Decision.RESUME: Status.APPROVED,
}

PAUSE_REASONS = frozenset({"stretched_thin", "on_leave", "other"})


class NoSuchEnrollment(NotFound):
    """No enrollment has this id, or the caller may not know of it."""

    def __init__(self) -> None:
        super().__init__("There is no such enrollment.")


class EnrolledAlready(Conflict):
    """Somebody applied who takes part, or applied, already."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"You are in this program already: {status}. Change that enrollment instead.")


class StepNotPossible(Conflict):
    """An enrollment cannot go from where it is to where it should."""

    def __init__(self, status: Status, wanted: Status) -> None:
        possible = " or ".join(NEXT_STEPS[status])
        super().__init__(f"The enrollment is {status}; what can follow is {possible}, not {wanted}.")


class NotPaused(Conflict):
    """An enrollment that is not paused was to be resumed. Approving it is for managers."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"The enrollment is {status} and not paused: there is nothing to resume.")


class PauseMalformed(Invalid):
    """A pause for a reason that is not counted, or until a day that is no longer ahead."""

    def __init__(self, reason: str, *, field: str) -> None:
        super().__init__(f"The pause does not fit: {field} {reason}.", faults=[Fault(reason, field=field)])


class NotInAudience(Conflict):
    """The program is for others."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This program is for others: {why}. Ask its managers if you think that you belong in it.")


class NotAnEnrollment(Invalid):
    """What somebody applies with does not fit the program. `faults` names all of it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("This does not fit the program; look at each fault.", faults=faults)


def require_step(status: Status, wanted: Status) -> None:
    """Let an enrollment go on.

    Raises:
        StepNotPossible: the step does not follow.
    """
    if wanted not in NEXT_STEPS[status]:
        raise StepNotPossible(status, wanted)


def require_decision(status: Status, decision: Decision) -> None:
    """Let an enrollment go on as decided. Somebody paused is resumed, and nobody else: only managers approve.

    Raises:
        StepNotPossible, NotPaused
    """
    if decision is Decision.RESUME and status is not Status.PAUSED:
        raise NotPaused(status)
    if decision is Decision.APPROVE and status is Status.PAUSED:
        raise StepNotPossible(status, Status.APPROVED)
    require_step(status, decision.leads_to)


def require_pause(reason: str | None, until: date | None, *, today: date) -> None:
    """Let somebody pause for a reason that can be counted, until a day that is ahead, or until they resume.

    Raises:
        PauseMalformed
    """
    if reason not in PAUSE_REASONS:
        raise PauseMalformed(f"must be one of {', '.join(sorted(PAUSE_REASONS))}", field="reason")
    if until is not None and until <= today:
        raise PauseMalformed("must lie ahead", field="until")


def require_in_audience(person: Mapping[str, Any], audience: Mapping[str, Any]) -> None:
    """Let somebody apply.

    Raises:
        NotInAudience: another unit, place or level than the program is for.
    """
    for name, field in (("units", "unit"), ("locations", "location")):
        wanted = audience.get(name) or []
        if wanted and person[field] not in wanted:
            raise NotInAudience(f"for people of {', '.join(wanted)}")
    level, lowest, highest = person["level"], audience.get("lowest_level"), audience.get("highest_level")
    if lowest is not None and (level is None or level < lowest):
        raise NotInAudience(f"for people from level {lowest} on")
    if highest is not None and (level is None or level > highest):
        raise NotInAudience(f"for people up to level {highest}")


def policy_faults(form: Mapping[str, Any], *, most_mentees: int | None, most_mentors: int | None) -> list[Fault]:
    """What is wrong with the places and wishes of an enrollment."""
    faults: list[Fault] = []
    for role, field, most in (
        (Role.MENTOR, "mentor_places", most_mentees),
        (Role.MENTEE, "wanted_mentors", most_mentors),
    ):
        given = form[field]
        if role in form["roles"] and given < 1:
            faults.append(Fault(f"must be at least 1 for a {role}", field=field))
        if role not in form["roles"] and given:
            faults.append(Fault(f"is only for a {role}", field=field))
        if most is not None and given > most:
            faults.append(Fault(f"is more than the {most} that the program allows", field=field))
    if both := set(form["preferred_ids"]) & set(form["excluded_ids"]):
        faults.append(Fault(f"names {len(both)} who are preferred as well", field="excluded_ids"))
    return faults


def with_person_replaced(
    enrollment: Mapping[str, Any], person_id: UUID, *, by: UUID | None, questions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Whom an enrollment names once one of them is known as another, or as nobody: the fields that hold it.

    Of those preferred and excluded, exclusion is stronger. Answers count as far as the questions ask for people.
    """
    changed: dict[str, Any] = {}
    for name in ("preferred_ids", "excluded_ids"):
        renamed = [by if one == person_id else one for one in enrollment[name]]
        changed[name] = list(dict.fromkeys(one for one in renamed if one is not None))
    changed["preferred_ids"] = [one for one in changed["preferred_ids"] if one not in changed["excluded_ids"]]
    answers = answers_with_person_replaced(questions, enrollment["answers"], person_id, by=by)
    for name in ("answers", "confidential_answers"):
        left = {key: answers.get(key, answer) for key, answer in enrollment[name].items()}
        changed[name] = {key: answer for key, answer in left.items() if answer or key not in answers}
    return changed


def in_order(roles: Iterable[str]) -> list[str]:
    """Roles, each once, in the order in which they are always written."""
    given = set(roles)
    return [role.value for role in Role if role.value in given]


def begun_by(sign_up: SignUp) -> dict[str, Any]:
    """The enrollment that a sign-up begins."""
    return {
        "roles": in_order(sign_up.roles),
        "mentor_places": sign_up.mentor_places,
        "wanted_mentors": sign_up.wanted_mentors,
        "confidential_answers": as_stored(sign_up.confidential_answers),
    }


def changes_by(sign_up: SignUp, enrollment: Mapping[str, Any], *, questions: Collection[str]) -> dict[str, Any]:
    """What a sign-up changes of an enrollment.

    Somebody may be on the mentors' and on the mentees' sheet: the second adds a role and takes none away. `questions`
    are the confidential questions of this sheet; answers to those of the other stay.
    """
    kept = {name: answer for name, answer in enrollment["confidential_answers"].items() if name not in questions}
    told: dict[str, Any] = {
        "roles": in_order([*enrollment["roles"], *sign_up.roles]),
        "confidential_answers": kept | as_stored(sign_up.confidential_answers),
    }
    if Role.MENTOR in sign_up.roles:
        told["mentor_places"] = sign_up.mentor_places
    if Role.MENTEE in sign_up.roles:
        told["wanted_mentors"] = sign_up.wanted_mentors
    return {field: value for field, value in told.items() if enrollment[field] != value}


def as_stored(answers: Mapping[str, tuple[str, ...] | bool | str]) -> dict[str, list[str] | bool | str]:
    """Answers as JSON keeps them."""
    return {name: list(answer) if isinstance(answer, tuple) else answer for name, answer in answers.items()}
