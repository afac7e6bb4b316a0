"""docs/operate.md, followed line by line: its commands do what the page says, and what it names exists.

Commands in a block `console` run on a platform, those in `restore` and `services` on a PostgreSQL of their own. Those
in `kubernetes` need a cluster: Helm renders what they would install, and what kubectl is asked about must be among it.
That in `compose` needs a container engine: what it names is held to the file of Compose.
"""

import asyncio
import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import yaml
from aiokafka import AIOKafkaProducer

from tandem_chassis.app import Service
from tandem_chassis.testing import Tokens, running, settings_for
from tandem_events import kafka
from tandem_events.contracts import CONTRACTS
from tandem_events.testing import Seen, eventually, own_namespace, tap
from tandem_local import postgresql
from tandem_local.addresses import SERVICES
from tandem_local.declarations import services
from tandem_local.ports import free_base_port, free_port
from tandem_local.postgresql.started import SERVER_USER, StartedPostgresql
from tandem_local.settings_page import fields_of_all
from tandem_profiles.main import create_app
from tandem_profiles.settings import Settings
from tests.platform import RunningPlatform, running_platform
from tests.test_chart import CHART, helm, named

ROOT = Path(__file__).parent.parent
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operate.md", "capacity.md")}
PAGE = PAGES["operate.md"]
BLOCK = re.compile(r"^```console ?(?P<kind>\w*)\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command of the page, and what the page shows of its answer; `...` stands for anything."""

    words: str
    shown: str


def commands(kind: str) -> list[Command]:
    found = []
    for block in BLOCK.finditer(PAGE):
        if block["kind"] == kind:
            for part in re.split(r"^\$ ", block["lines"], flags=re.MULTILINE)[1:]:
                words, _, shown = part.partition("\n")
                found.append(Command(words, shown))
    return found


def agrees(shown: str, said: str) -> bool:
    """Whether the lines shown are among those said, in this order."""
    lines = iter(said.splitlines())
    return all(
        any(re.fullmatch(re.escape(line).replace(re.escape("..."), ".*"), one.strip()) for one in lines)
        for line in (line.strip() for line in shown.splitlines() if line.strip())
    )


def test_the_comparison_of_answers_can_fail() -> None:
    assert agrees("a ... c\n", "first\na bb c\nlast\n")
    assert not agrees("a ... c\n", "a bb d\n")
    assert not agrees("one\ntwo\n", "two\none\n")


def programs(*names: str) -> None:
    missing = [name for name in names if shutil.which(name) is None and not (PROGRAMS / name).exists()]
    if missing:
        assert not os.environ.get("CI"), f"CI must have {missing}"
        pytest.skip(f"{', '.join(missing)} is not installed: its commands were not tried")


def postgresql_programs() -> Path:
    server = postgresql.choose(directory=Path("/nonexistent"), port=free_port, log=Path("/nonexistent/log"))
    return server._binaries if isinstance(server, StartedPostgresql) else Path("/nonexistent")


PROGRAMS = postgresql_programs()


def run(command: Command, *, cwd: Path, environment: dict[str, str], user: str | None = None) -> str:
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.words],
        cwd=cwd,
        env=environment,
        user=user,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, f"{command.words}\n{answer.stdout}"
    assert agrees(command.shown, answer.stdout), f"{command.words}\n{answer.stdout}"
    return answer.stdout


@pytest.fixture
def platform_to_break(tmp_path: Path, broker_choice: str | None) -> Iterator[RunningPlatform]:
    """A platform for this test alone: who reads every message of the shared one must meet events only."""
    open_to_the_server(tmp_path)
    with running_platform(tmp_path / "home", base_port=free_base_port(), kafka=broker_choice) as running:
        yield running


