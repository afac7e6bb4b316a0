"""Matching's table of contents."""

from fastapi import FastAPI

from tandem_chassis.app import Clock, Service, create_application, utc_now
from tandem_events.contracts import (
    MatchingErased,
    MatchRequestAccepted,
    MatchRequestClosed,
    MatchRequestDeclined,
    MatchRequestExpired,
    MatchRequestMade,
    MatchRunPublished,
    MenteeWaitlisted,
    MentorCandidateSuggested,
    MentorCapacityChanged,
    MentorOfferClosed,
    MentorOfferMade,
    MentorReferred,
    PairingCreated,
    PairingEnded,
    PairingMemberLeft,
    PairingState,
    PairingTransferred,
    RematchRequested,
)
from tandem_matching import __doc__ as description
from tandem_matching.api import offers, pairings, referrals, requests, runs
from tandem_matching.handlers import SUBSCRIPTIONS
from tandem_matching.settings import Settings
from tandem_matching.workers import compute_match_runs, measure_match_runs, move_requests_on


def create_app(settings: Settings, *, migrate: bool = False, clock: Clock = utc_now) -> FastAPI:
    """The application of matching."""
    return create_application(
        Service(
            name="matching",
            title="Tandem matching",
            description=description or "",
            routers=[runs.router, requests.router, referrals.router, offers.router, pairings.router],
            subscriptions=SUBSCRIPTIONS,
            sends=[
                PairingCreated,
                PairingMemberLeft,
                PairingEnded,
                PairingState,
                PairingTransferred,
                MatchRunPublished,
                MenteeWaitlisted,
                MatchRequestMade,
                MatchRequestAccepted,
                MatchRequestDeclined,
                MatchRequestExpired,
                MatchRequestClosed,
                MentorReferred,
                MentorOfferMade,
                MentorOfferClosed,
                MentorCapacityChanged,
                MentorCandidateSuggested,
                RematchRequested,
                MatchingErased,
            ],
            tasks=[compute_match_runs, move_requests_on],
            measures=[measure_match_runs],
        ),
        settings,
        migrate=migrate,
        clock=clock,
    )
