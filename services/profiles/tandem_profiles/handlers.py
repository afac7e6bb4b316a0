"""The Kafka door: what profiles hears from the other services."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import FeedbackErased, MatchingErased, PairingState, SchedulingErased
from tandem_events.subscriptions import Subscription
from tandem_profiles.use_cases import erasures, relationships


async def on_pairing_state(event: PairingState, session: AsyncSession) -> None:
    members = [(member.person_id, member.role) for member in event.members]
    active = event.status == "active"
    await relationships.keep(session, event.pairing_id, event.program_id, members, active=active)


async def on_pairing_gone(pairing_id: UUID, session: AsyncSession) -> None:
    await relationships.forget(session, pairing_id)


async def on_matching_erased(event: MatchingErased, session: AsyncSession) -> None:
    await erasures.confirm(session, event.person_id, "matching", at=event.occurred_at)


async def on_scheduling_erased(event: SchedulingErased, session: AsyncSession) -> None:
    await erasures.confirm(session, event.person_id, "scheduling", at=event.occurred_at)


async def on_feedback_erased(event: FeedbackErased, session: AsyncSession) -> None:
    await erasures.confirm(session, event.person_id, "feedback", at=event.occurred_at)


SUBSCRIPTIONS = (
    Subscription(PairingState, on_pairing_state, on_gone=on_pairing_gone),
    Subscription(MatchingErased, on_matching_erased),
    Subscription(SchedulingErased, on_scheduling_erased),
    Subscription(FeedbackErased, on_feedback_erased),
)
