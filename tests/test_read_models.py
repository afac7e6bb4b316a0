"""What each service keeps of the others' worlds is rebuilt from the topics, and no table is forgotten."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest

from tandem_chassis import migrations
from tandem_events.conformance import OWN_TABLES as OF_THE_BACKBONE
from tandem_events.contracts import (
    PairingCreated,
    PairingMemberLeft,
    PairingState,
    PersonDeparted,
    PersonErased,
    PersonMerged,
    PersonState,
    ProgramState,
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)
from tandem_events.contracts.contract import Event, Member
from tandem_events.contracts.people import SkillLevel
from tandem_events.envelope import Message, to_message, to_tombstone
from tandem_events.replay import Progress, ReadModel, replay
from tandem_events.settings import EventSettings
from tandem_events.testing import eventually, publish_messages
from tests.subjects import KEPT_BY_TIMERS, SAID_BY_TIMERS, SERVICES, subject

pytestmark = pytest.mark.timeout(300)

DECLARED = {service: import_module(f"tandem_{service}.read_models") for service in SERVICES}
MODELS = [(service, model) for service, declared in DECLARED.items() for model in declared.READ_MODELS]

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
"""Lately, so that no timer finds anything overdue."""
STORY = UUID("6f1d3c52-6a0c-4d55-9c66-3b1f2f7f8a11")
"""All ids of the story are made of this one: each time it is told it is the same."""


def some_id(name: str) -> UUID:
    return uuid5(STORY, name)


PROGRAMS = [some_id(f"program {number}") for number in range(4)]
PEOPLE = [some_id(f"person {number}") for number in range(24)]
PAIRINGS = [some_id(f"pairing {number}") for number in range(6)]
ERASED_EARLY, ERASED_LATE, MERGED, DEPARTED = PEOPLE[20], PEOPLE[21], PEOPLE[22], PEOPLE[23]


class Story:
    """What happens, one moment after the other."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._moments = count()

    def now(self) -> datetime:
        return BEGAN + timedelta(minutes=next(self._moments))

    def says(self, event: Event) -> None:
        self.messages.append(to_message(event, version=1))

    def is_gone(self, state: type[Event], subject_id: UUID) -> None:
        self.messages.append(to_tombstone(state, subject_id, occurred_at=self.now(), version=9))

    def program(self, number: int, version: int) -> None:
        self.says(
            ProgramState(
                program_id=PROGRAMS[number],
                name=f"Program {number}, version {version}",
                format="one_to_one",
                status="running",
                meeting_every_days=7 * version,
                matching={"seed": version},
                occurred_at=self.now(),
            )
        )

    def person(self, person_id: UUID, version: int, **fields: Any) -> None:
        number = PEOPLE.index(person_id)
        self.says(
            PersonState(
                person_id=person_id,
                given_name=f"Given {number}",
                family_name=f"Family {version}",
                email=f"person{number}@example.org",
                unit=f"Unit {version}",
                level=version,
                time_zone="Europe/Lisbon",
                languages=("en", f"x-{version}"),
                skills_offered=(SkillLevel(skill="sql", level=version),),
                # Whoever is said to keep a calendar changes each time: what follows from it is not said again.
                delegate_id=PEOPLE[(number + version) % 20],
                **{"manager_id": PEOPLE[(number + 1) % 20], "occurred_at": self.now(), **fields},
            )
        )

    def erase(self, person_id: UUID) -> None:
        self.says(PersonErased(person_id=person_id, occurred_at=self.now()))
        self.is_gone(PersonState, person_id)

    def pair(self, number: int, *people: UUID) -> None:
        about = {"pairing_id": PAIRINGS[number], "program_id": PROGRAMS[0], "members": members(*people)}
        self.says(PairingCreated(format="one_to_one", occurred_at=self.now(), **about))
        self.says(PairingState(format="one_to_one", status="active", occurred_at=self.now(), **about))

    def leave(self, number: int, person_id: UUID, *left: UUID) -> None:
        about = {"pairing_id": PAIRINGS[number], "program_id": PROGRAMS[0], "members": members(*left)}
        self.says(PairingMemberLeft(person_id=person_id, occurred_at=self.now(), **about))
        self.says(PairingState(format="one_to_one", status="active", occurred_at=self.now(), **about))

    def session(self, number: int, pairing: int, *people: UUID) -> dict[str, Any]:
        begins = BEGAN + timedelta(days=number)
        about = {
            "session_id": some_id(f"session {number}"),
            "pairing_id": PAIRINGS[pairing],
            "program_id": PROGRAMS[0],
            "starts_at": begins,
        }
        ends = begins + timedelta(hours=1)
        self.says(
            SessionScheduled(
                ends_at=ends, attendees=people, way_of_meeting="in_person", occurred_at=self.now(), **about
            )
        )
        return about

    def complete(self, about: dict[str, Any], *people: UUID, completed: int) -> None:
        self.says(
            SessionCompleted(
                ends_at=about["starts_at"] + timedelta(hours=1),
                attended=people,
                completed_sessions=completed,
                agenda_items=1,
                agenda_items_done=1,
                occurred_at=self.now(),
                **about,
            )
        )

    def move(self, about: dict[str, Any], *people: UUID) -> None:
        later = about["starts_at"] + timedelta(hours=3)
        self.says(
            SessionRescheduled(
                **{**about, "starts_at": later},
                ends_at=later + timedelta(hours=1),
                previous_starts_at=about["starts_at"],
                attendees=people,
                way_of_meeting="in_person",
                reason="busy",
                rescheduled_by=people[0],
                reschedules=1,
                occurred_at=self.now(),
            )
        )

    def cancel(self, about: dict[str, Any]) -> None:
        what = {name: about[name] for name in ("session_id", "pairing_id", "program_id")}
        self.says(SessionCancelled(reason="ill", occurred_at=self.now(), **what))

    def miss(self, about: dict[str, Any], person_id: UUID) -> None:
        self.says(SessionMissed(missed_by=(person_id,), occurred_at=self.now(), **about))


