"""The application of a service: its routes, its relay, its consumer, and how they start and stop together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import structlog
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis import health, idempotency, migrations, operations, problems
from tandem_chassis.auth import Authenticator, Keys, authenticated
from tandem_chassis.database import Database
from tandem_chassis.requests import RequestLayer
from tandem_chassis.settings import ServiceSettings
from tandem_events import kafka
from tandem_events.consumer import Consumer
from tandem_events.contracts.contract import Event
from tandem_events.database import DATABASE_AWAY, tls
from tandem_events.measuring import measure
from tandem_events.relay import Relay
from tandem_events.republishing import republish
from tandem_events.subscriptions import AroundBatch, Subscription, nothing_around

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
Measure = Callable[[AsyncSession, datetime], Awaitable[None]]
"""Looks something up for a metric, every few seconds; the same question in every replica."""

BackgroundTask = Callable[[FastAPI], Awaitable[None]]
"""Runs beside the requests until it is cancelled, such as a worker or a timer. It must be safe in several replicas."""


NO_TELEMETRY_OF_ITS_OWN = TelemetryConfig(
    tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False
)
"""FastAPI's own spans quote addresses with what is asked for, and its logs quote faults: both may tell of people.
`RequestLayer` makes the spans instead."""


IDEMPOTENCY_UPKEEP_SECONDS = 3600.0


def utc_now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """What makes one service different from another."""

    name: str
    title: str
    description: str
    routers: Sequence[APIRouter]
    subscriptions: Sequence[Subscription]
    sends: Sequence[type[Event]]
    tasks: Sequence[BackgroundTask] = field(default=())
    measures: Sequence[Measure] = field(default=())
    public_routers: Sequence[APIRouter] = field(default=())
    """Routes that take no token, because their address itself is the secret."""
    around_batch: AroundBatch = nothing_around
    """What is read and written once for a whole batch of events, rather than by each handler."""


def now(request: Request) -> datetime:
    """The moment of this request, from the application's clock."""
    clock: Clock = request.app.state.clock
    return clock()


Now = Annotated[datetime, Depends(now)]


def create_application(
    service: Service, settings: ServiceSettings, *, clock: Clock = utc_now, migrate: bool = False
) -> FastAPI:
    """The application, ready to be served. It starts at once and is ready when database and broker are."""
    database = Database(settings, service=service.name)
    relay = Relay(settings)
    database.after_facts = relay.wake
    consumer = Consumer(
        settings,
        service.subscriptions,
        database.transaction,
        service=service.name,
        around_batch=service.around_batch,
    )
    state = health.Health()
    state.checks.append(consumer.stalled)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _supervised(app, service, settings, migrate=migrate):
            yield
        await database.close()

    app = FastAPIOffline(
        title=service.title,
        description=service.description,
        version="1",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        telemetry=NO_TELEMETRY_OF_ITS_OWN,
    )
    app.state.service = service
    app.state.settings = settings
    app.state.database = database
    app.state.relay = relay
    app.state.consumer = consumer
    app.state.health = state
    app.state.clock = clock
    app.state.authenticator = Authenticator(settings, Keys(settings))
    app.add_middleware(RequestLayer, max_body_bytes=settings.http_max_body_bytes)
    problems.install(app)
    app.include_router(health.router)
    for router in service.public_routers:
        app.include_router(router)
    for router in (*service.routers, operations.router):
        app.include_router(router, dependencies=[Depends(authenticated)])
    return app