@pytest.mark.platform
async def test_commands_on_a_running_platform_do_what_the_page_says(platform_to_break: RunningPlatform) -> None:
    platform = platform_to_break
    programs("curl", "psql")
    parked = await plant_a_poisoned_message(platform)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(PROGRAMS), os.environ["PATH"]]),
        "TANDEM_HOME": str(platform.home),
        "TANDEM_BASE_PORT": str(platform.addresses.base_port),
        "PROFILES": f"http://127.0.0.1:{platform.addresses.service_port('profiles')}",
        "PROFILES_DATABASE_URL": platform.database_url("profiles"),
        "PARKED": str(parked),
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
    asked = commands("")
    assert len(asked) >= 12
    for command in asked:
        await asyncio.to_thread(run, command, cwd=ROOT, environment=environment)


def topics_of(service: Service) -> set[str]:
    return {subscription.event.contract.topic for subscription in service.subscriptions}


def told_of_programs(seen: Sequence[Seen]) -> list[str]:
    """Which programs the facts are about, in the order of the facts; the state topic has an order of its own."""
    return [one.envelope.subject for one in seen if one.topic == "tandem.profiles"]


async def plant_a_poisoned_message(platform: RunningPlatform) -> int:
    """The number under which matching parked a message that is no event."""
    key = f"planted-{uuid4()}"
    producer = AIOKafkaProducer(bootstrap_servers=platform.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait("tandem.profiles", b"this is no event", key=key.encode())
    await producer.stop()
    found: list[int] = []

    async def is_parked() -> bool:
        answer = await asyncio.to_thread(
            platform.command, "events", "parked", "--service", "matching", "--key", key, "--json"
        )
        found[:] = [event["id"] for event in json.loads(answer.stdout)]
        everywhere = await asyncio.to_thread(platform.command, "events", "parked", "--key", key, "--json")
        readers = {service.name for service in services() if "tandem.profiles" in topics_of(service)}
        return bool(found) and {event["service"] for event in json.loads(everywhere.stdout)} == readers

    await eventually(is_parked, within_seconds=60)
    return found[0]


def open_to_the_server(directory: Path) -> None:
    """Let PostgreSQL, a user of its own when the tests run as root, come to what it keeps there."""
    directory.chmod(0o755)
    for above in directory.parents:
        if above.stat().st_uid == os.geteuid() and above.is_relative_to("/tmp"):
            above.chmod(above.stat().st_mode | 0o011)


@pytest.fixture
def old_server(tmp_path: Path) -> Iterator[StartedPostgresql]:
    """A PostgreSQL whose data will be taken to another place."""
    open_to_the_server(tmp_path)
    server = postgresql.choose(directory=tmp_path / "old", port=free_port, log=tmp_path / "old.log", durable=False)
    if not isinstance(server, StartedPostgresql):
        pytest.skip("the PostgreSQL here is a given one: it is not ours to back up and restore")
    server.start()
    yield server
    server.stop()


async def test_a_backup_is_restored_to_a_moment_and_its_facts_are_told_to_a_new_kafka(
    old_server: StartedPostgresql, broker: Any, tmp_path: Path
) -> None:
    """The page's own commands, in its order: the log is kept, a base is taken, the database is lost and comes back."""
    programs("pg_basebackup", "pg_receivewal", "pg_ctl", "psql")
    user = server_user()
    url = old_server.ensure_database("tandem_profiles")
    restored_port, tokens, namespace = free_port(), Tokens(), own_namespace()
    work = tmp_path / "work"
    work.mkdir()
    if user:
        shutil.chown(work, user, user)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(PROGRAMS), os.environ["PATH"]]),
        "HOME": str(work),
        "BACKUP_URL": old_server.admin_url,
        "RESTORED_PORT": str(restored_port),
        "RESTORED_URL": re.sub(r":\d+/", f":{restored_port}/", old_server.admin_url),
        "PGCONNECT_TIMEOUT": "5",
    }
    steps = commands("restore")
    keeping, restoring = steps[:4], steps[4:]
    assert "pg_basebackup" in keeping[-1].words
    assert restoring[0].words.startswith("touch")

    def settings_of(database: str, namespace: str) -> Settings:
        made: Settings = settings_for(Settings, database=database, broker=broker, namespace=namespace)
        return made

    programs_made: list[UUID] = []
    settings = settings_of(url, namespace)
    receiving: subprocess.Popen[bytes] | None = None
    try:
        async with running(create_app(settings, migrate=True), tokens) as client:

            async def launch(name: str) -> None:
                made = await client.post(
                    "/programs", json={"name": name, "format": "one_to_one"}, headers=tokens.admin()
                )
                assert made.status_code == 201, made.text
                programs_made.append(UUID(made.json()["program_id"]))
                manager = tokens.manager(programs_made[-1])
                launched = await client.post(f"/programs/{programs_made[-1]}/launch", headers=manager)
                assert launched.status_code == 200, launched.text

            await launch("before")
            for command in keeping:
                if command.words.endswith(" &"):
                    receiving = in_background(command, cwd=work, environment=environment, user=user)
                else:
                    await asyncio.to_thread(run, command, cwd=work, environment=environment, user=user)
            await launch("kept")
            connection = await asyncpg.connect(url)
            # An installation has this in its configuration file; the server of this test was told on its command line.
            with (work / "backup" / "base" / "postgresql.auto.conf").open("a") as configuration:
                configuration.write("max_connections = 200\n")
            environment["POINT"] = str(await connection.fetchval("SELECT clock_timestamp()"))
            await launch("lost")
            await connection.close()
            async with tap(settings) as topics:
                await topics.until(lambda seen: {one.envelope.subject for one in seen} >= set(map(str, programs_made)))
            await eventually(lambda: received_all(old_server, work))
    finally:
        old_server.stop()
        if receiving is not None:
            receiving.wait(timeout=30)

    try:
        for command in restoring:
            await asyncio.to_thread(run, command, cwd=work, environment=environment, user=user)
        restored = re.sub(r":\d+/", f":{restored_port}/", url)
        told = {
            name: ("true" if value is True else "false" if value is False else str(value))
            for name, value in {
                "TANDEM_DATABASE_URL": restored,
                "TANDEM_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
                "TANDEM_KAFKA_IDEMPOTENT_PRODUCER": broker.idempotent_producer,
                "TANDEM_OIDC_ISSUER": "https://issuer.test",
                "TANDEM_OIDC_JWKS_URL": "https://issuer.test/jwks",
            }.items()
        }
        fresh = own_namespace()
        (name_it, publish_it) = commands("services")
        assert name_it.words == "export TANDEM_KAFKA_NAMESPACE=restored."
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        there = {**os.environ, **told, "PATH": path, "TANDEM_KAFKA_NAMESPACE": fresh}
        await asyncio.to_thread(run, publish_it, cwd=ROOT, environment=there)
        before, kept, lost = map(str, programs_made)
        await kafka.ensure_topics(settings_of(restored, fresh), CONTRACTS)
        async with tap(settings_of(restored, fresh)) as topics:
            await topics.until(lambda seen: before in told_of_programs(seen))
            async with running(create_app(settings_of(restored, fresh)), tokens) as client:
                # What was not marked as sent at that moment is no archive yet: the service itself tells it.
                seen = await topics.until(lambda seen: set(told_of_programs(seen)) >= {before, kept})
                asked = [await client.get(f"/programs/{one}", headers=tokens.admin()) for one in programs_made]
        assert lost not in {one.envelope.subject for one in seen}
        assert set(told_of_programs(seen)) == {before, kept}
        assert [answer.status_code for answer in asked] == [200, 200, 404]
    finally:
        stop = Command(f"pg_ctl stop --mode=immediate --pgdata={work / 'backup' / 'base'}", "")
        await asyncio.to_thread(run, stop, cwd=work, environment=environment, user=user)


