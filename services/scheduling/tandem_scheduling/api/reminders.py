"""Reminders over HTTP: when and of what the caller wants to be reminded."""

from datetime import time
from functools import partial
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tandem_chassis import idempotency, preconditions
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.preconditions import IfMatch
from tandem_scheduling.api.fields import Clock
from tandem_scheduling.domain.reminders import Preferences
from tandem_scheduling.use_cases import reminders as use_cases

router = APIRouter(tags=["reminders"], route_class=idempotency.Route)

ReminderKind = Literal["session_upcoming", "agenda_missing", "cadence_lapsed", "module_due"]


class PreferencesDocument(BaseModel):
    """When and of what somebody wants to be reminded. Quiet hours are those of their own clocks."""

    quiet_from: Clock = Field(default="20:00", description="Equal to `quiet_until` where there are no quiet hours.")
    quiet_until: Clock = "08:00"
    muted: list[ReminderKind] = Field(default=[], max_length=4)
    session_lead_hours: int = Field(default=24, ge=1, le=336)
    agenda_lead_hours: int = Field(default=48, ge=1, le=336)
    digest_minutes: int = Field(default=120, ge=0, le=1440, description="At most one reminder in this time.")

    def preferences(self) -> Preferences:
        """As the rules take them."""
        return Preferences(
            quiet_from=time.fromisoformat(self.quiet_from),
            quiet_until=time.fromisoformat(self.quiet_until),
            muted=tuple(self.muted),
            session_lead_hours=self.session_lead_hours,
            agenda_lead_hours=self.agenda_lead_hours,
            digest_minutes=self.digest_minutes,
        )


def document(preferences: Preferences) -> PreferencesDocument:
    """Preferences as they are shown."""
    return PreferencesDocument(
        quiet_from=f"{preferences.quiet_from:%H:%M}",
        quiet_until=f"{preferences.quiet_until:%H:%M}",
        muted=list(preferences.muted),
        session_lead_hours=preferences.session_lead_hours,
        agenda_lead_hours=preferences.agenda_lead_hours,
        digest_minutes=preferences.digest_minutes,
    )


@router.get("/me/reminder-preferences")
async def read_preferences(caller: CurrentCaller, session: Transaction, response: Response) -> PreferencesDocument:
    """What the caller prefers."""
    preferences, version = await use_cases.see_preferences(session, caller)
    preconditions.tag(response, version)
    return document(preferences)


@router.put("/me/reminder-preferences")
async def set_preferences(
    body: PreferencesDocument, caller: CurrentCaller, session: Transaction, response: Response, if_match: IfMatch = None
) -> PreferencesDocument:
    """Keep what the caller prefers."""
    preferences, version = await use_cases.set_preferences(
        session, caller, body.preferences(), seen=partial(preconditions.require_match, if_match)
    )
    preconditions.tag(response, version)
    return document(preferences)
