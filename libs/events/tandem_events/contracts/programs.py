"""Programs: what an organisation runs, for whom, until when."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tandem_events.contracts.contract import Code, Fact, State

Format = Literal["one_to_one", "peer", "reverse", "group", "circle", "flash"]


class ProgramLaunched(Fact, name="program.launched", sender="profiles", subject="program_id"):
    """A program began to run: its enrollments may be matched."""

    program_id: UUID
    format: Format


class ProgramClosed(Fact, name="program.closed", sender="profiles", subject="program_id"):
    """A program came to its end."""

    program_id: UUID


class Module(BaseModel):
    """A meeting's worth of a program: what to talk about, and by when."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    module_id: Code
    title: str = Field(max_length=200)
    due_after_days: int = Field(ge=0, le=3660, description="Days from the beginning of a relationship.")
    agenda: tuple[str, ...] = Field(default=(), description="Prepared agenda items.")
    prompts: tuple[str, ...] = Field(default=(), description="Questions that get a conversation going.")


class Track(BaseModel):
    """Modules that follow each other."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    track_id: Code
    title: str = Field(max_length=200)
    modules: tuple[Module, ...] = ()


class ProgramState(State, name="program.state", sender="profiles", topic="tandem.programs", subject="program_id"):
    """What a program is now, with the policies that the other services follow."""

    program_id: UUID
    name: str = Field(max_length=200)
    objective: str = Field(default="", description="What the program is to bring.")
    format: Format
    status: Literal["draft", "open", "running", "closed", "archived"]
    starts_on: date | None = None
    ends_on: date | None = None
    manager_ids: tuple[UUID, ...] = ()
    meeting_every_days: int = Field(default=30, ge=1, le=366)
    meeting_minutes: int = Field(default=60, ge=10, le=480)
    feedback_every_sessions: int = Field(default=1, ge=1, le=100)
    matching: dict[str, Any] = Field(default_factory=dict, description="Rules and weights, as matching documents them.")
    tracks: tuple[Track, ...] = Field(default=(), description="Modules that relationships of this program go through.")
    opens_on: date | None = Field(default=None, description="The first day on which people may apply.")
    closes_on: date | None = Field(default=None, description="The last day on which people may apply.")
    most_mentees: int | None = Field(default=None, description="How many mentees one mentor may have here.")
    most_mentors: int | None = Field(default=None, description="How many mentors one mentee may have here.")