def members(*people: UUID) -> tuple[Member, ...]:
    return tuple(Member(person_id=one, role="mentor" if place == 0 else "mentee") for place, one in enumerate(people))


def told() -> tuple[list[Message], list[Message]]:
    """What happens before the damage, and what happens while it is repaired."""
    story = Story()
    for number in range(4):
        story.program(number, 1)
    for version in (1, 2):
        for person_id in PEOPLE:
            story.person(person_id, version)
    story.person(PEOPLE[0], 3, manager_id=MERGED)
    story.program(1, 2)
    story.erase(ERASED_EARLY)
    for pairing in range(3):
        story.pair(pairing, PEOPLE[2 * pairing], PEOPLE[2 * pairing + 1])
    group = PEOPLE[8:14]
    story.pair(3, *group)
    story.leave(3, group[5], *group[:5])
    held = [story.session(number, number % 3, *PEOPLE[2 * (number % 3) :][:2]) for number in range(6)]
    story.complete(held[0], PEOPLE[0], PEOPLE[1], completed=1)
    story.cancel(held[1])
    story.miss(held[2], PEOPLE[4])
    story.move(held[3], PEOPLE[0], PEOPLE[1])
    split = len(story.messages)
    for person_id in PEOPLE[:20]:
        story.person(person_id, 4)
    for number in (1, 3):
        story.program(number, 3)
    left = story.now()
    story.says(PersonDeparted(person_id=DEPARTED, left_on=BEGAN.date(), occurred_at=left))
    story.person(DEPARTED, 3, departed_on=BEGAN.date(), occurred_at=left)
    story.says(PersonMerged(person_id=PEOPLE[5], duplicate_id=MERGED, occurred_at=story.now()))
    story.is_gone(PersonState, MERGED)
    story.erase(ERASED_LATE)
    story.pair(4, PEOPLE[14], PEOPLE[15])
    story.is_gone(PairingState, PAIRINGS[2])
    story.leave(3, group[4], *group[:4])
    story.complete(held[3], PEOPLE[0], PEOPLE[1], completed=2)
    story.move(held[4], PEOPLE[2], PEOPLE[3])
    late = story.session(6, 4, PEOPLE[14], PEOPLE[15])
    story.cancel(late)
    story.session(7, 4, PEOPLE[14], PEOPLE[15])
    return story.messages[:split], story.messages[split:]


def test_the_story_has_everything_that_a_read_model_is_made_of() -> None:
    before, after = told()
    types = {message.type for message in (*before, *after)}
    assert {event.contract.type for _, model in MODELS for event in model.events} <= types


