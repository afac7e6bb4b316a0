"""What is done with a service from a shell: `python -m tandem_chassis serve tandem_matching`, and `--help`."""

import asyncio
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from prometheus_client import start_http_server
from pydantic import ValidationError

from tandem_chassis import migrations, secret_files, serving
from tandem_chassis.settings import ServiceSettings
from tandem_chassis.telemetry import set_up_logging, set_up_tracing
from tandem_events.contracts import CONTRACTS, Contract
from tandem_events.database import tls
from tandem_events.kafka import ensure_topics
from tandem_events.replay import ReadModel, ReplayRefused, replay
from tandem_events.republishing import republish

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Package = Annotated[
    str, typer.Argument(help="The service's package, such as tandem_matching.", envvar="TANDEM_SERVICE")
]


def settings_of(package: str) -> ServiceSettings:
    """The settings, from the environment and from files; a wrong one ends the process with its name and the reason."""
    kind = import_module(f"{package}.settings").Settings
    try:
        settings: ServiceSettings = kind(_secrets_dir=secret_files.directory_for(kind))
    except secret_files.SecretsUnusable as refused:
        sys.stderr.write(f"{refused}\n")
        raise typer.Exit(78) from refused
    except ValidationError as refused:
        for error in refused.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in error["loc"]).upper()
            reason = error["msg"].removeprefix("Value error, ")
            # What concerns several settings together names them itself.
            sys.stderr.write(f"TANDEM_{name}: {reason}\n" if name else f"{reason}\n")
        raise typer.Exit(78) from refused
    return settings


@app.command()
def serve(
    package: Package,
    migrate: Annotated[bool, typer.Option(help="Bring the database up to date first.")] = False,
) -> None:
    """Serve a service until SIGTERM or SIGINT; then finish what is in hand and leave."""
    settings = settings_of(package)
    set_up_logging(service=package.removeprefix("tandem_"), level=settings.log_level)
    set_up_tracing(settings, service=package.removeprefix("tandem_"))
    create_app = import_module(f"{package}.main").create_app
    if settings.metrics_port:
        try:
            start_http_server(settings.metrics_port, addr=settings.http_host)
        except OSError as refused:
            sys.stderr.write(f"TANDEM_METRICS_PORT: port {settings.metrics_port}: {refused.strerror}\n")
            raise typer.Exit(78) from refused
    serving.run(
        create_app(settings, migrate=migrate),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


@app.command()
def migrate(package: Package) -> None:
    """Bring the database of a service up to date."""
    settings = settings_of(package)
    set_up_logging(service=package.removeprefix("tandem_"), level=settings.log_level)
    asyncio.run(migrations.upgrade(settings.direct_dsn(), package=package, encryption=tls(settings)))


Since = Annotated[datetime | None, typer.Option(help="Only events from this moment on (UTC where no zone is said).")]
Until = Annotated[datetime | None, typer.Option(help="Only events before this moment.")]


@app.command("republish")
def republish_archive(
    package: Package,
    since: Since = None,
    until: Until = None,
    event_type: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type, such as pairing.created.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only events of this key, such as a pairing's id.")] = None,
) -> None:
    """Send the events of a service's archive again: to a new Kafka, or one that lost them. Readers pass over doubles.

    Prints a JSON document a batch: how many were sent so far.
    """
    settings = settings_of(package)
    types = [contract.type for contract in map(contract_of, event_type or [])]

    async def run() -> None:
        await ensure_topics(settings, CONTRACTS)
        sent = 0
        async for sent in republish(settings, since=_utc(since), until=_utc(until), types=types, key=key):
            _print({"sent": sent, "done": False})
        _print({"sent": sent, "done": True})

    asyncio.run(run())


@app.command("replay")
def replay_read_model(
    package: Package,
    model: Annotated[str | None, typer.Option(help="Which read model; without it, they are listed.")] = None,
    since: Since = None,
) -> None:
    """Rebuild a read model of a service from the topics, while it runs, and switch over.

    Prints a JSON document a batch: how many events were read and applied, and at the end how many rows there are.
    Without a model, prints a JSON document that lists what there is.
    """
    service = package.removeprefix("tandem_")
    models = read_models_of(package)
    if model is None:
        _print({"models": [_described(one) for one in models.values()]})
        return
    if model not in models:
        choices = f"there are: {', '.join(models)}" if models else "it has none"
        raise typer.BadParameter(f"{service} has no read model {model}; {choices}.")
    settings, chosen = settings_of(package), models[model]

    async def run() -> None:
        async for progress in replay(settings, chosen, service=service, since=_utc(since)):
            _print({"model": chosen.name, **asdict(progress)})

    try:
        asyncio.run(run())
    except ReplayRefused as refused:
        sys.stderr.write(f"{refused}\n")
        raise typer.Exit(1) from refused


def read_models_of(package: str) -> dict[str, ReadModel]:
    """What a service can rebuild from events alone, by name; nothing where it declares nothing."""
    if find_spec(f"{package}.read_models") is None:
        return {}
    return {one.name: one for one in import_module(f"{package}.read_models").READ_MODELS}


def _described(model: ReadModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "tables": list(model.tables),
        "events": [event.contract.name for event in model.events],
        "keeps_untold": model.keeps_untold,
    }


def contract_of(name: str) -> Contract:
    """The contract that somebody means by `pairing.created` (the newest version) or `pairing.created.v1`."""
    found = [
        event.contract
        for event in CONTRACTS
        if name in (event.contract.name, f"{event.contract.name}.v{event.contract.version}")
    ]
    if not found:
        raise typer.BadParameter(f"There is no event {name}.")
    return max(found, key=lambda contract: contract.version)


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _print(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app()
