"""Rosters are read a row at a time, and every fault is named."""

from collections.abc import Iterator
from itertools import count

import pytest

from tandem_profiles.domain import roster
from tandem_profiles.domain.roster import RosterTooLong, Row, read_roster
from tandem_profiles.domain.sheet_text import SheetText

TEXT = SheetText("", "utf-8", has_unfit=True)
ZONES = {"Europe/Lisbon"}


def endless() -> Iterator[Row]:
    """A roster that never ends."""
    yield 1, ["employee_number", "given_name", "email"]
    for number in count(2):
        yield number, [str(number), "Mira", f"p{number}@example.org"]


def test_a_roster_without_end_is_refused_once_it_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "MOST_ROWS", 1_000)
    with pytest.raises(RosterTooLong, match="1,000 rows"):
        read_roster(endless(), TEXT, time_zones=ZONES)


def test_faults_beyond_the_first_thousand_are_counted() -> None:
    rows: list[Row] = [(1, ["employee_number", "given_name", "email"])]
    rows += [(number, ["", "Mira", "nowhere"]) for number in range(2, 1_202)]
    found = read_roster(rows, TEXT, time_zones=ZONES)
    assert (found.fault_count, len(found.faults), found.rows) == (2_400, 1_000, [])


@pytest.mark.parametrize(
    ("header", "column", "words"),
    [
        (["given_name", "email"], "employee_number", "is missing"),
        (["employee_number", "given_name", "email", "Email"], "email", "more than once"),
        (["", " "], None, "names of the columns"),
    ],
)
def test_a_header_that_does_not_do_is_refused_by_column(header: list[str], column: str | None, words: str) -> None:
    found = read_roster([(1, header), (2, ["1", "Mira", "mira@example.org"])], TEXT, time_zones=ZONES)
    assert (found.faults[0].row, found.faults[0].column) == (1, column)
    assert words in found.faults[0].reason


def test_headings_of_other_systems_are_known_and_unknown_ones_are_named() -> None:
    rows: list[Row] = [
        (1, ["Employee ID", "Given Name", "EMAIL", "Department", "Shoe size"]),
        (2, ["1", "Mira", "mira@example.org", "Harbour", "38"]),
    ]
    found = read_roster(rows, TEXT, time_zones=ZONES)
    assert found.faults == []
    assert found.rows[0].told == {"given_name": "Mira", "email": "mira@example.org", "unit": "Harbour"}
    assert found.ignored_columns == ("Shoe size",)