@pytest.fixture(scope="module")
async def undamaged(new_database: Any, broker: Any) -> dict[str, dict[str, list[str]]]:
    """Every table of every service that heard the story and was never damaged."""
    tables: dict[str, dict[str, list[str]]] = {}
    for service in SERVICES:
        before, after = told()
        tested = subject(service, new_database, broker)
        settings = tested.settings()
        async with tested.run(settings), connected(settings) as connection:
            await publish_messages(settings, *before, *after)
            await handled(connection, tested.reads, [*before, *after])
            tables[service] = await every_table(connection)
    return tables


@pytest.mark.parametrize(("service", "model"), MODELS, ids=[f"{name} {model.name}" for name, model in MODELS])
async def test_a_damaged_read_model_is_as_if_it_never_was_damaged_once_it_is_replayed(
    service: str,
    model: ReadModel,
    undamaged: dict[str, dict[str, list[str]]],
    new_database: Any,
    broker: Any,
) -> None:
    before, after = told()
    tested = subject(service, new_database, broker)
    settings = tested.settings()
    async with tested.run(settings), connected(settings) as connection:
        await publish_messages(settings, *before)
        await handled(connection, tested.reads, before)
        for table in reversed(model.tables):
            sound = await rows(connection, table)
            await damage(connection, table, invent=not model.keeps_untold)
            assert len(set(sound) - set(await rows(connection, table))) > len(sound) / 2
        going_on = asyncio.create_task(go_on(settings, after))
        last = await replayed(settings, model, service)
        await going_on
        await handled(connection, tested.reads, [*before, *after])
        assert last.switched
        assert {table: await rows(connection, table) for table in model.tables} == {
            table: undamaged[service][table] for table in model.tables
        }
        again = await replayed(settings, model, service)
        assert again.rows == {table: len(undamaged[service][table]) for table in model.tables}


@pytest.mark.parametrize("service", SERVICES)
async def test_replaying_what_is_right_changes_nothing_and_says_nothing(
    service: str, new_database: Any, broker: Any
) -> None:
    before, after = told()
    tested = subject(service, new_database, broker)
    settings = tested.settings()
    async with tested.run(settings), connected(settings) as connection:
        await publish_messages(settings, *before, *after)
        await handled(connection, tested.reads, [*before, *after])
        left_alone = set(KEPT_BY_TIMERS.get(service, {}))
        sound = await every_table(connection, but=left_alone)
        for model in DECLARED[service].READ_MODELS:
            last = await replayed(settings, model, service)
            assert last.applied > 0
            assert await every_table(connection, but=left_alone) == sound, model.name


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_is_declared_in_a_read_model_or_has_a_reason_why_not(service: str, new_database: Any) -> None:
    declared = DECLARED[service]
    url = new_database()
    await migrations.upgrade(url, package=f"tandem_{service}")
    connection = await asyncpg.connect(url)
    try:
        there = {name for name in await table_names(connection) if name not in {*OF_THE_BACKBONE, "outbox"}}
    finally:
        await connection.close()
    rebuilt = [table for model in declared.READ_MODELS for table in model.tables]
    said = [*rebuilt, *declared.MIXED_TABLES, *declared.OWN_TABLES]
    assert len(said) == len(set(said)), "a table is named twice"
    assert set(said) == there, "name new tables in read_models.py"
    assert all({**declared.MIXED_TABLES, **declared.OWN_TABLES}.values())


@pytest.mark.parametrize(("service", "model"), MODELS, ids=[f"{name} {model.name}" for name, model in MODELS])
def test_a_read_model_is_made_of_what_its_service_reads(service: str, model: ReadModel) -> None:
    reads = {one.event for one in import_module(f"tandem_{service}.handlers").SUBSCRIPTIONS}
    assert set(model.events) <= reads
    assert set(model.decisive) <= set(model.events)


def test_the_page_for_operators_names_every_read_model_and_what_is_none() -> None:
    page = (Path(__file__).parents[1] / "docs/operate.md").read_text(encoding="utf-8")
    section = page.partition("## Rebuilding a read model")[2].partition("\n## ")[0]
    said = [line for line in section.splitlines() if re.match(r"\| [a-z]", line)]
    assert said == [
        "| service | model | tables | from | what the topics do not tell |",
        *rows_of_models(),
        "| service | tables | why |",
        *rows_of_mixed_tables(),
    ]


def rows_of_models() -> list[str]:
    return [
        f"| {service} | `{model.name}` | {code(*model.tables)} | "
        f"{code(*(event.contract.name for event in model.events))} | "
        f"{'stays' if model.keeps_untold else 'goes'} |"
        for service, model in MODELS
    ]


