"""Apache Kafka: one KRaft node, started from its published jars with the machine's Java and Maven."""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from pathlib import Path

from tandem_local.brokers import readiness
from tandem_local.ports import require_free_port
from tandem_local.processes import ChildProcess
from tandem_local.refusals import CannotStart

POM = Path(__file__).with_name("pom.xml")
VERSION = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)<", POM.read_text())[1]  # type: ignore[index]
OLDEST_JAVA = 17

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={directory}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=4
"""


class ApacheFromJars:
    """Apache Kafka from jars that Maven fetched once into the user's cache; its log lives in a directory of yours."""

    idempotent_producer = True
    session_timeout_seconds = 6
    keeps_log = True

    def __init__(self, *, directory: Path, port: int, controller_port: int, log: Path) -> None:
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self.description = f"Apache Kafka {VERSION} from its jars, {java_words()}"
        self._directory = directory
        self.ports: tuple[int, ...] = (port, controller_port)
        self._log = log
        self.process: ChildProcess | None = None

    def start(self) -> None:
        """Return when it answers: about four seconds, and the jars' download the first time on a machine."""
        if self.process is not None and self.process.pid is not None:
            return
        require_free_port(self.ports[0], wanted_by="Apache Kafka")
        require_free_port(self.ports[1], wanted_by="Apache Kafka's controller")
        jars = fetch_jars()
        properties = self._prepare(jars)
        self.process = self._java(jars, "kafka.Kafka", str(properties), name="Apache Kafka", memory="-Xmx512m")
        self.process.start()
        self.process.wait_until(lambda: readiness.answers(self.bootstrap_servers), timeout_seconds=60, poll_seconds=0.1)

    def stop(self) -> None:
        """Return when it has written its log down and is gone."""
        if self.process is not None:
            self.process.stop()

    def kill(self) -> None:
        """End it without warning."""
        if self.process is not None:
            self.process.kill()

    def _prepare(self, jars: Path) -> Path:
        data = self._directory / "log"
        properties = self._directory / "server.properties"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            properties.write_text(PROPERTIES.format(port=self.ports[0], controller_port=self.ports[1], directory=data))
        except OSError as refusal:
            raise CannotStart(f"Apache Kafka's directory cannot be written: {refusal}.") from refusal
        if not (data / "meta.properties").exists():
            cluster = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
            format_tool = self._java(
                # One word, because a random identifier may begin with a dash.
                *(jars, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)),
                name="Apache Kafka's format tool",
                memory="-Xmx64m",
            )
            format_tool.start()
            try:
                format_tool.wait_until(lambda: format_tool.exit_code == 0, timeout_seconds=30)
            finally:
                format_tool.kill()
        return properties

    def _java(self, jars: Path, *arguments: str, name: str, memory: str) -> ChildProcess:
        java = find_java()
        assert java is not None
        options = (memory, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", f"{jars}/*")
        return ChildProcess(name=name, command=[java, *options, *arguments], log=self._log, directory=self._directory)


def find_java() -> str | None:
    """The newest-enough Java's program: JAVA_HOME's, else the one on PATH; None without."""
    candidates = [Path(os.environ["JAVA_HOME"]) / "bin" / "java"] if os.environ.get("JAVA_HOME") else []
    on_path = shutil.which("java")
    candidates += [Path(on_path)] if on_path else []
    return next((str(java) for java in candidates if (java_major(java) or 0) >= OLDEST_JAVA), None)


def java_major(java: Path) -> int | None:
    """The major version that this Java says it is, or None if it does not run."""
    # The file beside it tells without the 100 ms that starting a Java takes.
    release = java.resolve().parent.parent / "release"
    text = release.read_text() if release.exists() else ""
    if "JAVA_VERSION" not in text:
        try:
            text = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=20).stderr
        except (OSError, subprocess.SubprocessError):
            return None
    found = re.search(r'(?:JAVA_VERSION="|version ")(\d+)', text)
    return int(found[1]) if found else None


def java_words() -> str:
    """ "Java 17", or what is missing."""
    java = find_java()
    return f"Java {java_major(Path(java))}" if java else f"no Java {OLDEST_JAVA} or newer"


def what_is_missing() -> str | None:
    """None when Apache Kafka can be started from jars here, else what stands in the way."""
    if find_java() is None:
        return f"there is no Java {OLDEST_JAVA} or newer"
    if not _jars_directory().exists() and shutil.which("mvn") is None:
        return "its jars are not here and there is no Maven (mvn) to fetch them"
    return None


def jars_are_here() -> bool:
    """Whether nothing has to be downloaded."""
    return _jars_directory().exists()


def fetch_jars() -> Path:
    """The directory with Apache Kafka's jars, filled by Maven (43 MB, some seconds) if it was not there yet.

    Raises:
        CannotStart: without Java or Maven, or when Maven cannot download.
    """
    missing = what_is_missing()
    if missing is not None:
        raise CannotStart(f"Apache Kafka cannot be started from its jars: {missing}.")
    directory = _jars_directory()
    if directory.exists():
        return directory
    maven = shutil.which("mvn")
    assert maven is not None
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Several test runs may fetch at once: each fills a directory of its own, and the first rename wins.
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix="fetching-") as workplace:
        shutil.copy(POM, workplace)
        command = [maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        try:
            subprocess.run(command, cwd=workplace, check=True, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as refusal:
            words = getattr(refusal, "stdout", "") or str(refusal)
            first = next((line for line in str(words).splitlines() if "ERROR" in line), str(refusal))
            raise CannotStart(f"Maven could not fetch Apache Kafka's jars: {first.strip()[:300]}") from refusal
        try:
            (Path(workplace) / "jars").rename(directory)
        except OSError:
            if not directory.exists():
                raise
    return directory


def _jars_directory() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tandem" / f"apache-kafka-{VERSION}"
