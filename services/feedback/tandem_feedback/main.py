"""The feedback service: a table of contents."""

from fastapi import FastAPI

from tandem_chassis.app import Clock, Service, create_application, utc_now
from tandem_events.contracts import CONTRACTS
from tandem_feedback.api import (
    closing,
    feedback,
    goals,
    health,
    outcomes,
    pulses,
    reciprocity,
    recognition,
    reports,
    rounds,
)
from tandem_feedback.handlers import SUBSCRIPTIONS, around_batch
from tandem_feedback.settings import Settings
from tandem_feedback.workers import (
    count_programs,
    count_satisfaction,
    keep_health_current,
    recognise_mentors,
    remind_of_feedback,
    tell_outcomes,
    watch_goals,
)

SENDS = tuple(event for event in CONTRACTS if event.contract.sender == "feedback")


def create_app(settings: Settings, *, migrate: bool = False, clock: Clock = utc_now) -> FastAPI:
    """The application of the feedback service."""
    return create_application(
        Service(
            name="feedback",
            title="Tandem feedback",
            description="How relationships go: goals, honest feedback, health, recognition, and what it all brings.",
            routers=(
                feedback.router,
                rounds.router,
                goals.router,
                pulses.router,
                health.router,
                reciprocity.router,
                closing.router,
                recognition.router,
                reports.router,
                outcomes.router,
            ),
            subscriptions=SUBSCRIPTIONS,
            around_batch=around_batch,
            sends=SENDS,
            tasks=(
                keep_health_current,
                watch_goals,
                remind_of_feedback,
                recognise_mentors,
                count_satisfaction,
                count_programs,
                tell_outcomes,
            ),
        ),
        settings,
        clock=clock,
        migrate=migrate,
    )
