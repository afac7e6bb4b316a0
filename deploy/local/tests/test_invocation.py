"""The command is named as it has to be typed."""

import sys
from pathlib import Path

import pytest

from tandem_local.invocation import tandem


def test_on_the_path_its_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))

    assert tandem("up") == "tandem up"


def test_elsewhere_its_place_is_named_as_seen_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    here = Path(sys.executable).parent

    monkeypatch.chdir(here.parent)
    assert tandem("up") == f"{here.name}/tandem up"
    monkeypatch.chdir(tmp_path)
    assert tandem("up") == f"{here}/tandem up"
