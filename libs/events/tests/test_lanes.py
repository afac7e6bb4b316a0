"""Lanes: events of different keys are handled at the same time, those of one key one after the other."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events.consumer import Consumer
from tandem_events.contracts import PersonRegistered
from tandem_events.envelope import to_message
from tandem_events.settings import EventSettings
from tandem_events.subscriptions import Subscription
from tandem_events.testing import eventually, publish_messages

from .conftest import Transaction
from .test_consumer import consuming

EVENTS_OF_A_PERSON = 10


class Watched:
    """A handler that knows whom it is at this moment. It lets nobody go before two lanes were inside at once."""

    def __init__(self) -> None:
        self.inside: list[UUID] = []
        self.most_inside = 0
        self.two_of_one_key = False
        self.overlap = asyncio.Event()
        self.done: dict[UUID, list[datetime]] = {}

    async def on_registered(self, event: PersonRegistered, session: AsyncSession) -> None:
        del session
        self.two_of_one_key |= event.person_id in self.inside
        self.inside.append(event.person_id)
        self.most_inside = max(self.most_inside, len(self.inside))
        if self.most_inside > 1:
            self.overlap.set()
        try:
            await asyncio.wait_for(self.overlap.wait(), 10)
            await asyncio.sleep(0)  # every other lane may run now
            self.done.setdefault(event.person_id, []).append(event.occurred_at)
        finally:
            self.inside.remove(event.person_id)


async def test_keys_are_handled_at_the_same_time_and_each_in_its_order(
    settings: EventSettings, transaction: Transaction
) -> None:
    people = [uuid4() for _ in range(12)]
    at = [datetime.fromtimestamp(1_700_000_000 + number, UTC) for number in range(EVENTS_OF_A_PERSON)]
    await publish_messages(
        settings,
        *(
            to_message(PersonRegistered(person_id=person, occurred_at=when), version=1)
            for when in at
            for person in people
        ),
    )
    watched = Watched()
    lanes = settings.model_copy(update={"consumer_lanes": 4})
    member = Consumer(lanes, [Subscription(PersonRegistered, watched.on_registered)], transaction, service="tests")
    async with consuming(member):
        await eventually(lambda: member.handled == len(people) * len(at))
    assert 2 <= watched.most_inside <= 4
    assert not watched.two_of_one_key
    assert watched.done == dict.fromkeys(people, at)
