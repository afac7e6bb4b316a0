"""The application of scheduling: its table of contents."""

from fastapi import FastAPI

from tandem_chassis.app import Clock, Service, create_application, utc_now
from tandem_events.contracts import (
    ActionItemAgreed,
    ActionItemApplied,
    AgendaPrepared,
    AgreementAmended,
    AgreementProposed,
    AgreementSigned,
    CadenceLapsed,
    DelegateGranted,
    DelegateRevoked,
    ModuleCompleted,
    ModuleDue,
    ReminderDue,
    SchedulingErased,
    SessionAnswered,
    SessionAttendeeWithdrawn,
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionProposalDeclined,
    SessionProposed,
    SessionRescheduled,
    SessionScheduled,
    TouchpointLogged,
)
from tandem_scheduling.api import PUBLIC_ROUTERS, ROUTERS
from tandem_scheduling.handlers import SUBSCRIPTIONS
from tandem_scheduling.settings import Settings
from tandem_scheduling.workers import follow_calendars, measure_reminders, say_what_is_due


def create_app(settings: Settings, *, migrate: bool = False, clock: Clock = utc_now) -> FastAPI:
    """The application, ready to be served."""
    return create_application(
        Service(
            name="scheduling",
            title="Tandem scheduling",
            description="Agreements, sessions, agendas and action items of those who meet.",
            routers=ROUTERS,
            public_routers=PUBLIC_ROUTERS,
            subscriptions=SUBSCRIPTIONS,
            sends=(
                AgreementProposed,
                AgreementSigned,
                AgreementAmended,
                SessionProposed,
                SessionProposalDeclined,
                SessionScheduled,
                SessionRescheduled,
                SessionAnswered,
                AgendaPrepared,
                SessionCompleted,
                SessionMissed,
                SessionCancelled,
                SessionAttendeeWithdrawn,
                ActionItemAgreed,
                ActionItemApplied,
                DelegateGranted,
                DelegateRevoked,
                TouchpointLogged,
                CadenceLapsed,
                ModuleDue,
                ModuleCompleted,
                ReminderDue,
                SchedulingErased,
            ),
            tasks=(say_what_is_due, follow_calendars),
            measures=(measure_reminders,),
        ),
        settings,
        migrate=migrate,
        clock=clock,
    )
