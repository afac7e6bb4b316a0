"""Whatever a service changed is written before the fact that tells of it: for every mapped class of every service."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapper

from tandem_events import outbox, tables
from tandem_events.contracts import PersonRegistered
from tandem_feedback.storage.tables import Table as OfFeedback
from tandem_matching.storage.tables import Table as OfMatching
from tandem_profiles.storage.table import Table as OfProfiles
from tandem_scheduling.storage.base import Table as OfScheduling

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SERVICES: dict[str, type[DeclarativeBase]] = {
    "profiles": OfProfiles,
    "matching": OfMatching,
    "scheduling": OfScheduling,
    "feedback": OfFeedback,
}
for _service in SERVICES:
    import_module(f"tandem_{_service}.main")  # brings every mapped class of its service
MAPPERS = [
    (service, mapper.class_.__name__)
    for service, base in SERVICES.items()
    for mapper in sorted(base.registry.mappers, key=lambda mapper: mapper.class_.__name__)
]
PLAIN: dict[type, tuple[Any, Any]] = {
    bool: (False, True),
    int: (1, 2),
    float: (1.0, 2.0),
    str: ("a", "b"),
    bytes: (b"a", b"b"),
    datetime: (NOW, NOW + timedelta(days=1)),
    date: (NOW.date(), NOW.date() + timedelta(days=1)),
    time: (time(1), time(2)),
    timedelta: (timedelta(1), timedelta(2)),
    Decimal: (Decimal(1), Decimal(2)),
    UUID: (uuid4(), uuid4()),
    object: ({"a": 1}, {"b": 2}),
    list: ([], []),
}
"""By what a column holds: a value to begin with, and another."""


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(sa.make_url(database).set(drivername="postgresql+asyncpg"))
    async with made.begin() as connection:
        for statement in tables.create_statements(NOW.date()):
            await connection.execute(sa.text(statement))
    yield made
    await made.dispose()


def values(mapper: Mapper[Any], which: int) -> dict[str, Any]:
    """A value for each column of a mapped class, by the name of its attribute."""
    found = {}
    for column in mapper.local_table.c:
        attribute = mapper.get_property_by_column(column).key
        if column.identity is None and column.computed is None and column is not mapper.version_id_col:
            kind = list if isinstance(column.type, sa.ARRAY) else column.type.python_type
            value = PLAIN[kind][0 if column.primary_key else which]
            local = isinstance(column.type, sa.DateTime) and not column.type.timezone
            found[attribute] = value.replace(tzinfo=None) if local else value
    return found


def test_every_service_maps_classes() -> None:
    assert {service for service, _ in MAPPERS} == SERVICES.keys()
    assert len(MAPPERS) > 60


@pytest.mark.parametrize(("service", "name"), MAPPERS)
async def test_a_row_is_written_before_the_fact_that_tells_of_it(service: str, name: str, engine: AsyncEngine) -> None:
    (mapper,) = (mapper for mapper in SERVICES[service].registry.mappers if mapper.class_.__name__ == name)
    table = mapper.local_table
    assert isinstance(table, sa.Table)
    alone = sa.Table(
        table.name,
        sa.MetaData(),
        *(
            sa.Column(
                column.name, column.type, *([sa.Identity()] if column.identity else []), primary_key=column.primary_key
            )
            for column in table.c
        ),
    )
    written: list[str] = []

    def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
        words = statement.split()
        if words[0] in {"INSERT", "UPDATE"}:
            written.append(words[2] if words[0] == "INSERT" else words[1])

    async with engine.begin() as connection:
        await connection.run_sync(alone.create)
    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    # Without autoflush, so that it is seen what the outbox does by itself.
    async with AsyncSession(engine, expire_on_commit=False, autoflush=False) as session:
        row = mapper.class_(**values(mapper, 0))
        session.add(row)
        await outbox.add(session, PersonRegistered(person_id=uuid4(), occurred_at=NOW), version=1)
        await session.commit()
        changed = {name: value for name, value in values(mapper, 1).items() if getattr(row, name) != value}
        for name, value in changed.items():
            setattr(row, name, value)
        await outbox.add(session, PersonRegistered(person_id=uuid4(), occurred_at=NOW), version=2)
        await session.commit()
    assert [one.strip('"') for one in written] == [table.name, "outbox"] + ([table.name] if changed else []) + [
        "outbox"
    ]
