"""An upgrade without downtime: the old code of a service works on the schema of today.

The old code is what the service was before its newest migration came, taken from the history with its own tests. They
run it on a database that today's migrations made: what happens to the old replicas while an upgrade is under way.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WALKS = {
    "profiles": ["test_enrollments.py"],
    "matching": ["test_pairings.py"],
    "scheduling": ["test_thread.py", "test_availability.py"],
    "feedback": ["test_walk.py"],
}
"""Test files of each service that write and read most of its tables, and are quick."""


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True, timeout=60).stdout


def migrations_of(service: str) -> str:
    return f"services/{service}/tandem_{service}/migrations/versions"


def commit_before_the_newest_migration(service: str) -> str | None:
    """The newest commit without this service's newest migration; None where it came with the service."""
    if not (ROOT / ".git").exists():
        pytest.skip("there is no history here: the old code was not tried")
    newest = max(file.name for file in (ROOT / migrations_of(service)).glob("[0-9]*.py"))
    came = git("log", "--diff-filter=A", "--format=%H %P", "--", f"{migrations_of(service)}/{newest}").decode()
    if not came:
        return "HEAD"
    _, *parents = came.splitlines()[0].split()
    if parents and git("ls-tree", parents[0], "--", migrations_of(service)):
        return parents[0]
    return None


@pytest.mark.parametrize("service", WALKS)
def test_the_service_of_before_works_on_the_schema_of_today(service: str, tmp_path: Path) -> None:
    before = commit_before_the_newest_migration(service)
    if before is None:
        pytest.skip(f"{service} has had no new migration since it was first committed")
    tmp_path.chmod(0o711)
    with tarfile.open(fileobj=BytesIO(git("archive", before))) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    old, today = tmp_path / "old" / migrations_of(service), ROOT / migrations_of(service)
    told = {file.name: file.read_text() for file in old.glob("*.py")}
    shutil.rmtree(old)
    shutil.copytree(today, old, ignore=shutil.ignore_patterns("__pycache__"))
    assert {file.name: file.read_text() for file in old.glob("*.py")} != told, "there is nothing to try"

    answer = run_old_tests(tmp_path / "old", service)
    assert answer.returncode == 0, answer.stdout[-8000:] + answer.stderr[-2000:]
    assert " passed" in answer.stdout


def run_old_tests(old: Path, service: str) -> subprocess.CompletedProcess[str]:
    """The old tests on the old code: its packages come before those that are installed."""
    packages = [*old.glob("libs/*"), *old.glob("services/*"), old / "deploy" / "local"]
    tests = [f"services/{service}/tests/{name}" for name in WALKS[service]]
    assert all((old / test).exists() for test in tests)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "default", *tests],
        cwd=old,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))},
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "TANDEM_TEST_BROKER": "embedded",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_the_old_code_is_what_runs(tmp_path: Path) -> None:
    """The packages are installed editable, from this tree: without care the test above would try today's code."""
    (tmp_path / "libs" / "events" / "tandem_events").mkdir(parents=True)
    (tmp_path / "libs" / "events" / "tandem_events" / "__init__.py").write_text("OLD = True\n")
    answer = subprocess.run(
        [sys.executable, "-c", "import tandem_events; print(tandem_events.OLD)"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "libs" / "events")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.stdout == "True\n", answer.stderr
