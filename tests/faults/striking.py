"""Striking: each kind of fault, inflicted on the members of an arena, its broker and its database."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from aiokafka.errors import KafkaError
from sqlalchemy.orm.exc import StaleDataError
from uuid_utils.compat import uuid7

from tandem_events import kafka
from tandem_events.envelope import to_message
from tandem_events.relay import START_SECONDS, Recorded, send_all
from tests.faults import database
from tests.faults.arena import Arena
from tests.faults.broker import BrokerHands
from tests.faults.crew import Member
from tests.faults.database import AWAY
from tests.faults.ledgers import TOPIC, LedgerChanged
from tests.faults.plan import Fault, Kind
from tests.faults.writing import change

MOST_DUPLICATES = 400
DEPOSED_SECONDS = 3.0

_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1"
_END_BACKENDS = f"SELECT pg_terminate_backend(pid) FROM ({_BACKENDS}) AS backends"
_LEADER = """
    SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@dataclass
class Striker:
    """Inflicts faults; several may be under way at once, but never two on the same target."""

    arena: Arena
    seed: int
    ledgers: int
    broker: BrokerHands
    produced_again: int = 0

    async def strike(self, fault: Fault) -> None:
        """Inflict it; returns when its cause is gone: the process started again, the broker back."""
        inflict: dict[Kind, Callable[[Fault], Awaitable[None]]] = {
            Kind.RELAY_KILLED: self._relay_killed,
            Kind.RELAY_TERMINATED: self._relay_terminated,
            Kind.RELAY_PAUSED: self._relay_paused,
            Kind.RELAY_DEPOSED: self._relay_deposed,
            Kind.CONSUMER_KILLED: self._consumer_killed,
            Kind.CONSUMER_TERMINATED: self._consumer_terminated,
            Kind.CONSUMER_PAUSED: self._consumer_paused,
            Kind.WRITER_KILLED: self._writer_killed,
            Kind.BROKER_STOPPED: lambda fault: self.broker.stopped_for(fault.seconds),
            Kind.BROKER_KILLED: lambda fault: self.broker.killed_for(fault.seconds),
            Kind.BROKER_PAUSED: lambda fault: self.broker.paused_for(fault.seconds),
            Kind.RELAY_BACKENDS_ENDED: lambda _: self._end_backends("relay-%"),
            Kind.CONSUMER_BACKENDS_ENDED: lambda _: self._end_backends("consumer-%"),
            Kind.WRITER_BACKENDS_ENDED: lambda _: self._end_backends("writer-%"),
            Kind.DATABASE_CRASHED: self._database_crashed,
            Kind.DUPLICATES: self._duplicates,
            Kind.REFUSED: self._refused,
            Kind.MALFORMED: self._malformed,
        }
        await inflict[fault.kind](fault)

    async def _relay(self, fault: Fault) -> Member:
        """The leading relay, or sometimes one that stands by."""
        relays = self.arena.crew.of("relay")
        leader = await self.arena.observer.value(_LEADER)
        leading = next((relay for relay in relays if relay.name == leader), relays[0])
        others = [relay for relay in relays if relay is not leading]
        return leading if fault.choice < 0.8 else others[0]

    def _consumer(self, fault: Fault) -> Member:
        consumers = self.arena.crew.of("consumer")
        return consumers[int(fault.choice * len(consumers))]

    async def _relay_killed(self, fault: Fault) -> None:
        relay = await self._relay(fault)
        async with relay.one_at_a_time:
            await self.arena.crew.kill(relay)

    async def _relay_terminated(self, fault: Fault) -> None:
        relay = await self._relay(fault)
        async with relay.one_at_a_time:
            await self.arena.crew.terminate(relay)

    async def _relay_paused(self, fault: Fault) -> None:
        relay = await self._relay(fault)
        async with relay.one_at_a_time:
            await self.arena.crew.pause(relay, fault.seconds)

    async def _relay_deposed(self, fault: Fault) -> None:
        """The leader sleeps, loses its lock to the other, and wakes with a batch in its hands."""
        relay = await self._relay(fault)
        async with relay.one_at_a_time:
            relay.process.send(signal.SIGSTOP)
            await self._end_backends(relay.name)
            await asyncio.sleep(DEPOSED_SECONDS)
            relay.process.send(signal.SIGCONT)

    async def _consumer_killed(self, fault: Fault) -> None:
        consumer = self._consumer(fault)
        async with consumer.one_at_a_time:
            await self.arena.crew.kill(consumer)

    async def _consumer_terminated(self, fault: Fault) -> None:
        consumer = self._consumer(fault)
        async with consumer.one_at_a_time:
            await self.arena.crew.terminate(consumer)

    async def _consumer_paused(self, fault: Fault) -> None:
        consumer = self._consumer(fault)
        async with consumer.one_at_a_time:
            await self.arena.crew.pause(consumer, fault.seconds)

    async def _writer_killed(self, fault: Fault) -> None:
        writers = self.arena.writers
        writer = writers[int(fault.choice * len(writers))]
        async with writer.one_at_a_time:
            await self.arena.crew.kill(writer)

    async def _end_backends(self, pattern: str) -> None:
        await self.arena.observer.rows(_END_BACKENDS, pattern)

    async def _database_crashed(self, fault: Fault) -> None:
        """PostgreSQL ends every connection and recovers from its log when one of its backends is killed."""
        backends = [row["pid"] for row in await self.arena.observer.rows(_BACKENDS, "consumer-%")]
        if backends:
            with suppress(ProcessLookupError):
                os.kill(backends[int(fault.choice * len(backends))], signal.SIGKILL)
        await self.arena.observer.value("SELECT 1")

    async def _duplicates(self, fault: Fault) -> None:
        """Messages that are on the topic already are produced again, in their order, beginning anywhere."""
        last = await self.arena.observer.value("SELECT max(id) FROM outbox WHERE sent_at IS NOT NULL") or 0
        rows = await self.arena.observer.rows(
            "SELECT id, recorded_on, topic, key, headers, value FROM outbox"
            " WHERE sent_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2",
            int(fault.choice * last),
            1 + int(fault.seconds / 6 * MOST_DUPLICATES),
        )
        await self._produce(
            [
                Recorded(
                    id=row["id"],
                    recorded_on=row["recorded_on"],
                    topic=row["topic"],
                    key=row["key"].encode(),
                    headers=[(name, text.encode()) for name, text in json.loads(row["headers"]).items()],
                    value=row["value"],
                )
                for row in rows
            ]
        )
        self.produced_again += len(rows)

    async def _refused(self, fault: Fault) -> None:
        """One more transaction, of an event that the handler refuses."""
        async with database.transactions(self.arena.url, "injector", connections=1) as transaction:
            while True:
                try:
                    async with transaction() as session:
                        await change(session, [int(fault.choice * self.ledgers)], refused=True)
                except (StaleDataError, *AWAY):
                    await asyncio.sleep(0.05)
                else:
                    return

    async def _malformed(self, fault: Fault) -> None:
        """A message that cannot be read, under the key of a book."""
        number = int(fault.choice * self.ledgers)
        row = (await self.arena.observer.rows("SELECT id, book_id FROM ledgers WHERE number = $1", number))[0]
        token = f"malformed-{fault.number}"
        kind, message = malformed_message(token, ledger=row["id"], book=row["book_id"], seed=f"{self.seed} {token}")
        await self.arena.observer.execute(
            "INSERT INTO malformed (token, book_id, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            *(token, row["book_id"], kind),
        )
        await self._produce([message])

    async def _produce(self, messages: list[Recorded]) -> None:
        """Put these on the topic, however long the broker is away. May do so more than once."""
        while True:
            producer = kafka.producer(self.arena.settings("injector"))
            try:
                async with asyncio.timeout(START_SECONDS):
                    await producer.start()
                await send_all(producer, messages, namespace=self.arena.namespace)
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(0.5)
            else:
                return
            finally:
                with suppress(KafkaError, OSError, TimeoutError):
                    await asyncio.wait_for(producer.stop(), timeout=5)


def malformed_message(token: str, *, ledger: UUID, book: UUID, seed: str) -> tuple[str, Recorded]:
    """A message that no reader can read, and in which way it cannot."""
    event = LedgerChanged(ledger_id=ledger, book_id=book, version=1, entry_id=uuid7(), occurred_at=datetime.now(UTC))
    whole = to_message(event, version=1)
    headers = {**whole.headers, "x-token": token}
    value: bytes | None = whole.value
    kind = Random(seed).choice(
        ("no headers", "broken JSON", "schema violation", "no value", "another key in the envelope", "no id")
    )
    match kind:
        case "no headers":
            headers, value = {}, token.encode()
        case "broken JSON":
            value = b'{"ledger_id": "' + token.encode()
        case "schema violation":
            value = json.dumps({"ledger_id": token}).encode()
        case "no value":
            value = None
        case "another key in the envelope":
            headers["ce_partitionkey"] = token
        case "no id":
            del headers["ce_id"]
    return kind, Recorded(
        id=0,
        recorded_on=datetime.now(UTC).date(),
        topic=TOPIC,
        key=str(book).encode(),
        headers=[(name, text.encode()) for name, text in headers.items()],
        value=value,
    )
