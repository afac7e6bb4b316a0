"""The Kafka door: what profiles hears from the other services."""

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import FeedbackErased, MatchingErased, PairingState, SchedulingErased
from tandem_events.subscriptions import Subscription
from tandem_profiles.read_models import forget_relationship, keep_relationship
from tandem_profiles.use_cases import erasures


async def on_matching_erased(event: MatchingErased, session: AsyncSession) -> None:
    await erasures.confirm(session, event.person_id, "matching", at=event.occurred_at)


async def on_scheduling_erased(event: SchedulingErased, session: AsyncSession) -> None:
    await erasures.confirm(session, event.person_id, "scheduling", at=event.occurred_at)


async def on_feedback_erased(event: FeedbackErased, session: AsyncSession) -> None:
    await erasures.confirm(session, event.person_id, "feedback", at=event.occurred_at)


SUBSCRIPTIONS = (
    Subscription(PairingState, keep_relationship, on_gone=forget_relationship),
    Subscription(MatchingErased, on_matching_erased),
    Subscription(SchedulingErased, on_scheduling_erased),
    Subscription(FeedbackErased, on_feedback_erased),
)
