"""The fields of a program as they are written: what it is for, its policies, and the questions of its form."""

from datetime import date
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tandem_events.contracts.contract import Code
from tandem_events.contracts.programs import Format
from tandem_profiles.api.fields import Document, Line, Prose
from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.templates import template


class Audience(BaseModel):
    """For whom a program is; everything left out means everybody."""

    model_config = ConfigDict(extra="forbid")

    units: list[Line] = Field(default_factory=list, max_length=200)
    locations: list[Line] = Field(default_factory=list, max_length=200)
    lowest_level: int | None = Field(default=None, ge=1, le=1000)
    highest_level: int | None = Field(default=None, ge=1, le=1000)


class Question(BaseModel):
    """A question of the sign-up form."""

    model_config = ConfigDict(extra="forbid")

    question_id: Code
    words: Line
    kind: Literal["text", "choice", "scale", "skills", "people"]
    required: bool = False
    roles: list[Role] = Field(default_factory=lambda: list(Role), min_length=1, max_length=2)
    visibility: Literal["program", "managers", "matching"] = Field(
        default="managers",
        description="Who sees the answers; `matching` is used for matching and shown to nobody. Choices that the "
        "program sees can be used for matching too.",
    )
    options: list[Line] = Field(default_factory=list, max_length=200, description="Of a choice.")
    several: bool = Field(default=False, description="Whether a choice takes several options.")
    lowest: int = Field(default=1, ge=0, le=100, description="Of a scale.")
    highest: int = Field(default=5, ge=1, le=100, description="Of a scale.")

    @model_validator(mode="after")
    def can_be_answered(self) -> Self:
        """A choice needs options, a scale needs steps."""
        if self.kind == "choice" and len(set(self.options)) < 2:
            raise ValueError("a choice needs at least two options")
        if self.kind == "scale" and self.highest <= self.lowest:
            raise ValueError("highest must be above lowest")
        return self


class ModuleFields(BaseModel):
    """A meeting's worth of a program."""

    model_config = ConfigDict(extra="forbid")

    module_id: Code
    title: Line
    due_after_days: int = Field(ge=0, le=3660)
    agenda: list[Line] = Field(default_factory=list, max_length=30)
    prompts: list[Line] = Field(default_factory=list, max_length=30)


class TrackFields(BaseModel):
    """Modules that follow each other."""

    model_config = ConfigDict(extra="forbid")

    track_id: Code
    title: Line
    modules: list[ModuleFields] = Field(default_factory=list, max_length=60)


class ProgramFields(BaseModel):
    """What a program is for, and the policies that hold unless its people agree otherwise."""

    name: Line
    objective: Prose = ""
    format: Format = "one_to_one"
    opens_on: date | None = Field(default=None, description="The first day to apply.")
    closes_on: date | None = Field(default=None, description="The last day to apply.")
    starts_on: date | None = None
    ends_on: date | None = None
    capacity: int | None = Field(default=None, ge=1, le=1_000_000, description="How many people take part at most.")
    most_mentees: int | None = Field(default=None, ge=1, le=1000, description="How many mentees one mentor may take.")
    most_mentors: int | None = Field(default=None, ge=1, le=1000, description="How many mentors one mentee may want.")
    approval: Literal["by_manager", "automatic"] = "by_manager"
    audience: Audience = Field(default_factory=Audience)
    meeting_every_days: int = Field(default=30, ge=1, le=366)
    meeting_minutes: int = Field(default=60, ge=10, le=480)
    feedback_every_sessions: int = Field(default=1, ge=1, le=100)
    tracks: list[TrackFields] = Field(default_factory=list, max_length=20)
    matching: Document = Field(default_factory=dict, description="Rules and weights, as matching documents them.")
    questions: list[Question] = Field(default_factory=list, max_length=100)

    @model_validator(mode="after")
    def days_are_in_order(self) -> Self:
        """A program opens, closes, starts and ends in an order that can be lived."""
        for first, then in (("opens_on", "closes_on"), ("starts_on", "ends_on"), ("opens_on", "ends_on")):
            earlier, later = getattr(self, first), getattr(self, then)
            if earlier is not None and later is not None and later < earlier:
                raise ValueError(f"{then} lies before {first}")
        return self

    @model_validator(mode="after")
    def names_are_used_once(self) -> Self:
        """Questions, tracks and modules are called by their ids."""
        modules = [module.module_id for track in self.tracks for module in track.modules]
        for what, ids in (
            ("question", [question.question_id for question in self.questions]),
            ("track", [track.track_id for track in self.tracks]),
            ("module", modules),
        ):
            if len(set(ids)) < len(ids):
                raise ValueError(f"two of the {what}s have one id")
        return self

    def fields(self) -> dict[str, Any]:
        """As the use cases take them: days as days, everything that is kept as a document as JSON."""
        written = self.model_dump()
        documents = self.model_dump(mode="json", include={"audience", "tracks", "questions"})
        return {name: documents.get(name, written[name]) for name in ProgramFields.model_fields}


class NewProgram(ProgramFields):
    """A program to be: with `template`, whatever is left out is as usual in that format."""

    template: Format | None = None
    manager_ids: list[UUID] = Field(default_factory=list, max_length=100)

    @model_validator(mode="before")
    @classmethod
    def fill_in_from_template(cls, written: Any) -> Any:
        """Defaults of the named template come first, what is written over them."""
        name = written.get("template") if isinstance(written, dict) else None
        try:
            return {**template(name), **written} if isinstance(name, str) else written
        except KeyError:
            return written  # the field itself refuses the name

    def fields(self) -> dict[str, Any]:
        """As the use cases take them."""
        return {**super().fields(), "manager_ids": self.manager_ids}
