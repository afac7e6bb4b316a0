"""People: remembering who they are, and forgetting them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis import idempotency
from tandem_events import dead_letters, outbox
from tandem_events.contracts import FeedbackErased, PersonState
from tandem_feedback.domain.hr_sheets import email_digest
from tandem_feedback.storage import hr_facts, people


async def remember(
    session: AsyncSession,
    person_id: UUID,
    *,
    given_name: str,
    family_name: str,
    email: str,
    unit: str | None,
    level: int | None,
    level_name: str | None,
    departed_on: date | None,
) -> None:
    """Keep what certificates and reports need of a person."""
    await people.keep(
        session,
        person_id=person_id,
        given_name=given_name,
        family_name=family_name,
        email_digest=email_digest(email),
        unit=unit,
        level=level,
        level_name=level_name,
        departed_on=departed_on,
    )


async def erase(session: AsyncSession, person_id: UUID) -> None:
    """Forget a person: their name, and every word they wrote. What they took part in stays countable."""
    # What HR told of them as well: it would count them among those who took no part.
    await hr_facts.erase(session, await people.forget(session, person_id))
    await people.erase_words(session, person_id)
    await idempotency.forget_answers_naming(session, person_id)


async def erase_and_confirm(session: AsyncSession, person_id: UUID, *, at: datetime) -> None:
    """Erase what is kept of a person, and let profiles know that it is done."""
    await erase(session, person_id)
    await dead_letters.forget(session, (PersonState.contract.topic, str(person_id)))
    await outbox.add(session, FeedbackErased(person_id=person_id, occurred_at=at), version=1)
