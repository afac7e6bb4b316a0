"""The whole platform, started once for all tests of this folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tandem_local.ports import free_base_port
from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tests.platform import RunningPlatform, running_platform
from tests.thread import REAL_SHEETS, SIZES


@pytest.fixture(scope="session")
def generated_sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sign-up sheets of invented people, in the sizes of the real ones."""
    folder = tmp_path_factory.mktemp("sheets")
    for size, people in SIZES.items():
        (folder / f"{size}_mentors.csv").write_text(mentor_sheet(people, 1), encoding="utf-8")
        (folder / f"{size}_mentees.csv").write_text(mentee_sheet(people, 2), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def sign_up_sheets(generated_sheets: Path) -> Path:
    """Real sign-up sheets where they are kept beside the project, else those of invented people."""
    return REAL_SHEETS if REAL_SHEETS.exists() else generated_sheets


@pytest.fixture(scope="session")
def platform(broker_choice: str | None) -> Iterator[RunningPlatform]:
    """A running platform of its own: PostgreSQL, broker, identity provider, four services."""
    with tempfile.TemporaryDirectory(prefix="tandem-platform-") as folder:
        home = Path(folder) / "home"
        Path(folder).chmod(0o711)
        with running_platform(home, base_port=free_base_port(), kafka=broker_choice) as running:
            yield running
