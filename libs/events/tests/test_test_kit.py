"""The test kit, as a service that is not ours uses it: with an event of its own, and with work around its batches."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import outbox
from tandem_events.contracts import CONTRACTS, PersonErased, PersonRegistered
from tandem_events.contracts.contract import Event, Fact
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tandem_events.testing import publish, tap, when_handled

from .conftest import Transaction

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


class BadgeEarned(Fact, name="badge.earned", sender="badges", subject="person_id"):
    """Somebody has earned a badge: a fact of a service that the platform does not know."""

    person_id: UUID


async def on_registered(event: PersonRegistered, session: AsyncSession) -> None:
    session.info["badges"].append(event.person_id)


async def on_erased(event: PersonErased, session: AsyncSession) -> None:
    raise ValueError(f"nobody forgets {event.person_id}")


SUBSCRIPTIONS = (Subscription(PersonRegistered, on_registered), Subscription(PersonErased, on_erased))


@asynccontextmanager
async def around(session: AsyncSession, events: Sequence[Event]) -> AsyncIterator[None]:
    """What handlers leave behind is written at once, and told."""
    session.info["badges"] = []
    yield
    for person in session.info["badges"]:
        await session.execute(sa.text("INSERT INTO effects (subject, what) VALUES (:one, 'badge')"), {"one": person})
        await outbox.add(session, BadgeEarned(person_id=person, occurred_at=AT), version=len(events))


async def test_given_when_then_knows_a_services_own_events_and_what_it_does_around_a_batch(
    transaction: Transaction,
) -> None:
    people = [uuid4(), uuid4()]
    given = [PersonRegistered(person_id=person, occurred_at=AT) for person in people]
    said = await when_handled(SUBSCRIPTIONS, transaction, *given, around_batch=around, own=[BadgeEarned])
    assert said == [BadgeEarned(person_id=person, occurred_at=AT) for person in people]
    async with transaction() as session:
        effects = (await session.execute(sa.text("SELECT subject FROM effects ORDER BY id"))).scalars().all()
    assert effects == people


async def test_given_when_then_says_why_an_event_could_not_be_handled(transaction: Transaction) -> None:
    person = uuid4()
    with pytest.raises(AssertionError, match=f"nobody forgets {person}"):
        await when_handled(
            SUBSCRIPTIONS, transaction, PersonErased(person_id=person, occurred_at=AT), around_batch=around
        )


async def test_a_services_own_events_are_published_and_seen_on_its_own_topic(settings: EventSettings) -> None:
    earned = BadgeEarned(person_id=uuid4(), occurred_at=AT)
    registered = PersonRegistered(person_id=earned.person_id, occurred_at=AT)
    await publish(settings, registered, earned)
    async with tap(settings, own=[BadgeEarned]) as topics:
        assert await topics.first(BadgeEarned) == earned
        assert await topics.first(PersonRegistered) == registered
    assert {seen.topic for seen in topics.seen} == {"tandem.profiles", "tandem.badges"}
    assert BadgeEarned not in CONTRACTS
