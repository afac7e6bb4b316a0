"""`tandem match --format preflib`: rankings from files, matched without any platform running."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tandem_local.cli import app


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "voters.soi").write_text("# TITLE: three\n2: 1,2\n1: 1\n")
    (tmp_path / "schools.soi").write_text("1: 3,2,1\n1: 1,2\n")
    (tmp_path / "places.csv").write_text("1, 1\n2, 1\n")
    return tmp_path


def match(files: Path, *more: str) -> Result:
    arguments = ["match", "--format", "preflib", str(files / "voters.soi"), *more]
    return CliRunner().invoke(app, arguments)


def test_where_one_side_ranks_most_are_matched_and_ranks_are_least(files: Path) -> None:
    found = json.loads(match(files, "--capacities", str(files / "places.csv"), "--json").stdout)
    assert (found["matched"], found["unmatched"], found["sum_of_ranks"]) == (2, 1, 3)
    shown = match(files, "--capacities", str(files / "places.csv")).stdout
    assert "2 matched, 1 not; the sum of their ranks is 3." in shown


def test_where_both_sides_rank_the_match_is_stable(files: Path) -> None:
    places, other = str(files / "places.csv"), str(files / "schools.soi")
    found = json.loads(match(files, "--capacities", places, "--other-side", other, "--json").stdout)
    assert found["match"] == {"1": 2, "3": 1}


def test_what_is_missing_or_malformed_is_said(files: Path) -> None:
    assert "needs --capacities" in match(files).output
    (files / "places.csv").write_text("one, 1\n")
    refused = match(files, "--capacities", str(files / "places.csv"))
    assert refused.exit_code == 5
    assert "line 1 is not 'alternative, places'" in refused.output
    absent = CliRunner().invoke(app, ["match", "--format", "preflib", "absent.soi"])
    assert absent.exit_code == 2
    wrong = CliRunner().invoke(app, ["match", "not-a-program"])
    assert "is not the id of a program" in wrong.output
