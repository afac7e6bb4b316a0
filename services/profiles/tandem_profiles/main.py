"""Profiles' table of contents."""

from fastapi import FastAPI

from tandem_chassis.app import Clock, Service, create_application, utc_now
from tandem_events.contracts import CONTRACTS
from tandem_profiles.api import ROUTERS
from tandem_profiles.api.scim import ScimRoutes
from tandem_profiles.handlers import SUBSCRIPTIONS
from tandem_profiles.settings import Settings
from tandem_profiles.storage.seals import Seals
from tandem_profiles.workers import TASKS

SENDS = tuple(event for event in CONTRACTS if event.contract.sender == "profiles")


def create_app(settings: Settings, *, migrate: bool = False, clock: Clock = utc_now) -> FastAPI:
    """The profiles application, ready to be served."""
    app = create_application(
        Service(
            name="profiles",
            title="Tandem profiles",
            description="Who people are, what programs exist, and who takes part as what.",
            routers=ROUTERS,
            subscriptions=SUBSCRIPTIONS,
            tasks=TASKS,
            sends=SENDS,
        ),
        settings,
        clock=clock,
        migrate=migrate,
    )
    app.router.routes.append(ScimRoutes())
    app.state.seals = Seals(settings.private_section_keys.get_secret_value())
    return app
