"""Alerts and dashboards: tried by promtool, about metrics that exist, each with its page for whoever is called."""

import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from tandem_local.addresses import SERVICES

ROOT = Path(__file__).parent.parent
OBSERVABILITY = ROOT / "deploy" / "observability"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARDS = sorted((OBSERVABILITY / "grafana" / "dashboards").glob("*.json"))
METRIC = re.compile(r"\btandem_[a-z_]+")


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        assert not os.environ.get("CI"), "CI must have promtool"
        pytest.skip("promtool is not installed: the alert rules were not tried")
    return subprocess.run(
        [program, *arguments], cwd=OBSERVABILITY, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml"), ("check", "config", "prometheus.yml")],
    ids=lambda arguments: " ".join(arguments),
)
def test_promtool_accepts_the_rules_and_their_tests(arguments: tuple[str, ...]) -> None:
    answer = promtool(*arguments)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_rule_that_no_longer_calls_would_be_found(tmp_path: Path) -> None:
    for file in ("alerts.yml", "alerts_test.yml"):
        shutil.copy(OBSERVABILITY / file, tmp_path)
    spoiled = (tmp_path / "alerts.yml").read_text().replace("tandem_outbox_oldest_seconds) > 60", "tandem_gone) > 60")
    (tmp_path / "alerts.yml").write_text(spoiled)
    answer = promtool("test", "rules", str(tmp_path / "alerts_test.yml"))
    assert answer.returncode != 0
    assert "TandemOutboxStuck" in answer.stdout + answer.stderr


def test_every_alert_is_seen_to_fire_in_a_test() -> None:
    tests = yaml.safe_load((OBSERVABILITY / "alerts_test.yml").read_text())["tests"]
    fired = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
    assert fired == {rule["alert"] for rule in RULES}


def test_every_alert_names_its_page_and_the_page_names_the_alert() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    sections = {anchor_of(part.splitlines()[0]): part for part in re.split(r"^#+ ", page, flags=re.MULTILINE)[1:]}
    for rule in RULES:
        file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert file == "docs/operate.md"
        assert anchor in sections, rule["alert"]
        assert f"`{rule['alert']}`" in sections[anchor]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith(".")


def anchor_of(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


@pytest.fixture(scope="module")
def known_metrics() -> set[str]:
    """Every metric of the code, by the names under which Prometheus shows it."""
    for package in ("tandem_events", "tandem_chassis", *(f"tandem_{service}" for service in SERVICES)):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if module.name in ("metrics", "telemetry"):
                importlib.import_module(f"{package}.{module.name}")
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    return {f"{one.name}{suffix}" for one in REGISTRY.collect() for suffix in suffixes.get(one.type, ())}


def test_alerts_dashboards_and_pages_speak_of_metrics_that_exist(known_metrics: set[str]) -> None:
    asked: dict[str, set[str]] = {"alerts.yml": {name for rule in RULES for name in METRIC.findall(rule["expr"])}}
    for file in DASHBOARDS:
        asked[file.name] = {
            name
            for panel in json.loads(file.read_text())["panels"]
            for target in panel["targets"]
            for name in METRIC.findall(target["expr"])
        }
    assert len(asked) == 4
    for file_name, names in asked.items():
        assert names, file_name
        assert names <= known_metrics, file_name


def test_every_metric_of_the_issue_is_on_a_dashboard(known_metrics: set[str]) -> None:
    shown = " ".join(file.read_text() for file in DASHBOARDS)
    wanted = {
        "tandem_http_requests_total",
        "tandem_http_request_seconds_bucket",
        "tandem_consumer_lag_events",
        "tandem_consumer_oldest_unhandled_seconds",
        "tandem_outbox_depth",
        "tandem_parked_events",
        "tandem_match_run_seconds_bucket",
        "tandem_database_pool_in_use",
        "tandem_reminders_due",
    }
    assert wanted <= known_metrics
    assert all(name in shown for name in wanted)


def as_prometheus_gets_it(expr: str) -> str:
    """An expression of a dashboard with its variables filled in, as Grafana does where all services are chosen."""
    return expr.replace("$service", ".*").replace("$__rate_interval", "1m")


def expressions(file: Path) -> list[str]:
    return [target["expr"] for panel in json.loads(file.read_text())["panels"] for target in panel["targets"]]


def rules_of(exprs: list[str], path: Path) -> Path:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    return path


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.stem)
def test_promtool_can_read_what_every_panel_asks(file: Path, tmp_path: Path) -> None:
    asked = [as_prometheus_gets_it(expr) for expr in expressions(file)]
    assert len(asked) >= 5
    assert not [expr for expr in asked if "$" in expr], "a variable that is not filled in here"
    answer = promtool("check", "rules", str(rules_of(asked, tmp_path / "panels.yml")))
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_panel_that_prometheus_cannot_read_would_be_found(tmp_path: Path) -> None:
    (first, *_) = expressions(DASHBOARDS[0])
    for spoiled in (first.replace("$__rate_interval", ""), first + ")", first.replace("$service", '"')):
        answer = promtool("check", "rules", str(rules_of([as_prometheus_gets_it(spoiled)], tmp_path / "panels.yml")))
        assert answer.returncode != 0, spoiled


def test_panels_do_not_overlap_and_each_says_what_it_shows() -> None:
    for file in DASHBOARDS:
        board = json.loads(file.read_text())
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, (file.name, panel["title"])
            assert max(x for x, _ in cells) < 24
            assert panel["description"].endswith(".")
            taken |= cells
        assert board["uid"] == file.stem


def test_prometheus_and_the_collector_look_at_every_service() -> None:
    prometheus = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())
    collector = yaml.safe_load((OBSERVABILITY / "otel-collector.yaml").read_text())
    for scraping in (prometheus, collector["receivers"]["prometheus"]["config"]):
        (job,) = scraping["scrape_configs"]
        assert job["job_name"] == "tandem"
        assert {one["labels"]["service"]: one["targets"] for one in job["static_configs"]} == {
            service: [f"{service}:9000"] for service in SERVICES
        }
    defined = {kind: set(collector[kind]) for kind in ("receivers", "processors", "exporters")}
    for pipeline in collector["service"]["pipelines"].values():
        assert all(set(pipeline[kind]) <= defined[kind] for kind in defined)
    assert set(collector["service"]["extensions"]) <= set(collector["extensions"])
