"""What is done with action items: look at them, and report what became of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.auth import Caller
from tandem_events.contracts import ActionItemApplied
from tandem_scheduling.domain.pairings import NoSuchPairing
from tandem_scheduling.domain.sessions import NoSuchActionItem, NotYourActionItem
from tandem_scheduling.storage import action_items, pairings
from tandem_scheduling.storage.action_items import ActionItem
from tandem_scheduling.use_cases.facts import say
from tandem_scheduling.use_cases.rights import require_member, seen_pairing

NO_ITEM = "No action item of yours has this id."


async def list_action_items(
    session: AsyncSession, pairing_id: UUID, caller: Caller, *, after: UUID | None, limit: int
) -> list[ActionItem]:
    """What the caller committed to, and those whom they met.

    Raises:
        NoSuchPairing: there is none, or the caller may not know of it.
        MembersOnly: the caller is not a member.
    """
    reader_id = require_member(caller, await seen_pairing(session, pairing_id, caller))
    return await action_items.known_to(session, reader_id, pairing_id, after=after, limit=limit)


async def report_outcome(
    session: AsyncSession, action_item_id: UUID, caller: Caller, *, outcome: str, words: str | None, now: datetime
) -> ActionItem:
    """Report what became of one's own commitment, and how it went. A later report replaces an earlier one.

    Raises:
        NoSuchActionItem: there is none, or the caller may not know of it.
        NotYourActionItem: another member committed to it.
    """
    found = await action_items.find(session, action_item_id)
    if found is None:
        raise NoSuchActionItem(NO_ITEM)
    try:
        pairing = await seen_pairing(session, found.pairing_id, caller)
    except NoSuchPairing as unknown:
        raise NoSuchActionItem(NO_ITEM) from unknown
    if require_member(caller, pairing) != found.owner_id:
        raise NotYourActionItem("Somebody else committed to this, and tells what became of it.")
    await pairings.lock(session, found.pairing_id)
    item = await action_items.lock(session, action_item_id)
    item.outcome, item.outcome_words, item.applied_at = outcome, words, now
    await say(
        session,
        ActionItemApplied(
            action_item_id=action_item_id,
            pairing_id=item.pairing_id,
            program_id=item.program_id,
            session_id=item.session_id,
            owner_id=item.owner_id,
            outcome=outcome,
            occurred_at=now,
        ),
        of=item,
    )
    return item
