"""Enrollments: who takes part in a program, as what, with how many places."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tandem_events.contracts.contract import Code, Fact, Places, Term
from tandem_events.contracts.people import SkillLevel

Role = Literal["mentor", "mentee"]


class Preference(BaseModel):
    """Something wished of the other side, such as another unit, or the same language."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    attribute: Code = Field(description="What is compared, such as `unit`, `location`, `languages`, `level`.")
    wish: Literal["same", "different", "higher", "is", "is_not"]
    value: Term | None = Field(default=None, description="With `is` and `is_not`: what is wished, or not.")
    must: bool = Field(default=False, description="Whether nobody else will do; otherwise it is nice to have.")


class EnrollmentSubmitted(Fact, name="enrollment.submitted", sender="profiles", subject="enrollment_id"):
    """A person applied to take part in a program."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    roles: tuple[Role, ...]
    mentor_places: Places = Field(default=0, description="How many mentees this person would take as a mentor.")
    wanted_mentors: Places = Field(default=0, description="How many mentors this person wants as a mentee.")
    needs: tuple[SkillLevel, ...] = Field(default=(), description="Skills wanted, at the level wanted.")
    preferences: tuple[Preference, ...] = Field(default=(), description="What the other side should be like.")


class EnrollmentApproved(Fact, name="enrollment.approved", sender="profiles", subject="enrollment_id"):
    """A person takes part: matching may pair them."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    roles: tuple[Role, ...]
    mentor_places: Places = Field(default=0, description="How many mentees this person takes as a mentor.")
    wanted_mentors: Places = Field(default=0, description="How many mentors this person wants as a mentee.")
    needs: tuple[SkillLevel, ...] = Field(default=(), description="Skills wanted, at the level wanted.")
    preferences: tuple[Preference, ...] = Field(default=(), description="What the other side should be like.")
    preferred_ids: tuple[UUID, ...] = Field(default=(), description="People hoped for, the most hoped for first.")
    excluded_ids: tuple[UUID, ...] = Field(default=(), description="People with whom this person is never paired.")


class EnrollmentWithdrawn(Fact, name="enrollment.withdrawn", sender="profiles", subject="enrollment_id"):
    """A person no longer takes part in a program."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    reason: Code


class EnrollmentDeclined(Fact, name="enrollment.declined", sender="profiles", subject="enrollment_id"):
    """A person who applied does not take part."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    reason: Code


class EnrollmentWaitlisted(Fact, name="enrollment.waitlisted", sender="profiles", subject="enrollment_id"):
    """A person who applied takes part as soon as there is room."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    reason: Code


class EnrollmentPaused(Fact, name="enrollment.paused", sender="profiles", subject="enrollment_id"):
    """A person who takes part is not to be given anybody new for now; what they have goes on."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    reason: Code
    until: date | None = None


class EnrollmentResumed(Fact, name="enrollment.resumed", sender="profiles", subject="enrollment_id"):
    """A person who paused may be paired again."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
