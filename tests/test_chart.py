"""The Helm chart, checked without a cluster: rendered, valid in three Kubernetes versions, every reference resolved.

Needs the program `helm` (or TANDEM_HELM); where that is missing the tests say so. CI has it.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils as validation

from tandem_chassis.settings import ServiceSettings
from tandem_local.addresses import SERVICES
from tandem_local.declarations import services
from tandem_local.settings_page import fields_of_all

CHART = Path(__file__).parent.parent / "deploy" / "helm" / "tandem"
Resource = dict[str, Any]

NEWEST = list(dict.fromkeys(validation.major_minor(version) for version in validation.all_versions()))[-3:]

OWN = "--set=strimzi.enabled=true,cloudnativepg.enabled=true,cloudnativepg.schedule=0 0 2 * * *"
WAYS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "an upgrade": ("--is-upgrade",),
    **{size: ("-f", str(CHART / f"values-{size}.yaml"), OWN) for size in ("small", "medium", "large")},
    "with everything of its own": (
        OWN,
        "--set=externalSecrets.enabled=true,monitoring.enabled=true,database.pgbouncer=true",
        "--set=otlpEndpoint=http://collector:4318/v1/traces,image.registry=registry.example.com",
    ),
    "an upgrade with everything of its own": ("--is-upgrade", OWN, "--set=externalSecrets.enabled=true"),
    "with a restored PostgreSQL": (
        "--is-upgrade",
        OWN,
        "--set=cloudnativepg.clusterName=restored,cloudnativepg.bootstrap.recovery.source=tandem-postgresql",
        "--set=cloudnativepg.externalClusters[0].name=tandem-postgresql",
    ),
    "scaled by processor use": ("--set=autoscaling.kind=hpa,kafka.securityProtocol=SSL",),
    "plain and fixed": (
        "--set=autoscaling.kind=none,kafka.securityProtocol=PLAINTEXT,database.sslMode=prefer",
        "--set=ingress.enabled=false,networkPolicy.enabled=false",
    ),
    "with a service of somebody else": (
        "--set=services.badges.image=registry.example.com/badges:3,services.badges.reads[0]=tandem.feedback",
    ),
}
CUSTOM = {
    "keda.sh/v1alpha1": {"ScaledObject", "TriggerAuthentication"},
    "kafka.strimzi.io/v1": {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"},
    "postgresql.cnpg.io/v1": {"Cluster", "Database", "ScheduledBackup"},
    "external-secrets.io/v1": {"ExternalSecret"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule"},
}
"""Resources of operators, which Kubernetes' own schemas do not know."""


@cache
def helm() -> str:
    program = os.environ.get("TANDEM_HELM") or shutil.which("helm")
    if program is None:
        assert not os.environ.get("CI"), "CI must have helm"
        pytest.skip("helm is not installed: the chart was not rendered")
    return program


@cache
def rendered(way: str) -> tuple[Resource, ...]:
    answer = run_helm("template", "tandem", str(CHART), "--namespace=mentoring", "--kube-version=1.37.0", *WAYS[way])
    assert answer.returncode == 0, answer.stderr
    return tuple(one for one in yaml.safe_load_all(answer.stdout) if one)


def run_helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm(), *arguments], capture_output=True, text=True, check=False, timeout=60)


def named(resources: tuple[Resource, ...], kind: str) -> dict[str, Resource]:
    return {one["metadata"]["name"]: one for one in resources if one["kind"] == kind}


def pod_of(resource: Resource) -> Resource:
    spec: Resource = resource["spec"]["template"]["spec"]
    return spec


def workloads(way: str) -> list[Resource]:
    return [one for one in rendered(way) if one["kind"] in ("Deployment", "Job")]


def everything_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from everything_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything_in(inner)


