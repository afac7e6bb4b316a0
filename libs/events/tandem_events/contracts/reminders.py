"""Reminders: what is due to whom. Whoever delivers them reads the details from scheduling."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from tandem_events.contracts.contract import Code, Fact
from tandem_events.contracts.modules import MODULE

ReminderKind = Literal["session_upcoming", "agenda_missing", "cadence_lapsed", "module_due"]


class Reminder(BaseModel):
    """One thing to be reminded of."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: ReminderKind
    pairing_id: UUID
    program_id: UUID
    session_id: UUID | None = None
    module_id: Code | None = Field(default=None, description=MODULE)


class ReminderDue(Fact, name="reminder.due", sender="scheduling", subject="reminder_id", key="person_id"):
    """Somebody is to be reminded, now. What is due together comes together."""

    reminder_id: UUID
    person_id: UUID
    reminders: tuple[Reminder, ...] = Field(min_length=1)