@asynccontextmanager
async def _supervised(
    app: FastAPI, service: Service, settings: ServiceSettings, *, migrate: bool
) -> AsyncIterator[None]:
    """Start the background work without keeping the health page waiting; stop it in the order that loses nothing."""
    state: health.Health = app.state.health
    consumer: Consumer = app.state.consumer
    running: list[asyncio.Task[Any]] = []

    def watch(task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None:
            state.failed = f"background work ended: {task.get_name()} ({type(task.exception()).__name__})"
            log.critical("background_work_ended", work=task.get_name(), exc_info=task.exception())

    def begin(name: str, work: Awaitable[Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        task.set_name(name)
        task.add_done_callback(watch)
        running.append(task)
        return task

    async def start() -> None:
        await _until_the_database_answers(app, settings)
        if migrate:
            state.waiting_for = "migrations"
            await migrations.upgrade(settings.direct_dsn(), package=f"tandem_{service.name}", encryption=tls(settings))
        else:
            await _until_the_migrations_are_there(app, service)
        await _until_the_broker_answers(app, service, settings)
        if settings.republish_at_start:
            await _until_the_archive_is_published_again(app, settings)
        begin("relay", app.state.relay.run())
        if service.subscriptions:
            begin("consumer", consumer.run())
            begin("retry of waiting events", consumer.retry_waiting())
        begin("measuring", _measure(app, service, settings))
        begin("idempotency upkeep", _forget_idempotency_keys(app, settings))
        for work in service.tasks:
            begin(getattr(work, "__name__", "task"), work(app))
        state.waiting_for = None
        log.info("ready")

    starting = begin("start", start())
    try:
        yield
    finally:
        state.waiting_for = "the end: it is stopping"
        starting.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), timeout=settings.shutdown_seconds)
        await _leave(running, settings)
        log.info("stopped")


async def _leave(running: Iterable[asyncio.Task[Any]], settings: ServiceSettings) -> None:
    """Let the consumer leave its group by itself; everything else is cancelled."""
    tasks = list(running)
    consumers = [task for task in tasks if task.get_name() == "consumer"]
    if consumers:
        await asyncio.wait(consumers, timeout=settings.shutdown_seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _until_the_database_answers(app: FastAPI, settings: ServiceSettings) -> None:
    url = settings.database_url.hosts()[0]
    state: health.Health = app.state.health
    state.waiting_for = f"the database at {url['host']}:{url['port'] or 5432}"
    said = False
    while True:
        try:
            await app.state.database.ping()
        except DATABASE_AWAY as fault:
            if not said:
                log.warning("waiting", waiting_for=state.waiting_for, fault=type(fault).__name__)
                said = True
            await asyncio.sleep(0.25)
        else:
            return


async def _until_the_migrations_are_there(app: FastAPI, service: Service) -> None:
    state: health.Health = app.state.health
    state.waiting_for = "its migrations"
    said = False
    while True:
        fault = "they have not run"
        try:
            async with app.state.database.transaction() as session:
                if not await migrations.are_missing(session, package=f"tandem_{service.name}"):
                    return
        except DATABASE_AWAY as away:
            fault = type(away).__name__
        if not said:
            log.warning("waiting", waiting_for=state.waiting_for, fault=fault)
            said = True
        await asyncio.sleep(0.5)


async def _until_the_broker_answers(app: FastAPI, service: Service, settings: ServiceSettings) -> None:
    state: health.Health = app.state.health
    state.waiting_for = f"the broker at {settings.kafka_bootstrap_servers}"
    said = False
    events = [*service.sends, *(subscription.event for subscription in service.subscriptions)]
    while True:
        try:
            await kafka.ensure_topics(settings, events)
        except (KafkaError, OSError, TimeoutError) as fault:
            if not said:
                log.warning("waiting", waiting_for=state.waiting_for, fault=type(fault).__name__)
                said = True
            await asyncio.sleep(0.25)
        else:
            return


async def _until_the_archive_is_published_again(app: FastAPI, settings: ServiceSettings) -> None:
    """From the beginning once more where the broker fails half way: readers pass over what they have seen."""
    state: health.Health = app.state.health
    state.waiting_for = "the archive to be published again"
    while True:
        try:
            async for _ in republish(settings, since=settings.republish_since):
                pass
        except (KafkaError, OSError, TimeoutError) as fault:
            log.warning("waiting", waiting_for=state.waiting_for, fault=type(fault).__name__)
            await asyncio.sleep(0.25)
        else:
            return


async def _measure(app: FastAPI, service: Service, settings: ServiceSettings) -> None:
    """Keep the metrics current that only the database can tell; while it is away they stay as they were."""

    async def waiting(session: AsyncSession, now: datetime) -> None:
        await measure(session, service.name, now=now)

    while True:
        with suppress(*DATABASE_AWAY):
            async with app.state.database.transaction() as session:
                for look_up in (waiting, *service.measures):
                    await look_up(session, app.state.clock())
        await asyncio.sleep(settings.measure_every_seconds)


async def _forget_idempotency_keys(app: FastAPI, settings: ServiceSettings) -> None:
    """Forget expired keys at the start, which a process that never lives for an hour needs, and every hour."""
    while True:
        with suppress(*DATABASE_AWAY):
            async with app.state.database.transaction() as session:
                await idempotency.forget(
                    session, now=app.state.clock(), retention=timedelta(hours=settings.idempotency_retention_hours)
                )
        await asyncio.sleep(IDEMPOTENCY_UPKEEP_SECONDS)
