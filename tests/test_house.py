"""The house keeps its rules: a planted violation of each is caught by the tool that holds it."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = [*sorted(ROOT.glob("libs/*")), *sorted(ROOT.glob("services/*")), ROOT / "deploy" / "local"]
JUNK_DRAWERS = {"utils", "util", "common", "helpers", "helper", "misc", "shared"}


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    roots = [house / package.relative_to(ROOT) for package in PACKAGES]
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=house,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots)), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which violations can be planted."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        source = next(path for path in package.iterdir() if path.name.startswith("tandem_"))
        shutil.copytree(
            source,
            copy / source.relative_to(ROOT),
            ignore=lambda _, names: [name for name in names if not name.endswith(".py") and "." in name],
        )
    return copy


PLANTS = {
    "1. a service imports another": (
        "services/scheduling/tandem_scheduling/planted.py",
        "import tandem_matching.main\n",
        "Services never import each other",
    ),
    "2. storage imports a use case": (
        "services/matching/tandem_matching/storage/planted.py",
        "import tandem_matching.use_cases\n",
        "Inside a service imports point down",
    ),
    "2. a door imports the other door": (
        "services/feedback/tandem_feedback/handlers/planted.py",
        "import tandem_feedback.api\n",
        "Inside a service imports point down",
    ),
    "3. a domain imports pydantic": (
        "services/profiles/tandem_profiles/domain/planted.py",
        "import pydantic\n",
        "Domain knows no framework",
    ),
    "3. a domain imports sqlalchemy": (
        "services/matching/tandem_matching/domain/planted.py",
        "import sqlalchemy\n",
        "Domain knows no framework",
    ),
    "4. a library imports a service": (
        "libs/chassis/tandem_chassis/planted.py",
        "import tandem_feedback.main\n",
        "Libraries know no service",
    ),
    "4. events import the chassis": (
        "libs/events/tandem_events/planted.py",
        "import tandem_chassis.errors\n",
        "Events do not know the chassis",
    ),
    "4. a contract imports more than pydantic": (
        "libs/events/tandem_events/contracts/planted.py",
        "import sqlalchemy\n",
        "Contracts know only Pydantic",
    ),
}


def test_the_house_as_it_stands_keeps_every_import_rule(house: Path) -> None:
    answer = lint_imports(house)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_violation_is_caught(house: Path, plant: str) -> None:
    place, code, rule = PLANTS[plant]
    path = house / place
    package, single = path.parent, path.parent.with_suffix(".py")
    moved = not package.exists() and single.exists()
    if moved:  # the room is one file: make it a folder for the time of this test
        package.mkdir()
        shutil.move(single, package / "__init__.py")
    path.write_text(code)
    try:
        answer = lint_imports(house)
    finally:
        path.unlink()
        if moved:
            shutil.move(package / "__init__.py", single)
            package.rmdir()
    assert answer.returncode != 0
    broken = [line for line in answer.stdout.splitlines() if "BROKEN" in line]
    assert any(rule in line for line in broken), answer.stdout


def junk_drawers(root: Path) -> list[Path]:
    return [
        path
        for package in ("libs", "services", "deploy", "tests")
        for path in (root / package).rglob("*")
        if path.stem in JUNK_DRAWERS and (path.suffix == ".py" or path.is_dir()) and "__pycache__" not in path.parts
    ]


def test_no_room_is_a_junk_drawer() -> None:
    assert junk_drawers(ROOT) == []


def test_a_planted_junk_drawer_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "services" / "matching" / "utils.py"
    planted.parent.mkdir(parents=True)
    planted.touch()
    assert junk_drawers(tmp_path) == [planted]


def short_lists_of_faults(root: Path) -> list[str]:
    """Where code catches some of what a database that is away raises, and would end from the rest.

    Who looks for one fault and raises all others again, as it met them, is not meant.
    """
    found = []
    for path in (path for package in ("libs", "services", "deploy") for path in (root / package).rglob("*.py")):
        if "tests" in path.relative_to(root).parts or ".venv" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and node.type is not None and not raises_again(node):
                caught, line = [node.type], node.lineno
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "suppress":
                caught, line = node.args, node.lineno
            else:
                continue
            names = {part.id for each in caught for part in ast.walk(each) if isinstance(part, ast.Name)}
            if "DBAPIError" in names:
                found.append(f"{path.relative_to(root)}:{line}")
    return found


def raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(part, ast.Raise) and part.exc is None for part in ast.walk(handler))


def test_whoever_works_on_while_the_database_is_away_catches_all_that_it_may_raise() -> None:
    assert short_lists_of_faults(ROOT) == [], "catch tandem_events.database.DATABASE_AWAY instead"


@pytest.mark.parametrize("caught", ["except (DBAPIError, OSError):", "except DBAPIError as away:"])
def test_a_planted_short_list_of_faults_is_found(tmp_path: Path, caught: str) -> None:
    planted = tmp_path / "services" / "matching" / "workers.py"
    planted.parent.mkdir(parents=True)
    planted.write_text(f"try:\n    pass\n{caught}\n    pass\n")
    assert short_lists_of_faults(tmp_path) == ["services/matching/workers.py:3"]
    planted.write_text(f"try:\n    pass\n{caught}\n    if unknown(away):\n        raise\n")
    assert short_lists_of_faults(tmp_path) == []
    planted.write_text("from contextlib import suppress\n\nwith suppress(DBAPIError, OSError):\n    pass\n")
    assert short_lists_of_faults(tmp_path) == ["services/matching/workers.py:3"]


def imported_by_contracts(folder: Path) -> set[str]:
    """What the contracts' files import beyond the standard library, Pydantic and each other."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom):
                own = "tandem_events.contracts" if node.level == 1 else "tandem_events"
                modules = [f"{own}.{node.module or ''}".rstrip(".") if node.level else node.module or ""]
                if modules == ["tandem_events"]:
                    modules = [f"tandem_events.{name.name}" for name in node.names]
            elif isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
                modules = [ast.unparse(node)]
            else:
                continue
            found |= {module for module in modules if not allowed_in_contracts(module)}
    return found


def allowed_in_contracts(module: str) -> bool:
    """The standard library without what reaches outside, Pydantic, and the contracts themselves."""
    top = module.partition(".")[0]
    own = module == "tandem_events.contracts" or module.startswith("tandem_events.contracts.")
    return own or top == "pydantic" or (top in sys.stdlib_module_names and top not in REACHING_OUTSIDE)


REACHING_OUTSIDE = {
    "asyncio",
    "http",
    "importlib",
    "os",
    "pathlib",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "urllib",
}


def test_contracts_import_pydantic_and_the_standard_library_and_nothing_else() -> None:
    assert imported_by_contracts(ROOT / "libs" / "events" / "tandem_events" / "contracts") == set()


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import httpx2", "httpx2"),
        ("from fastapi import FastAPI", "fastapi"),
        ("import pydantic_settings", "pydantic_settings"),
        ("from tandem_events.database import tls", "tandem_events.database"),
        ("from tandem_events import tracing", "tandem_events.tracing"),
        ("from .. import replay", "tandem_events.replay"),
        ("from ..kafka import connection", "tandem_events.kafka"),
        ("import socket", "socket"),
        ("def late() -> None:\n    import structlog", "structlog"),
        ("__import__('aiokafka')", "__import__('aiokafka')"),
    ],
)
def test_a_contract_that_imports_more_is_found(tmp_path: Path, planted: str, found: str) -> None:
    (tmp_path / "planted.py").write_text(f"import datetime\nfrom pydantic import Field\n{planted}\n")
    assert imported_by_contracts(tmp_path) == {found}
