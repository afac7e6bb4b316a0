"""Read models: what profiles keeps of matching's world, and which tables are its own."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.contracts import PairingState
from tandem_events.replay import ReadModel
from tandem_events.subscriptions import Subscription
from tandem_profiles.use_cases import relationships


async def keep_relationship(event: PairingState, session: AsyncSession) -> None:
    """Keep who is with whom."""
    members = [(member.person_id, member.role) for member in event.members]
    active = event.status == "active"
    await relationships.keep(session, event.pairing_id, event.program_id, members, active=active)


async def forget_relationship(pairing_id: UUID, session: AsyncSession) -> None:
    """Keep nothing of a relationship any more."""
    await relationships.forget(session, pairing_id)


READ_MODELS = (
    ReadModel(
        "relationships",
        tables=("pairing_members",),
        projections=(Subscription(PairingState, keep_relationship, on_gone=forget_relationship),),
        take_away=relationships.forget_who_is_gone,
    ),
)

MIXED_TABLES: Mapping[str, str] = {
    "erasures": "who asked for an erasure stands beside which services confirmed it",
}
"""Where what others tell stands beside what is this service's own, with the reason: no event tells the latter again."""

OWN_TABLES: Mapping[str, str] = {
    "audit_log": "who did what here",
    "directory_groups": "what the directory was told over SCIM",
    "directory_users": "what the directory was told over SCIM",
    "enrollments": "decided here",
    "people": "kept here",
    "private_sections": "written here, and sealed",
    "programs": "made here",
    "skill_synonyms": "the vocabulary is kept here",
    "skills": "the vocabulary is kept here",
}
"""What is this service's own, with the reason; events of others at most end it, or erase what names somebody."""
