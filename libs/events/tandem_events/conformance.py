"""A conformance suite for any consumer of the platform's events: what every service must bear, on real parts.

A service's tests hand over how to start it and a recording of messages that it reads. Each check feeds the recording in
another way, and the service must arrive at the same state:

- `duplicates`: every message twice, the second time all at once later on;
- `reordered_topics`: topics against each other in another order (within a topic and key the order holds);
- `poison`: messages in between that nobody can read, on keys of their own;
- `restart`: the service is ended hard in the middle, and started again.

State is compared on those columns that come out the same when the recording is fed plainly twice: ids and times that
the service makes up itself differ each time, and are left out by themselves.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import asyncpg

from tandem_events.envelope import Message
from tandem_events.settings import EventSettings
from tandem_events.testing import eventually, publish_messages

State = Mapping[str, Counter[tuple[Any, ...]]]
"""By table, how often each row occurs, seen through the columns that are compared."""

Rows = dict[str, list[dict[str, Any]]]
"""By table, every row."""

OWN_TABLES = frozenset(
    {"inbox", "dead_letters", "outbox_leader", "alembic_version", "idempotency_keys", "consumer_offsets"}
)
"""Tables of the backbone: what they hold is how a state was reached, not the state."""

NUMBERING = """
    SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND a.attidentity <> ''
"""
"""Identity columns, by table."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A service under test: the types that it reads, and how to start it.

    `settings` makes settings for a fresh, migrated or empty database and a namespace of its own. `run` runs the service
    with them until its block ends. `said_by_timers` are types that it says when a timer of its own finds something
    changed, so that how often depends on when it looked: they are left out of what is compared. `kept_by_timers` are
    the columns, by table, that such timers write, left out as well; where they are all columns, the table. `killable`
    runs it as a process of its own, and gives what kills that process.
    """

    service: str
    reads: frozenset[str]
    settings: Callable[[], EventSettings]
    run: Callable[[EventSettings], AbstractAsyncContextManager[object]]
    killable: Callable[[EventSettings], AbstractAsyncContextManager[Callable[[], None]]]
    said_by_timers: frozenset[str] = frozenset()
    kept_by_timers: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Reference:
    """The state after a plain feed, and the columns on which plain feeds agree."""

    state: State
    columns: Mapping[str, Sequence[str]]


async def reference(subject: Subject, recording: Sequence[Message]) -> Reference:
    """Feed the recording plainly, twice, and see on which columns the two states agree."""
    first, second = [await _fed(subject, recording) for _ in range(2)]
    columns: dict[str, list[str]] = {}
    for table, rows in first.items():
        left_out = subject.kept_by_timers.get(table, frozenset())
        some = rows or second[table]
        names = [name for name in some[0] if name not in left_out] if some else []
        if not names and (some or left_out):
            continue  # timers alone write it, or would have, had they looked in time
        columns[table] = [
            name
            for name in names
            if Counter(_plain(row[name]) for row in rows) == Counter(_plain(row[name]) for row in second[table])
        ]
    return Reference(_seen_through(first, columns), columns)


async def duplicates(subject: Subject, recording: Sequence[Message]) -> Rows:
    """Every message twice."""
    return await _fed(subject, [*recording, *recording])


async def reordered_topics(subject: Subject, recording: Sequence[Message], seed: int) -> Rows:
    """Topics against each other in another order."""
    return await _fed(subject, shuffled_between_topics(recording, seed))


async def poison(subject: Subject, recording: Sequence[Message], seed: int) -> Rows:
    """Unreadable messages in between, on keys of their own.

    Raises:
        AssertionError: what is parked is not exactly what was put in.
    """
    chance = random.Random(seed)  # noqa: S311
    fed = list(recording)
    bad = [spoiled(chance.choice(recording)) for _ in range(5)]
    for message in bad:
        fed.insert(chance.randrange(len(fed)), message)
    settings = subject.settings()
    async with subject.run(settings):
        await publish_messages(settings, *fed)
        await _handled(subject, settings, fed)
        connection = await asyncpg.connect(settings.asyncpg_dsn())
        parked = {str(row["key"]) for row in await connection.fetch("SELECT key FROM dead_letters")}
        await connection.close()
        if parked != {message.key for message in bad}:
            raise AssertionError(f"parked {parked}, put in {[message.key for message in bad]}")
        return await _rows(settings, but=subject.said_by_timers)


async def restart(subject: Subject, recording: Sequence[Message]) -> Rows:
    """Ended hard in the middle, and started again."""
    settings = subject.settings()
    middle = len(recording) // 2
    async with subject.killable(settings) as kill:
        await publish_messages(settings, *recording[:middle])
        await _begun(settings)
        kill()
    async with subject.run(settings):
        await publish_messages(settings, *recording[middle:])
        await _handled(subject, settings, recording)
        return await _rows(settings, but=subject.said_by_timers)


def differences(expected: Reference, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """In words, where a state is not the reference's."""
    found = _seen_through(rows, expected.columns)
    return [
        f"{table}: {sum((want - found[table]).values())} rows missing, {sum((found[table] - want).values())} too many"
        for table, want in expected.state.items()
        if found[table] != want
    ]