@pytest.fixture(autouse=True, scope="module")
def schemas_read_once() -> Iterator[None]:
    """The library reads the schemas of a version, some megabytes, anew for each resource."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "schema_contents", cache(validation.schema_contents))
        yield


@pytest.mark.parametrize("version", NEWEST)
def test_every_resource_is_valid_in_the_three_newest_versions_of_kubernetes(version: str) -> None:
    assert len(NEWEST) == 3
    different = {json.dumps(one, sort_keys=True): one for way in WAYS for one in rendered(way)}
    checked = set()
    for resource in different.values():
        if resource["kind"] not in CUSTOM.get(resource["apiVersion"], ()):
            kubernetes_validate.validate(resource, version, strict=True)
            checked.add(resource["kind"])
    assert checked >= {
        "Deployment",
        "Job",
        "NetworkPolicy",
        "Ingress",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    }


def test_the_check_itself_refuses_a_misspelled_field() -> None:
    deployment = next(one for one in rendered("as it is") if one["kind"] == "Deployment")
    spoiled = {**deployment, "spec": {**deployment["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoiled, NEWEST[-1], strict=True)


def test_the_chart_itself_is_clean() -> None:
    answer = run_helm("lint", "--strict", str(CHART))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("way", WAYS)
def test_no_two_resources_share_a_name_and_all_names_are_short_enough(way: str) -> None:
    names = [(one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in rendered(way)]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for *_, name in names)


def secrets_from_outside(way: str) -> dict[str, set[str]]:
    """The secrets that must exist beside the chart, with their keys, as docs/operate.md lists them."""
    given: dict[str, set[str]] = {"tandem-tls": {"tls.crt", "tls.key"}}
    own_kafka = "KafkaUser" in {one["kind"] for one in rendered(way)}
    own_postgresql = "Database" in {one["kind"] for one in rendered(way)}
    by_operator = "ExternalSecret" in {one["kind"] for one in rendered(way)}
    if not own_kafka:
        given["kafka-ca"] = {"ca.crt"}
    if not own_postgresql:
        given["postgresql-ca"] = {"ca.crt"}
    if not by_operator:
        given["tandem-private-section"] = {"keys"}
        for service in SERVICES:
            given[f"tandem-{service}-database"] = {"url", "direct-url", "username", "password"}
            given[f"tandem-{service}"] = {"password"}
        given["tandem-badges-database"], given["tandem-badges"] = {"url"}, {"password"}
    return given


def secrets_made_here(way: str) -> dict[str, set[str]]:
    """Secrets that resources of the chart bring about."""
    made: dict[str, set[str]] = {}
    for one in rendered(way):
        name = one["metadata"]["name"]
        if one["kind"] == "Secret":
            made[name] = set(one.get("stringData", {})) | set(one.get("data", {}))
        elif one["kind"] == "ExternalSecret":
            made[one["spec"]["target"]["name"]] = {entry["secretKey"] for entry in one["spec"]["data"]}
        elif one["kind"] == "KafkaUser":
            made[name] = {"password", "sasl.jaas.config"}
        elif one["kind"] == "Kafka":
            made[f"{name}-cluster-ca-cert"] = {"ca.crt", "ca.p12", "ca.password"}
        elif one["kind"] == "Cluster":
            made[f"{name}-ca"] = {"ca.crt", "ca.key"}
    return made


@pytest.mark.parametrize("way", WAYS)
def test_every_secret_and_config_map_that_is_named_exists_with_its_key(way: str) -> None:
    secrets = secrets_from_outside(way) | secrets_made_here(way)
    config_maps = named(rendered(way), "ConfigMap")
    asked = 0
    for resource in rendered(way):
        for key, value in everything_in(resource.get("spec", {})):
            if key == "secretKeyRef":
                assert value["key"] in secrets[value["name"]], (resource["metadata"]["name"], value)
                asked += 1
            elif key == "secret" and isinstance(value, dict) and "secretName" in value:
                assert {item["key"] for item in value["items"]} <= secrets[value["secretName"]]
                asked += 1
            elif key == "secretTargetRef":
                assert all(one["key"] in secrets[one["name"]] for one in value), value
                asked += 1
            elif key == "passwordSecret":
                assert value["name"] in secrets
            elif key == "configMapRef":
                assert value["name"] in config_maps
                asked += 1
        if resource["kind"] == "Ingress":
            assert all(entry["secretName"] in secrets for entry in resource["spec"].get("tls", []))
    assert asked >= 2 * len(SERVICES)


@pytest.mark.parametrize("way", WAYS)
def test_every_reference_between_resources_leads_to_one_that_is_there(way: str) -> None:
    resources = rendered(way)
    deployments, accounts = named(resources, "Deployment"), named(resources, "ServiceAccount")
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in deployments.values()]
    assert set(deployments) >= {f"tandem-{service}" for service in SERVICES}

    def selected(labels: dict[str, str]) -> list[dict[str, str]]:
        return [pod for pod in pods if labels.items() <= pod.items()]

    for deployment in deployments.values():
        pod, labels = pod_of(deployment), deployment["spec"]["template"]["metadata"]["labels"]
        assert pod["serviceAccountName"] in accounts
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert all(
            selected(one["labelSelector"]["matchLabels"]) == [labels] for one in pod["topologySpreadConstraints"]
        )
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]} == volumes
    for job in named(resources, "Job").values():
        assert not selected(job["spec"]["template"]["metadata"]["labels"]), (
            "a service's requests would go to its migration"
        )
        # A hook runs before the release's own resources are there.
        if "helm.sh/hook" in job["metadata"].get("annotations", {}):
            assert "envFrom" not in pod_of(job)["containers"][0]
            assert "serviceAccountName" not in pod_of(job)
    for service in named(resources, "Service").values():
        (labels,) = selected(service["spec"]["selector"])
        container = pod_of(deployments[service["metadata"]["name"]])["containers"][0]
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= {
            port["name"] for port in container["ports"]
        }
    for budget in named(resources, "PodDisruptionBudget").values():
        assert len(selected(budget["spec"]["selector"]["matchLabels"])) == 1
    for policy in named(resources, "NetworkPolicy").values():
        assert len(selected(policy["spec"]["podSelector"]["matchLabels"])) == len(deployments)
    for ingress in named(resources, "Ingress").values():
        hosts = {rule["host"] for rule in ingress["spec"]["rules"]}
        assert all(set(entry["hosts"]) == hosts for entry in ingress["spec"].get("tls", []))
        for rule in ingress["spec"]["rules"]:
            backend = rule["http"]["paths"][0]["backend"]["service"]
            ports = named(resources, "Service")[backend["name"]]["spec"]["ports"]
            assert backend["port"]["name"] in {port["name"] for port in ports}
    scaled = named(resources, "ScaledObject") | named(resources, "HorizontalPodAutoscaler")
    for one in scaled.values():
        assert one["spec"]["scaleTargetRef"]["name"] in deployments
        for trigger in one["spec"].get("triggers", []):
            if "authenticationRef" in trigger:
                assert trigger["authenticationRef"]["name"] in named(resources, "TriggerAuthentication")
    for one in resources:
        cluster = one["metadata"].get("labels", {}).get("strimzi.io/cluster")
        assert cluster is None or cluster in named(resources, "Kafka")
        if one["kind"] in ("Database", "ScheduledBackup"):
            assert one["spec"]["cluster"]["name"] in named(resources, "Cluster")
        if one["kind"] == "Database":
            (postgresql,) = named(resources, "Cluster").values()
            assert one["spec"]["owner"] in {role["name"] for role in postgresql["spec"]["managed"]["roles"]}
        if one["kind"] == "PodMonitor":
            assert len(selected(one["spec"]["selector"]["matchLabels"])) == len(deployments)
            (endpoint,) = one["spec"]["podMetricsEndpoints"]
            assert endpoint["port"] == "metrics"


@pytest.mark.parametrize("way", WAYS)
def test_metrics_that_ask_for_no_token_are_on_a_port_that_no_service_leads_to(way: str) -> None:
    resources = rendered(way)
    for deployment in named(resources, "Deployment").values():
        (container,) = pod_of(deployment)["containers"]
        assert {"name": "metrics", "containerPort": 9000, "protocol": "TCP"} in container["ports"]
    for settings in named(resources, "ConfigMap").values():
        if "TANDEM_HTTP_PORT" in settings["data"]:
            assert settings["data"]["TANDEM_METRICS_PORT"] == "9000"
    for service in named(resources, "Service").values():
        assert {port["targetPort"] for port in service["spec"]["ports"]} == {"http"}
    for policy in named(resources, "NetworkPolicy").values():
        open_to = {port["port"]: rule["from"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert open_to.keys() == {"http", "metrics"}
        assert not [peer for peer in open_to["http"] if peer in open_to["metrics"]]


@pytest.mark.parametrize("way", WAYS)
def test_every_container_runs_without_rights_it_does_not_need(way: str) -> None:
    for workload in workloads(way):
        pod = pod_of(workload)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
            assert not container["image"].endswith(":latest")
            if workload["kind"] == "Deployment":
                assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


@pytest.mark.parametrize("way", WAYS)
def test_a_stopping_pod_has_longer_than_anything_it_may_be_doing(way: str) -> None:
    """Three steps follow each other when a service stops: requests, the batch in hand, leaving the group."""
    for name, deployment in named(rendered(way), "Deployment").items():
        pod = pod_of(deployment)
        told = named(rendered(way), "ConfigMap")[name]["data"]
        shutdown = int(told["TANDEM_SHUTDOWN_SECONDS"])
        pre_stop = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert shutdown > int(told["TANDEM_DATABASE_STATEMENT_TIMEOUT_SECONDS"])
        assert pod["terminationGracePeriodSeconds"] > pre_stop + 3 * shutdown


@pytest.mark.parametrize("way", WAYS)
def test_the_services_accept_what_the_chart_tells_them(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = {f"TANDEM_{name.upper()}" for name in fields_of_all(SERVICES)}
    for service in SERVICES:
        container = pod_of(named(rendered(way), "Deployment")[f"tandem-{service}"])["containers"][0]
        told: dict[str, str] = dict(named(rendered(way), "ConfigMap")[f"tandem-{service}"]["data"])
        asked = [one for one in container["env"] if one["name"].startswith("TANDEM_")]
        told |= {one["name"]: one.get("value", secret_for(one["name"])) for one in asked}
        assert set(told) <= known, "a setting that no service has"
        for name, path in told.items():
            if name.endswith("_FILE"):
                assert any(path.startswith(mount["mountPath"] + "/") for mount in container["volumeMounts"])
                told[name] = str(tmp_path / "ca.crt")
        (tmp_path / "ca.crt").write_text("")
        for name in known:
            monkeypatch.delenv(name, raising=False)
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        settings = _settings_of(service)
        assert settings.http_host == "0.0.0.0"
        job = pod_of(named(rendered(way), "Job")[f"tandem-{service}-migrate"])["containers"][0]
        assert {one["name"] for one in job["env"]} >= set(told), (
            "a migration must reach the database as its service does"
        )
        assert container["command"] == ["python", "-m", "tandem_chassis", "serve", f"tandem_{service}"]
        assert job["command"] == ["python", "-m", "tandem_chassis", "migrate", f"tandem_{service}"]


def secret_for(setting: str) -> str:
    """What might stand in the secret that this setting is read from."""
    if setting.endswith("_URL"):
        return "postgresql://tandem:word@postgresql:5432/tandem"
    return "k1:" + "A" * 43 + "=" if setting == "TANDEM_PRIVATE_SECTION_KEYS" else "word"


def _settings_of(service: str) -> ServiceSettings:
    import importlib

    made: ServiceSettings = importlib.import_module(f"tandem_{service}.settings").Settings()
    return made


def test_topics_in_the_chart_are_those_of_the_code() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for service in services():
        told = values["services"][service.name]
        assert sorted(told["sends"]) == sorted({event.contract.topic for event in service.sends}), service.name
        assert sorted(told["reads"]) == sorted({one.event.contract.topic for one in service.subscriptions}), (
            service.name
        )
    compacted = {event.contract.topic for service in services() for event in service.sends if event.contract.compacted}
    topics = named(rendered("with everything of its own"), "KafkaTopic")
    assert {name for name, one in topics.items() if "cleanup.policy" in one["spec"]["config"]} == compacted


@pytest.mark.parametrize("way", ["as it is", "small", "medium", "large", "with everything of its own"])
def test_readers_are_scaled_by_the_lag_of_their_own_group_and_never_beyond_the_partitions(way: str) -> None:
    for service in services():
        scaled = named(rendered(way), "ScaledObject")[f"tandem-{service.name}"]["spec"]
        told = named(rendered(way), "ConfigMap")[f"tandem-{service.name}"]["data"]
        kafka = [trigger["metadata"] for trigger in scaled["triggers"] if trigger["type"] == "kafka"]
        assert {one["consumerGroup"] for one in kafka} == {f"tandem.{service.name}"}
        assert {one["topic"] for one in kafka} == {one.event.contract.topic for one in service.subscriptions}
        assert {one["bootstrapServers"] for one in kafka} == {told["TANDEM_KAFKA_BOOTSTRAP_SERVERS"]}
        assert [trigger["type"] for trigger in scaled["triggers"]].count("cpu") == 1
        assert 1 <= scaled["minReplicaCount"] <= scaled["maxReplicaCount"]
        assert scaled["maxReplicaCount"] <= int(told["TANDEM_KAFKA_TOPIC_PARTITIONS"])


def test_migrations_run_before_the_release_or_beside_it_where_the_database_comes_with_it() -> None:
    def hooks(way: str) -> set[str | None]:
        jobs = named(rendered(way), "Job").values()
        assert len(jobs) == len(SERVICES)
        return {job["metadata"].get("annotations", {}).get("helm.sh/hook") for job in jobs}

    assert hooks("as it is") == {"pre-install,pre-upgrade"}
    assert hooks("with everything of its own") == {None}
    assert hooks("an upgrade with everything of its own") == {"pre-install,pre-upgrade"}


def test_what_holds_data_outlives_the_release() -> None:
    kinds = {"Kafka", "KafkaNodePool", "KafkaTopic", "Cluster", "Database"}
    holding = [one for one in rendered("with everything of its own") if one["kind"] in kinds]
    assert {one["kind"] for one in holding} == kinds
    for one in holding:
        assert one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", one["metadata"]["name"]


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_the_sums_of_each_size_are_those_of_its_resources(size: str) -> None:
    """The comment of each values file says what the installation asks for; this adds it up from what is rendered."""
    text = (CHART / f"values-{size}.yaml").read_text()
    said = {
        key: float(number.replace(",", "")) for key, number in re.findall(r"^#= (.+?): ([\d.,]+)", text, re.MULTILINE)
    }
    cpu = memory = most_cpu = connections = 0.0
    for name, deployment in named(rendered(size), "Deployment").items():
        scaled = named(rendered(size), "ScaledObject")[name]["spec"]
        requests = pod_of(deployment)["containers"][0]["resources"]["requests"]
        cpu += scaled["minReplicaCount"] * _cpu(requests["cpu"])
        most_cpu += scaled["maxReplicaCount"] * _cpu(requests["cpu"])
        memory += scaled["minReplicaCount"] * _mebibytes(requests["memory"]) / 1024
        pool = int(named(rendered(size), "ConfigMap")[name]["data"]["TANDEM_DATABASE_POOL_CONNECTIONS"])
        # Twice the pool in a rush; the relay that leads has three more, those that stand by one; one upgrade's surge.
        connections += (scaled["maxReplicaCount"] + 1) * (2 * pool + 1) + 2
    assert said == {
        "cores asked for at rest": pytest.approx(cpu),
        "cores asked for at most": pytest.approx(most_cpu),
        "GiB asked for at rest": pytest.approx(memory),
        "connections to PostgreSQL at most": pytest.approx(connections),
    }
    (postgresql,) = named(rendered(size), "Cluster").values()
    assert int(postgresql["spec"]["postgresql"]["parameters"]["max_connections"]) >= connections + 20


def _cpu(words: str) -> float:
    return float(words.removesuffix("m")) / 1000 if words.endswith("m") else float(words)


def _mebibytes(words: str) -> float:
    return float(words.removesuffix("Gi")) * 1024 if words.endswith("Gi") else float(words.removesuffix("Mi"))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("kafka.bootstrapServers=kafka", "bootstrapServers"),
        ("services.profiles.replica=3", "replica"),
        ("autoscaling.kind=magic", "autoscaling"),
        ("services.Profiles.replicas=1", "Profiles"),
        ("autoscaling.maxReplicas=99", "99 replicas are more than the 12 partitions"),
        ("database.sslMode=on", "sslMode"),
        ("oidc.issuer=nowhere", "issuer"),
        ("cloudnativepg.clusterName=No", "clusterName"),
        ("defaults.progressDeadlineSeconds=5", "progressDeadlineSeconds"),
    ],
)
def test_wrong_values_are_refused_by_name(wrong: str, reason: str) -> None:
    answer = run_helm("template", "tandem", str(CHART), "--kube-version=1.37.0", f"--set={wrong}")
    assert answer.returncode != 0
    assert reason in answer.stderr


def test_chart_images_and_packages_carry_one_version() -> None:
    import tomllib

    root = CHART.parent.parent.parent
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    projects = [root / "pyproject.toml", *root.glob("libs/*/pyproject.toml"), *root.glob("services/*/pyproject.toml")]
    versions = {tomllib.loads(one.read_text())["project"]["version"] for one in projects}
    assert versions == {chart["version"]} == {chart["appVersion"]}
    image = pod_of(named(rendered("as it is"), "Deployment")["tandem-profiles"])["containers"][0]["image"]
    assert image == f"tandem/profiles:{chart['appVersion']}"
    assert f"## {chart['version']}" in (root / "CHANGELOG.md").read_text()