def server_user() -> str | None:
    """PostgreSQL's programs run as its user where the tests run as root; the server made that user when it started."""
    return pwd.getpwnam(SERVER_USER).pw_name if os.geteuid() == 0 else None


def in_background(
    command: Command, *, cwd: Path, environment: dict[str, str], user: str | None
) -> subprocess.Popen[bytes]:
    """Start what the page starts with an ampersand; it ends when its server does."""
    words = re.sub(r"\$(\w+)", lambda found: environment[found[1]], command.words.removesuffix(" &"))
    return subprocess.Popen(shlex.split(words), cwd=cwd, env=environment, user=user)


async def received_all(server: StartedPostgresql, work: Path) -> bool:
    """Whether the receiver has the log up to now; what is written after this question does not matter."""
    connection = await asyncpg.connect(server.admin_url)
    answer = await connection.fetchval(
        "SELECT flush_lsn >= $1::text::pg_lsn FROM pg_stat_replication WHERE application_name = 'pg_receivewal'",
        str(await connection.fetchval("SELECT pg_current_wal_flush_lsn()::text")),
    )
    await connection.close()
    return bool(answer)


KUBECTL_KINDS = {"deployment": "Deployment", "job": "Job", "scaledobject": "ScaledObject"}


def test_commands_for_a_cluster_are_ones_that_the_chart_answers() -> None:
    upgrades = names = 0
    rendered: tuple[dict[str, Any], ...] = ()
    for command in commands("kubernetes"):
        words = shlex.split(command.words)
        if words[:2] in (["helm", "upgrade"], ["helm", "rollback"]):
            if words[1] == "rollback":
                continue
            rendered = render(words)
            assert set(named(rendered, "Deployment")) >= {f"tandem-{service}" for service in SERVICES}
            upgrades += 1
        else:
            assert words[:3] == ["kubectl", "--namespace", "mentoring"], command.words
            for kind, name in re.findall(r"\b(deployment|job|scaledobject)/([a-z-]+)", command.words):
                assert name in named(rendered, KUBECTL_KINDS[kind]), command.words
                names += 1
            if "--selector" in words:
                wanted = words[words.index("--selector") + 1].split(",")
                labels = dict(part.split("=") for part in wanted if not part.startswith("!"))
                pods = [one["spec"]["template"]["metadata"]["labels"] for one in named(rendered, "Deployment").values()]
                assert labels
                assert any(labels.items() <= pod.items() for pod in pods), command.words
            for module, package in re.findall(r"python -m (\S+) \w+ (tandem_\w+)", command.words):
                assert module == "tandem_chassis"
                assert package.removeprefix("tandem_") in SERVICES
    assert upgrades >= 5
    assert names >= 6