def rows_of_mixed_tables() -> list[str]:
    reasons: dict[tuple[str, str], list[str]] = {}
    for service, declared in DECLARED.items():
        for table, reason in declared.MIXED_TABLES.items():
            reasons.setdefault((service, reason), []).append(table)
    return [f"| {service} | {code(*tables)} | {reason} |" for (service, reason), tables in reasons.items()]


def code(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


async def go_on(settings: EventSettings, messages: Sequence[Message]) -> None:
    """Say these while something else happens, a few at a time."""
    for begin in range(0, len(messages), 8):
        await publish_messages(settings, *messages[begin : begin + 8])


async def replayed(settings: EventSettings, model: ReadModel, service: str) -> Progress:
    last = Progress()
    async for progress in replay(settings, model, service=service):
        last = progress
    return last


@asynccontextmanager
async def connected(settings: EventSettings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.asyncpg_dsn())
    try:
        yield connection
    finally:
        await connection.close()


async def handled(connection: asyncpg.Connection, reads: frozenset[str], messages: Sequence[Message]) -> None:
    wanted = [message.event_id for message in messages if message.type in reads]

    async def all_took_effect() -> bool:
        seen: int = await connection.fetchval("SELECT count(*) FROM inbox WHERE event_id = ANY($1::uuid[])", wanted)
        parked: int = await connection.fetchval("SELECT count(*) FROM dead_letters")
        return (seen, parked) == (len(wanted), 0)

    await eventually(all_took_effect, within_seconds=60)


async def table_names(connection: asyncpg.Connection) -> list[str]:
    found = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
    )
    return [row["relname"] for row in found]


async def every_table(
    connection: asyncpg.Connection, *, but: frozenset[str] | set[str] = frozenset()
) -> dict[str, list[str]]:
    """Every row of every table but the backbone's own; of the outbox, what was said."""
    tables = {
        table: await rows(connection, table)
        for table in await table_names(connection)
        if table not in but and table not in {*OF_THE_BACKBONE, "outbox"}
    }
    said = await connection.fetch("SELECT event_id::text FROM outbox WHERE type <> ALL($1)", list(SAID_BY_TIMERS))
    return {**tables, "outbox": sorted(row[0] for row in said)}


async def rows(connection: asyncpg.Connection, table: str) -> list[str]:
    return sorted(row[0] for row in await connection.fetch(f'SELECT "{table}"::text FROM "{table}"'))


DAMAGED = {
    "text": "'damaged'",
    "integer": "{0} + 1000",
    "boolean": "NOT {0}",
    "date": "{0} + 1",
    "timestamp with time zone": "{0} + interval '1 day'",
    "jsonb": "jsonb_build_object('damaged', true)",
    "text[]": "ARRAY['damaged']",
    "uuid[]": "ARRAY[gen_random_uuid()]",
    "bytea": "'\\x00'",
    "uuid": "gen_random_uuid()",
}
"""By type, what a damaged value is."""


async def damage(connection: asyncpg.Connection, table: str, *, invent: bool) -> None:
    """Delete a third of the rows, change the others wherever that is possible, and invent one."""
    columns = await connection.fetch(
        """
        SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
               coalesce(a.attnum = ANY (i.indkey), false) AS key
        FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
        WHERE a.attrelid = $1::regclass AND a.attnum > 0 ORDER BY a.attnum
        """,
        table,
    )
    for place, row in enumerate(await connection.fetch(f'SELECT ctid FROM "{table}" ORDER BY 1')):
        if place % 3 == 0:
            await possible(connection, f'DELETE FROM "{table}" WHERE ctid = $1', row["ctid"])
    for one in columns:
        if one["key"]:
            continue
        value = DAMAGED[one["type"]].format(f'"{one["name"]}"')
        await possible(connection, f'UPDATE "{table}" SET "{one["name"]}" = {value}')
    if invent:
        names = ", ".join(f'"{one["name"]}"' for one in columns)
        values = ", ".join("gen_random_uuid()" if one["key"] else f'"{one["name"]}"' for one in columns)
        assert await possible(connection, f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" LIMIT 1')


async def possible(connection: asyncpg.Connection, statement: str, *given: Any) -> bool:
    """Whether the database lets that happen, as it did."""
    try:
        async with connection.transaction():
            await connection.execute(statement, *given)
    except asyncpg.IntegrityConstraintViolationError:
        return False
    return True
