"""Modules: the steps of a program's track that keep a relationship going."""

from uuid import UUID

from pydantic import Field

from tandem_events.contracts.contract import Code, Fact

MODULE = (
    "Which module of the program: a code that is unique within the program, as in `program.state` and in scheduling's "
    "`GET /programs/{program_id}/track`."
)


class ModuleDue(Fact, name="module.due", sender="scheduling", subject="step_id", key="pairing_id"):
    """A pair has reached the time or the number of sessions at which a module is due."""

    step_id: UUID = Field(description="The module in this relationship.")
    pairing_id: UUID
    program_id: UUID
    module_id: Code = Field(description=MODULE)
    position: int = Field(ge=1)


class ModuleCompleted(Fact, name="module.completed", sender="scheduling", subject="step_id", key="pairing_id"):
    """A pair has done a module."""

    step_id: UUID
    pairing_id: UUID
    program_id: UUID
    module_id: Code = Field(description=MODULE)
    position: int = Field(ge=1)
    completed_by: UUID