FILES = dict(re.findall(r"^```yaml (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
"""Files of values that the page shows, by name."""


def render(words: list[str]) -> tuple[dict[str, Any], ...]:
    """What `helm upgrade` would install, with the files that the page shows, and your own file empty."""
    arguments: list[str] = []
    shown = ""
    rest = iter(words[2:])
    for word in rest:
        if word in ("--wait", "--create-namespace", "--install"):
            continue
        if word == "--timeout":
            next(rest)
        elif word == "--values":
            file = next(rest)
            if file in FILES:
                arguments += ["--values", "-"]
                shown = FILES[file]
            elif file != "enterprise.yaml":
                assert (ROOT / file).exists(), file
                arguments += ["--values", str(ROOT / file)]
        elif word == "deploy/helm/tandem":
            arguments.append(str(CHART))
        else:
            arguments.append(word)
    answer = subprocess.run(
        [helm(), "template", *arguments, "--kube-version=1.37.0"],
        input=shown,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return tuple(one for one in yaml.safe_load_all(answer.stdout) if one)


def test_a_move_to_new_topics_publishes_with_one_replica_and_ends_without_the_setting() -> None:
    moves = [
        shlex.split(one.words)
        for one in commands("kubernetes")
        if "kafka.namespace=" in one.words and "recovery.yaml" not in one.words
    ]
    assert len(moves) == 4
    for first, second in (moves[:2], moves[2:]):
        during, after = render(first), render(second)
        for service in SERVICES:
            name = f"tandem-{service}"
            assert named(during, "Deployment")[name]["spec"]["replicas"] == 1
            assert not named(during, "ScaledObject")
            assert named(during, "ConfigMap")[name]["data"]["TANDEM_REPUBLISH_AT_START"] == "true"
            assert "TANDEM_REPUBLISH_AT_START" not in named(after, "ConfigMap")[name]["data"]
            told = [named(one, "ConfigMap")[name]["data"]["TANDEM_KAFKA_NAMESPACE"] for one in (during, after)]
            assert told[0] == told[1] != ""


def test_a_move_is_given_the_time_that_the_arithmetic_says() -> None:
    rows = re.findall(r"^\| archives again, seconds to send \|(.+)\|$", PAGES["capacity.md"], re.MULTILINE)
    small, medium, large = (cell.rpartition("= ")[2].strip() for cell in rows[0].split("|"))
    section = PAGE.split("### How long a move to new topics takes")[1].split("\n#")[0]
    assert all(f"{figure} s" in " ".join(section.split()) for figure in (small, medium, large))

    def number(words: str) -> int:
        return int(words.replace(",", ""))

    moves = [one.words for one in commands("kubernetes") if "republish_at_start=true" in one.words]
    assert len(moves) == 3
    for words in moves:
        hours = int(re.findall(r"--timeout (\d+)h", words)[0])
        deadlines = {
            one["spec"]["progressDeadlineSeconds"] for one in named(render(shlex.split(words)), "Deployment").values()
        }
        assert "values-medium.yaml" in words
        assert deadlines == {hours * 3600}
        assert hours * 3600 > 2 * number(medium)
    ((hours_large, deadline_large),) = re.findall(
        r"`--timeout (\d+)h` and `defaults.progressDeadlineSeconds=(\d+)`", section
    )
    assert int(hours_large) * 3600 == int(deadline_large) > number(large)


def test_waiting_for_the_services_to_go_does_not_wait_for_kafka_and_postgresql() -> None:
    """Strimzi's pods inherit the labels of the chart's resources, but for those of its exclusion pattern."""
    excluded = re.compile(r"^app.kubernetes.io/(?!part-of).*")
    rendered = render(shlex.split("helm upgrade tandem deploy/helm/tandem --set strimzi.enabled=true"))
    (kafka,) = named(rendered, "Kafka").values()
    inherited = {name: value for name, value in kafka["metadata"]["labels"].items() if not excluded.match(name)}
    theirs = {**inherited, "app.kubernetes.io/name": "kafka", "strimzi.io/cluster": kafka["metadata"]["name"]}
    assert theirs["app.kubernetes.io/part-of"] == "tandem"
    waits = [shlex.split(one.words) for one in commands("kubernetes") if " wait pods " in one.words]
    assert len(waits) == 2
    ours = [one["spec"]["template"]["metadata"]["labels"] for one in named(rendered, "Deployment").values()]
    for words in waits:
        selector = words[words.index("--selector") + 1].split(",")
        labels = dict(part.split("=") for part in selector if not part.startswith("!"))
        assert not labels.items() <= theirs.items()
        assert all(labels.items() <= pod.items() for pod in ours)


def test_a_restored_cluster_is_made_beside_the_first_one_and_everything_speaks_of_it() -> None:
    (command,) = [shlex.split(one.words) for one in commands("kubernetes") if "recovery.yaml" in one.words]
    rendered = render(command)
    (cluster,) = named(rendered, "Cluster").values()
    asked = yaml.safe_load(FILES["recovery.yaml"])["cloudnativepg"]
    assert cluster["metadata"]["name"] == asked["clusterName"] == "tandem-restored"
    assert cluster["spec"]["bootstrap"] == asked["bootstrap"]
    assert cluster["spec"]["externalClusters"] == asked["externalClusters"]
    source = cluster["spec"]["bootstrap"]["recovery"]["source"]
    before = render(shlex.split("helm upgrade tandem deploy/helm/tandem --set cloudnativepg.enabled=true"))
    assert [source] == list(named(before, "Cluster")) == [one["name"] for one in asked["externalClusters"]]
    assert "bootstrap" not in named(before, "Cluster")[source]["spec"]
    for name, database in named(rendered, "Database").items():
        assert database["spec"]["cluster"]["name"] == "tandem-restored"
        assert name not in named(before, "Database")
    assert {
        volume["secret"]["secretName"]
        for one in named(rendered, "Deployment").values()
        for volume in one["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == "postgresql-ca"
    } == {"tandem-restored-ca"}
    assert "`tandem-restored-rw`" in PAGE


def test_the_command_for_compose_names_its_file_its_profile_and_a_collector_that_listens() -> None:
    (command,) = commands("compose")
    endpoint, *words = shlex.split(command.words)
    file = ROOT / words[words.index("--file") + 1]
    services = yaml.load(re.sub(r"!reset \S+", "", file.read_text()), yaml.SafeLoader)["services"]
    host, port = re.fullmatch(r"TANDEM_OTLP_ENDPOINT=http://([a-z-]+):(\d+)/v1/traces", endpoint).groups()  # type: ignore[union-attr]
    assert services[host]["profiles"] == [words[words.index("--profile") + 1]]
    collector = yaml.safe_load((ROOT / "deploy" / "observability" / "otel-collector.yaml").read_text())
    assert collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(f":{port}")
    assert "TANDEM_OTLP_ENDPOINT" in services["profiles"]["environment"]
    assert words[:2] == ["docker", "compose"]


def test_the_secrets_that_the_page_asks_for_are_those_that_the_chart_reads() -> None:
    from tests.test_chart import everything_in, rendered, secrets_made_here

    section = PAGE.split("| secret | keys |")[1].split("\n\n")[0]
    named_on_page = set(re.findall(r"`((?:tandem|kafka|postgresql)-[a-z<>-]+)`", section))
    read: set[str] = set()
    for resource in rendered("as it is"):
        for key, value in everything_in(resource.get("spec", {})):
            if key == "secretKeyRef":
                read.add(value["name"])
            elif key in ("secretName",):
                read.add(value)
    generic = {re.sub("|".join(SERVICES), "<service>", name) for name in read - set(secrets_made_here("as it is"))}
    assert generic == named_on_page


def test_settings_and_files_that_the_pages_name_exist() -> None:
    known = {f"TANDEM_{name.upper()}" for name in fields_of_all(SERVICES)}
    for name in ("operate.md", "capacity.md", "settings.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert set(re.findall(r"TANDEM_[A-Z_]+[A-Z]", text)) - {"TANDEM_SECRETS_DIRECTORY"} <= known, name
    for name in (
        "docs/operate.md",
        "docs/capacity.md",
        "docs/add-a-service.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            file, _, anchor = target.partition("#")
            there = ((ROOT / name).parent / file).resolve() if file else ROOT / name
            assert there.exists(), f"{name}: {target}"
            if anchor:
                from tests.test_alerts import anchor_of

                headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in map(anchor_of, headings), f"{name}: {target}"


def test_a_key_made_as_the_page_says_seals() -> None:
    from tandem_profiles.storage.seals import Seals

    (command,) = [one for one in commands("") if "/dev/urandom" in one.words]
    key = run(command, cwd=ROOT, environment=dict(os.environ)).strip()
    older = "k2025:" + "A" * 43 + "="
    person = uuid4()
    sealed = Seals(f"{key},{older}").seal("hopes", person_id=person)
    assert sealed.key_id == "k2026"
    assert Seals(f"{older},{key}").open(sealed, person_id=person) == "hopes"


def test_the_lock_that_the_page_asks_for_is_the_relays() -> None:
    from tandem_events.relay import LEADER_LOCK

    assert f"objid = {LEADER_LOCK}" in PAGE
    assert datetime.now(UTC).tzinfo is UTC
