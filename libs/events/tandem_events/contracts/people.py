"""People: who they are. Personal data travels in `PersonState` only."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tandem_events.contracts.contract import CONFIDENTIAL, PERSONAL, Code, Fact, State, Term


class PersonRegistered(Fact, name="person.registered", sender="profiles", subject="person_id"):
    """A person is known to the platform for the first time."""

    person_id: UUID


class PersonDeparted(Fact, name="person.departed", sender="profiles", subject="person_id"):
    """A person left the company: their relationships end, their places are free."""

    person_id: UUID
    left_on: date = Field(description="The last day, as the company counts days.")


class PersonUpdated(Fact, name="person.updated", sender="profiles", subject="person_id"):
    """What is known of a person changed. What it is now stands in `PersonState`."""

    person_id: UUID
    fields: tuple[Code, ...] = Field(description="The names of what changed, such as `unit` or `manager_id`.")


class PersonReturned(Fact, name="person.returned", sender="profiles", subject="person_id"):
    """A person who had left is with the company again. What ended with their departure does not begin again."""

    person_id: UUID


class PersonMerged(Fact, name="person.merged", sender="profiles", subject="person_id"):
    """Two records were the same person: whatever names the duplicate means the one that stays."""

    person_id: UUID = Field(description="The record that stays.")
    duplicate_id: UUID = Field(description="The record that is no more.")


class PersonErased(Fact, name="person.erased", sender="profiles", subject="person_id"):
    """A person's data is to be erased everywhere: each service erases its own and confirms it."""

    person_id: UUID


class SkillLevel(BaseModel):
    """A skill at a level from 1 (aware) to 5 (expert)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    skill: Term
    level: int = Field(ge=1, le=5)


class Station(BaseModel):
    """A station of somebody's working life, as they show it to those who look for a mentor."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str = Field(json_schema_extra=PERSONAL)
    organisation: str | None = Field(default=None, json_schema_extra=PERSONAL)
    from_year: int = Field(json_schema_extra=PERSONAL)
    until_year: int | None = Field(default=None, json_schema_extra=PERSONAL)


class PersonState(State, name="person.state", sender="profiles", topic="tandem.people", subject="person_id"):
    """Who a person is now. Gone (null) when the person was erased."""

    person_id: UUID
    given_name: str = Field(json_schema_extra=PERSONAL)
    family_name: str = Field(json_schema_extra=PERSONAL)
    email: str = Field(json_schema_extra=PERSONAL)
    job_title: str | None = Field(default=None, json_schema_extra=PERSONAL)
    level: int | None = Field(default=None, description="Rank of the job level, 1 is the lowest.")
    level_name: str | None = None
    unit: str | None = None
    profession: str | None = None
    manager_id: UUID | None = None
    location: str | None = Field(default=None, json_schema_extra=PERSONAL)
    time_zone: Code = Field(default="UTC", description="IANA name.")
    languages: tuple[Code, ...] = Field(default=(), description="BCP 47 tags.")
    biography: str | None = Field(default=None, json_schema_extra=PERSONAL)
    history: tuple[Station, ...] = Field(default=(), json_schema_extra=PERSONAL)
    skills_offered: tuple[SkillLevel, ...] = ()
    delegate_id: UUID | None = Field(default=None, description="Who keeps this person's calendar.")
    departed_on: date | None = None
    confidential_answers: dict[UUID, dict[str, str | bool | tuple[str, ...]]] = Field(
        default_factory=dict,
        json_schema_extra=CONFIDENTIAL,
        description="By program: answers that matching may use and nobody may be shown.",
    )
    open_answers: dict[UUID, dict[str, str | tuple[str, ...]]] = Field(
        default_factory=dict,
        json_schema_extra=PERSONAL,
        description="By program: what was chosen of the options of questions whose answers everybody in it may see.",
    )
