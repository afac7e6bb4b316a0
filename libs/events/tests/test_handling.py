"""Handling: each event takes effect once, those of a key in order, and what cannot be handled is parked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_events import dead_letters
from tandem_events.contracts import PersonRegistered, PersonState, ProgramLaunched
from tandem_events.contracts.contract import Event
from tandem_events.envelope import Message, to_message, to_tombstone
from tandem_events.handling import Handling
from tandem_events.reading import Incoming, Item, Reader
from tandem_events.subscriptions import NotYet, Subscription
from tandem_events.testing import eventually

from .conftest import Transaction

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Script:
    """A handler that does as it is told, and writes down what it did in the database."""

    def __init__(self) -> None:
        self.faults: dict[str, list[BaseException]] = {}

    def fail(self, what: str, *faults: BaseException) -> None:
        self.faults.setdefault(what, []).extend(faults)

    async def on_launched(self, event: ProgramLaunched, session: AsyncSession) -> None:
        await self._effect(session, event.program_id, event.format)

    async def on_person(self, event: PersonState, session: AsyncSession) -> None:
        await self._effect(session, event.person_id, event.given_name)

    async def on_person_gone(self, person_id: UUID, session: AsyncSession) -> None:
        await self._effect(session, person_id, "gone")

    async def _effect(self, session: AsyncSession, subject: UUID, what: str) -> None:
        await session.execute(
            sa.text("INSERT INTO effects (subject, what) VALUES (:subject, :what)"), {"subject": subject, "what": what}
        )
        if self.faults.get(what):
            raise self.faults[what].pop(0)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def handling(script: Script, transaction: Transaction) -> Handling:
    reader = Reader(
        [
            Subscription(ProgramLaunched, script.on_launched),
            Subscription(PersonState, script.on_person, on_gone=script.on_person_gone),
        ],
        max_event_bytes=10_000,
    )
    return Handling(reader, transaction, name="tests", retry_seconds=0.5, waiting_retry_seconds=0.01)


_offset = iter(range(1_000_000))


def incoming(message: Message, **changed: object) -> Incoming:
    values: dict[str, object] = {
        "topic": message.topic,
        "partition": 0,
        "offset": next(_offset),
        "timestamp_milliseconds": 0,
        "key": message.key.encode(),
        "headers": tuple((name, text.encode()) for name, text in message.headers.items()),
        "value": message.value,
        **changed,
    }
    return Incoming(**values)  # type: ignore[arg-type]


def launched(program: UUID, format_: str = "group") -> ProgramLaunched:
    return ProgramLaunched(program_id=program, format=format_, occurred_at=AT)


def read(handling: Handling, *events: Event) -> list[Item]:
    return [handling.reader.read(incoming(to_message(event, version=1))) for event in events]


async def effects(transaction: Transaction, subject: UUID) -> list[str]:
    async with transaction() as session:
        rows = await session.execute(
            sa.text("SELECT what FROM effects WHERE subject = :subject ORDER BY id"), {"subject": subject}
        )
        return [row.what for row in rows]


async def parked(transaction: Transaction) -> list[tuple[str, str]]:
    async with transaction() as session:
        return [(row.key, row.standing) for row in await dead_letters.list_parked(session, "tests", limit=1000)]


async def test_a_second_delivery_has_no_second_effect(handling: Handling, transaction: Transaction) -> None:
    program = uuid4()
    items = read(handling, launched(program))
    first = await handling.handle(items + items)
    second = await handling.handle(items)
    assert (first.handled, first.duplicates, second.handled, second.duplicates) == (1, 1, 0, 1)
    assert await effects(transaction, program) == ["group"]


async def test_two_members_with_the_same_events_at_once_have_one_effect(
    handling: Handling, transaction: Transaction
) -> None:
    programs = [uuid4() for _ in range(20)]
    items = read(handling, *(launched(program) for program in programs))
    await asyncio.gather(handling.handle(items), handling.handle(list(reversed(items))))
    for program in programs:
        assert await effects(transaction, program) == ["group"]


async def test_what_cannot_be_handled_is_parked_with_its_followers_and_others_go_on(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    broken, other = uuid4(), uuid4()
    script.fail("flash", ValueError("no"), ValueError("no"))
    await handling.handle(
        read(handling, launched(broken, "flash"), launched(other), launched(broken, "peer"), launched(other, "circle"))
    )
    await handling.handle(read(handling, launched(broken, "reverse")))
    assert await effects(transaction, other) == ["group", "circle"]
    assert await effects(transaction, broken) == []
    assert await parked(transaction) == [
        (str(broken), "poison"),
        (str(broken), "follower"),
        (str(broken), "follower"),
    ]


async def test_redriving_takes_effect_in_the_order_in_which_it_happened(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", *[ValueError("no")] * 3)
    await handling.handle(read(handling, launched(program, "flash"), launched(program, "peer")))
    lane = ("tandem.profiles", str(program))
    assert await handling.redriving.redrive(lane) == 0
    assert await effects(transaction, program) == []
    assert await handling.redriving.redrive(lane) == 2
    assert await effects(transaction, program) == ["flash", "peer"]
    assert await parked(transaction) == []


async def test_no_follower_is_left_behind_when_a_redrive_and_the_consumer_meet(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", ValueError("no"), ValueError("no"))
    await handling.handle(read(handling, launched(program, "flash")))
    lane = ("tandem.profiles", str(program))
    formats = ["peer", "group", "circle", "reverse", "one_to_one"]

    async def consume() -> None:
        for format_ in formats:
            await handling.handle(read(handling, launched(program, format_)))

    await asyncio.gather(consume(), handling.redriving.redrive(lane))
    while await handling.redriving.redrive(lane):
        pass
    assert await effects(transaction, program) == ["flash", *formats]
    assert await parked(transaction) == []


async def test_discarding_frees_the_followers(handling: Handling, script: Script, transaction: Transaction) -> None:
    program = uuid4()
    script.fail("flash", *[ValueError("no")] * 2)
    await handling.handle(read(handling, launched(program, "flash"), launched(program, "peer")))
    async with transaction() as session:
        first = (await dead_letters.list_parked(session, "tests"))[0]
    discarded = await handling.redriving.discard(first.id)
    assert discarded is not None
    assert discarded.reason == "ValueError: no"
    assert await handling.redriving.redrive(("tandem.profiles", str(program))) == 1
    assert await effects(transaction, program) == ["peer"]
    assert await handling.redriving.discard(first.id) is None


async def test_an_event_that_waits_for_another_topic_is_tried_again_by_itself(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", *[NotYet("the person is not known yet")] * 3)
    await handling.handle(read(handling, launched(program, "flash"), launched(program, "peer")))
    assert await parked(transaction) == [(str(program), "waiting"), (str(program), "follower")]
    done = 0
    for _ in range(200):
        done += await handling.redriving.redrive_due(datetime.now(UTC))
        if done == 2:
            break
        await asyncio.sleep(0.01)
    assert await effects(transaction, program) == ["flash", "peer"]


async def test_a_fault_that_passes_is_retried_in_place(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", TimeoutError(), OperationalError("x", None, Exception("gone")), ConnectionResetError())
    outcome = await handling.handle(read(handling, launched(program, "flash")))
    assert outcome.handled == 1
    assert await effects(transaction, program) == ["flash"]


async def test_a_fault_that_never_passes_ends_in_parking(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", *[TimeoutError("slow")] * 1000)
    outcome = await handling.handle(read(handling, launched(program, "flash")))
    assert outcome.parked == 1
    assert await effects(transaction, program) == []


async def test_a_state_that_is_gone_reaches_its_own_handler(handling: Handling, transaction: Transaction) -> None:
    person = uuid4()
    gone = to_tombstone(PersonState, person, occurred_at=AT, version=2)
    await handling.handle([handling.reader.read(incoming(gone))])
    assert await effects(transaction, person) == ["gone"]


def without(header: str) -> Callable[[Message], Incoming]:
    return lambda message: incoming(
        message, headers=tuple((n, t.encode()) for n, t in message.headers.items() if n != header)
    )


def with_header(name: str, text: bytes) -> Callable[[Message], Incoming]:
    return lambda message: incoming(
        message, headers=(*((n, t.encode()) for n, t in message.headers.items() if n != name), (name, text))
    )


LONG = "x" * 20 + "".join(chr(0x4E00 + index * 7919 % 20_000) for index in range(5000))
"""A key that no index of PostgreSQL holds: long, and nothing in it repeats."""

BAD: dict[str, tuple[Callable[[Message], Incoming], str]] = {
    "no headers": (lambda m: incoming(m, headers=()), "not a CloudEvent"),
    "no id": (without("ce_id"), "ce_id is missing"),
    "another spec version": (with_header("ce_specversion", b"0.3"), "not 1.0"),
    "broken JSON": (lambda m: incoming(m, value=b'{"program_id":'), "json_invalid"),
    "not UTF-8": (lambda m: incoming(m, value=b"\xff\xfe"), "schema violation"),
    "an array": (lambda m: incoming(m, value=b"[]"), "schema violation"),
    "a schema violation": (lambda m: incoming(m, value=b'{"program_id": 7}'), "program_id: uuid_type"),
    "a fact without a value": (lambda m: incoming(m, value=None), "only a state can be gone"),
    "5 MB": (lambda m: incoming(m, value=b'{"x":"' + b"x" * 5_000_000 + b'"}'), "too large"),
    "a wrong key": (lambda m: incoming(m, key=b"another"), "ce_partitionkey"),
    "no key": (lambda m: incoming(m, key=None), "ce_partitionkey"),
    "a NUL in the name of a header": (
        lambda m: with_header("na\x00me", b"x")(replace(m, value=b"[]")),
        "schema violation",
    ),
    "a NUL in a header": (lambda m: with_header("x", b"\x00")(replace(m, value=b"[]")), "schema violation"),
    "a NUL in the key": (with_header("ce_partitionkey", b"\x00"), "(\\x00)"),
    "a very long key": (lambda m: incoming(m, key=LONG.encode()), "ce_partitionkey"),
    "bytes that are no UTF-8 in the key": (lambda m: incoming(m, key=b"\xff\xfe"), "ce_partitionkey"),
    "the wrong topic": (lambda m: incoming(m, topic="tandem.people"), "belongs on tandem.profiles"),
}


@pytest.mark.parametrize("fault", BAD)
async def test_bad_input_is_parked_with_its_reason_and_nothing_stops(
    fault: str, handling: Handling, transaction: Transaction
) -> None:
    broken, good = uuid4(), uuid4()
    spoil, reason = BAD[fault]
    items = [handling.reader.read(spoil(to_message(launched(broken), version=1))), *read(handling, launched(good))]
    outcome = await handling.handle(items)
    assert (outcome.handled, outcome.parked) == (1, 1)
    async with transaction() as session:
        (row,) = await dead_letters.list_parked(session, "tests")
    assert row.standing == "poison"
    assert reason in row.reason
    again = await handling.handle(items)
    assert (again.duplicates, again.parked) == (2, 0)


@pytest.mark.parametrize("kind", [b"tandem.program.launched.v2", b"tandem.unheard.of.v1", b"com.example.other"])
async def test_what_nobody_here_reads_is_passed_over(kind: bytes, handling: Handling, transaction: Transaction) -> None:
    item = handling.reader.read(with_header("ce_type", kind)(to_message(launched(uuid4()), version=1)))
    outcome = await handling.handle([item])
    assert (outcome.passed_over, outcome.parked) == (1, 0)
    assert await parked(transaction) == []


def test_a_subscription_to_a_state_must_say_what_to_do_when_it_is_gone() -> None:
    async def handler(event: PersonState, session: AsyncSession) -> None: ...

    async def gone(person_id: UUID, session: AsyncSession) -> None: ...

    with pytest.raises(TypeError, match="on_gone"):
        Subscription(PersonState, handler)
    with pytest.raises(TypeError, match="only a state"):
        Subscription(PersonRegistered, handler, on_gone=gone)


async def test_what_another_member_is_parking_at_this_moment_keeps_its_followers(
    handling: Handling, transaction: Transaction
) -> None:
    program = uuid4()
    may_commit = asyncio.Event()

    @asynccontextmanager
    async def held() -> AsyncIterator[AsyncSession]:
        async with transaction() as session:
            yield session
            await may_commit.wait()

    poison, follower, later = (
        handling.reader.read(incoming(to_message(launched(program), version=1), **changed))
        for changed in ({"value": b"{"}, {}, {})
    )
    silent = Handling(handling.reader, held, name="tests", retry_seconds=0.5, waiting_retry_seconds=0.01)
    woken = asyncio.create_task(silent.handle([poison, follower]))

    async def waits() -> bool:
        async with transaction() as session:
            return bool(
                await session.scalar(
                    sa.text(
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                )
            )

    async def holds() -> bool:
        async with transaction() as session:
            return bool(
                await session.scalar(
                    sa.text(
                        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                        " AND datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            )

    await eventually(holds)
    owner = asyncio.create_task(handling.handle([poison, follower, later]))
    await eventually(waits)
    may_commit.set()
    await asyncio.gather(woken, owner)
    assert await parked(transaction) == [(str(program), "poison")] + [(str(program), "follower")] * 2
    assert await effects(transaction, program) == []


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError, InternalError])
async def test_what_the_driver_raises_when_its_connection_is_ended_parks_nothing(
    kind: type[DBAPIError], handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("group", *(kind("INSERT", {}, Exception("another operation is in progress")) for _ in range(2)))
    await handling.handle(read(handling, launched(program)))
    assert await parked(transaction) == []
    assert await effects(transaction, program) == ["group"]


async def test_what_is_done_around_a_batch_is_done_once_for_all_of_its_new_events_and_in_their_transaction(
    script: Script, handling: Handling, transaction: Transaction
) -> None:
    seen: list[list[Event]] = []

    @asynccontextmanager
    async def around(session: AsyncSession, events: Sequence[Event]) -> AsyncIterator[None]:
        seen.append(list(events))
        yield
        for event in events:
            await script._effect(session, event.subject_id(), "around")

    surrounded = Handling(
        handling.reader, transaction, name="around", retry_seconds=0.5, waiting_retry_seconds=0.01, around_batch=around
    )
    events = [launched(uuid4()) for _ in range(3)]
    items = read(surrounded, *events)
    await surrounded.handle([*items, items[0]])
    assert seen == [events]
    for event in events:
        assert await effects(transaction, event.program_id) == ["group", "around"]


async def test_a_batch_whose_end_fails_is_handled_one_by_one(
    script: Script, handling: Handling, transaction: Transaction
) -> None:
    @asynccontextmanager
    async def around(session: AsyncSession, events: Sequence[Event]) -> AsyncIterator[None]:
        yield
        if len(events) > 1:
            raise ValueError("too many")

    surrounded = Handling(
        handling.reader, transaction, name="ends", retry_seconds=0.5, waiting_retry_seconds=0.01, around_batch=around
    )
    events = [launched(uuid4()) for _ in range(2)]
    outcome = await surrounded.handle(read(surrounded, *events))
    assert (outcome.handled, outcome.parked) == (2, 0)
    for event in events:
        assert await effects(transaction, event.program_id) == ["group"], "what the batch did is rolled back"


async def test_what_is_done_around_a_batch_is_done_around_a_redriven_event_too(
    script: Script, handling: Handling, transaction: Transaction
) -> None:
    seen: list[Event] = []

    @asynccontextmanager
    async def around(session: AsyncSession, events: Sequence[Event]) -> AsyncIterator[None]:
        del session
        yield
        seen.extend(events)

    surrounded = Handling(
        handling.reader,
        transaction,
        name="redriven",
        retry_seconds=0.1,
        waiting_retry_seconds=0.01,
        around_batch=around,
    )
    event = launched(uuid4(), "flash")
    script.fail("flash", NotYet("not yet"), NotYet("not yet"))
    [item] = read(surrounded, event)
    await surrounded.handle([item])
    assert seen == []
    assert await surrounded.redriving.redrive(item.lane) == 1
    assert seen == [event]


@pytest.mark.parametrize("words", ["no \x00 here", "half a pair: \ud83d"])
async def test_a_reason_that_the_database_refuses_is_kept_escaped(
    words: str, handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", *[ValueError(words)] * 3)
    await handling.handle(read(handling, launched(program, "flash")))
    assert await parked(transaction) == [(str(program), "poison")]
    assert await handling.redriving.redrive(("tandem.profiles", str(program))) == 0
    async with transaction() as session:
        (row,) = await dead_letters.list_parked(session, "tests")
    assert row.attempts == 2
    assert "\\x00" in row.reason or "\\ud83d" in row.reason


async def test_what_the_database_refuses_to_keep_of_an_event_is_left_out_and_nothing_stops(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    broken, good = uuid4(), uuid4()
    async with transaction() as session:
        await session.execute(sa.text("ALTER TABLE dead_letters ADD CHECK (headers = '{}')"))
    script.fail("flash", *[ValueError("no")] * 3)
    outcome = await handling.handle(read(handling, launched(broken, "flash"), launched(good)))
    assert (outcome.handled, outcome.parked) == (1, 1)
    async with transaction() as session:
        (row,) = await dead_letters.list_parked(session, "tests")
    assert (row.key, row.headers, row.reason) == (str(broken), {}, "'ValueError: no'")


async def test_an_event_with_a_very_long_key_is_redriven_as_it_came(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", *[ValueError("no")] * 2)
    message = to_message(launched(program, "flash"), version=1)
    headers = {**message.headers, "ce_partitionkey": LONG}
    item = handling.reader.read(incoming(replace(message, key=LONG, headers=headers)))
    await handling.handle([item])
    assert [standing for _, standing in await parked(transaction)] == ["poison"]
    assert await handling.redriving.redrive(item.lane) == 1
    assert await effects(transaction, program) == ["flash"]


async def test_who_redrives_and_is_killed_leaves_a_key_that_goes_on_by_itself(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", *[NotYet("not yet")] * 2)
    await handling.handle(read(handling, *(launched(program, format_) for format_ in ("flash", "peer", "group"))))
    lane = ("tandem.profiles", str(program))
    await handling.redriving._redrive(lane, at_most=1)  # and killed after that
    assert await parked(transaction) == [(str(program), "waiting"), (str(program), "follower")]
    assert await handling.redriving.redrive_due(datetime.now(UTC)) == 2
    assert await effects(transaction, program) == ["flash", "peer", "group"]


async def test_a_key_is_redriven_in_few_transactions(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    opened = 0

    @asynccontextmanager
    async def counted() -> AsyncIterator[AsyncSession]:
        nonlocal opened
        opened += 1
        async with transaction() as session:
            yield session

    counting = Handling(handling.reader, counted, name="tests", retry_seconds=0.5, waiting_retry_seconds=0.01)
    script.fail("flash", *[ValueError("no")] * 2)
    await handling.handle(read(handling, launched(program, "flash")))
    await handling.handle(read(handling, *(launched(program) for _ in range(150))))
    assert await counting.redriving.redrive(("tandem.profiles", str(program))) == 151
    assert opened == 2
    assert await effects(transaction, program) == ["flash"] + ["group"] * 150


async def test_of_many_that_are_redriven_together_only_what_fails_stays_with_what_is_behind_it(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    program = uuid4()
    script.fail("flash", *[ValueError("no")] * 2)
    formats = ["flash", "peer", "group", "reverse", "circle"]
    await handling.handle(read(handling, *(launched(program, format_) for format_ in formats)))
    script.fail("reverse", *[ValueError("still no")] * 3)
    assert await handling.redriving.redrive(("tandem.profiles", str(program))) == 3
    assert await effects(transaction, program) == ["flash", "peer", "group"]
    async with transaction() as session:
        first, second = await dead_letters.list_parked(session, "tests")
    assert (first.standing, first.reason, second.standing) == ("poison", "ValueError: still no", "follower")
    script.faults.clear()
    assert await handling.redriving.redrive(("tandem.profiles", str(program))) == 2
    assert await effects(transaction, program) == formats


async def test_a_consumer_and_a_redrive_look_into_the_index_however_much_is_parked(
    handling: Handling, transaction: Transaction
) -> None:
    async with transaction() as session:
        await session.execute(
            sa.text(
                'INSERT INTO dead_letters (reader, topic, partition, "offset", key, event_id, headers, standing,'
                " reason)"
                " SELECT 'tests', 'tandem.profiles', 0, n, (n % 7)::text, gen_random_uuid(), '{}', 'follower', 'x'"
                " FROM generate_series(1, 20000) n"
            )
        )
    async with transaction() as session:
        await session.execute(sa.text("ANALYZE dead_letters"))
        plans = await read_rows(session, lambda: dead_letters.blocked(session, "tests", [("tandem.profiles", "3")]))
        assert plans < 20
        first = await read_rows(session, lambda: dead_letters.lock_first(session, "tests", ("tandem.profiles", "3")))
        assert first < 20


async def read_rows(session: AsyncSession, look: Callable[[], Awaitable[object]]) -> int:
    """How many rows of the table of parked events are read, from an index or not."""
    count = sa.text(
        "SELECT pg_stat_get_xact_tuples_returned('dead_letters'::regclass)"
        " + pg_stat_get_xact_tuples_fetched('dead_letters'::regclass)"
    )
    before = await session.scalar(count)
    assert await look()
    return int((await session.scalar(count) or 0) - (before or 0))


async def test_what_is_parked_of_somebody_who_is_erased_is_given_up(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    erased, other = uuid4(), uuid4()
    at = datetime.now(UTC)
    script.fail("Ada", *[ValueError("no")] * 4)
    people = [
        PersonState(person_id=who, given_name="Ada", family_name="L", email="a@example.org", occurred_at=at)
        for who in (erased, other)
    ]
    await handling.handle(read(handling, *people))
    assert len(await parked(transaction)) == 2
    async with transaction() as session:
        assert await dead_letters.forget(session, ("tandem.people", str(erased))) == 1
    assert await parked(transaction) == [(str(other), "poison")]


async def test_what_was_parked_of_a_thing_goes_once_the_thing_is_gone(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    gone, other = uuid4(), uuid4()
    script.fail("Moira", *[ValueError("no")] * 4)
    await handling.handle(read(handling, person(gone, "Moira"), person(gone, "Mo")))
    await handling.handle(read(handling, person(other, "Moira")))
    assert await parked(transaction) == [(str(gone), "poison"), (str(gone), "follower"), (str(other), "poison")]
    outcome = await handling.handle([of_gone(handling, gone)])
    assert (outcome.handled, outcome.parked) == (1, 0)
    assert await effects(transaction, gone) == ["gone"]
    assert await parked(transaction) == [(str(other), "poison")]
    await handling.handle(read(handling, person(gone, "Back")))
    assert await effects(transaction, gone) == ["gone", "Back"]


async def test_an_old_state_that_cannot_be_read_and_the_end_of_its_thing_leave_nothing_behind(
    handling: Handling, transaction: Transaction
) -> None:
    gone = uuid4()
    old = handling.reader.read(incoming(to_message(person(gone, "Moira"), version=1), value=b'{"given_name": 7}'))
    outcome = await handling.handle([old, *read(handling, person(gone, "Mo")), of_gone(handling, gone)])
    assert (outcome.handled, outcome.passed_over, outcome.parked) == (1, 2, 0)
    assert await effects(transaction, gone) == ["gone"]
    assert await parked(transaction) == []


async def test_an_end_that_cannot_be_handled_waits_behind_what_was_parked(
    handling: Handling, script: Script, transaction: Transaction
) -> None:
    gone = uuid4()
    script.fail("Moira", *[ValueError("no")] * 2)
    script.fail("gone", *[ValueError("no")] * 2)
    await handling.handle(read(handling, person(gone, "Moira")))
    await handling.handle([of_gone(handling, gone)])
    assert await parked(transaction) == [(str(gone), "poison"), (str(gone), "poison")]
    assert await handling.redriving.redrive(("tandem.people", str(gone))) == 2
    assert await effects(transaction, gone) == ["Moira", "gone"]


def person(person_id: UUID, name: str) -> PersonState:
    return PersonState(person_id=person_id, given_name=name, family_name="B", email="a@example.org", occurred_at=AT)


def of_gone(handling: Handling, person_id: UUID) -> Item:
    return handling.reader.read(incoming(to_tombstone(PersonState, person_id, occurred_at=AT, version=2)))