def shuffled_between_topics(recording: Sequence[Message], seed: int) -> list[Message]:
    """The same messages with the topics interleaved by chance; within a topic the order stays."""
    chance = random.Random(seed)  # noqa: S311
    queues: dict[str, list[Message]] = {}
    for message in recording:
        queues.setdefault(message.topic, []).append(message)
    mixed: list[Message] = []
    while queues:
        topic = chance.choice(sorted(queues))
        run = chance.randint(1, 40)
        mixed += queues[topic][:run]
        queues[topic] = queues[topic][run:]
        if not queues[topic]:
            del queues[topic]
    return mixed


def spoiled(message: Message) -> Message:
    """A message of a kind that the service reads, that cannot be read, on a key of its own."""
    event_id, key = uuid4(), str(uuid4())
    headers = {**message.headers, "ce_id": str(event_id), "ce_partitionkey": key}
    return replace(message, event_id=event_id, key=key, headers=headers, value=b'{"broken":')


async def _fed(subject: Subject, recording: Sequence[Message]) -> Rows:
    settings = subject.settings()
    async with subject.run(settings):
        await publish_messages(settings, *recording)
        await _handled(subject, settings, recording)
        return await _rows(settings, but=subject.said_by_timers)


async def _begun(settings: EventSettings) -> None:
    """The service is at work: it has seen something."""
    async with _connected(settings) as connection:

        async def anything_seen() -> bool:
            return bool(await connection.fetchval("SELECT to_regclass('inbox') IS NOT NULL")) and bool(
                await connection.fetchval("SELECT EXISTS (SELECT FROM inbox)")
            )

        await eventually(anything_seen, within_seconds=60)


async def _handled(subject: Subject, settings: EventSettings, recording: Sequence[Message]) -> None:
    """Every message is in the inbox and none waits for another topic."""
    wanted = [message.event_id for message in recording if message.type in subject.reads]
    async with _connected(settings) as connection:

        async def all_seen() -> bool:
            unsettled: int = await connection.fetchval("SELECT count(*) FROM dead_letters WHERE standing <> 'poison'")
            seen: int = await connection.fetchval("SELECT count(*) FROM inbox WHERE event_id = ANY($1::uuid[])", wanted)
            return unsettled == 0 and seen == len(set(wanted))

        await eventually(all_seen, within_seconds=60)


@asynccontextmanager
async def _connected(settings: EventSettings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    try:
        yield connection
    finally:
        await connection.close()


async def _rows(settings: EventSettings, *, but: frozenset[str]) -> Rows:
    """Every row of the service's own tables; of the outbox, what was said."""
    async with _connected(settings) as connection:
        names = await connection.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        tables = sorted(row["relname"] for row in names if row["relname"] not in OWN_TABLES)
        # What numbers rows does so in the order in which keys happened to be handled beside each other.
        numbering = {(row["relname"], row["attname"]) for row in await connection.fetch(NUMBERING)}
        rows = {
            table: [
                {name: value for name, value in row.items() if (table, name) not in numbering}
                for row in await connection.fetch(f'SELECT * FROM "{table}"')  # noqa: S608
            ]
            for table in tables
        }
    rows["outbox"] = [row for row in rows["outbox"] if row["type"] not in but]
    return rows


def _seen_through(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, Sequence[str]]
) -> dict[str, Counter[tuple[Any, ...]]]:
    return {
        table: Counter(tuple(_plain(row[name]) for name in names) for row in rows[table])
        for table, names in columns.items()
    }


def _plain(value: Any) -> str:
    """A value as text that can be counted, whatever its type."""
    return repr(value)
