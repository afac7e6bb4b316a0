"""What a roster's row changes of a person, and what lines of managers run into."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_profiles.domain.roster_changes import Kind, as_person, change_of, circles, leaving

TODAY = date(2026, 5, 4)
PERSON: dict[str, Any] = {"unit": "Harbour", "email": "mira@example.org", "departed_on": None, "leaves_on": None}


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"unit": "Harbour"}, None),
        ({"unit": "Docks"}, Kind.MOVES),
        ({"email": "mira.v@example.org"}, Kind.CHANGES),
        ({"left_on": TODAY}, Kind.LEAVES),
        ({"left_on": TODAY + timedelta(days=1)}, Kind.CHANGES),
        ({"unit": "Docks", "left_on": TODAY - timedelta(days=400)}, Kind.LEAVES),
        ({"left_on": None}, None),
    ],
)
def test_a_row_is_a_move_a_departure_or_another_change(told: dict[str, Any], kind: Kind | None) -> None:
    change = change_of(PERSON, as_person(told, today=TODAY))
    assert (change.kind if change else None) == kind


def test_a_row_without_a_last_day_brings_back_who_left() -> None:
    gone = {**PERSON, "departed_on": TODAY}
    change = change_of(gone, as_person({"left_on": None}, today=TODAY))
    assert change is not None
    assert (change.kind, change.fields) == (Kind.RETURNS, {"departed_on": None})


def test_a_roster_without_a_column_for_it_says_nothing_about_departures() -> None:
    assert change_of({**PERSON, "departed_on": TODAY}, as_person({"unit": "Harbour"}, today=TODAY)) is None


@given(st.dates())
def test_somebody_has_left_or_will_leave_and_never_both(left_on: date) -> None:
    fields = leaving(left_on, today=TODAY)
    assert sum(day is not None for day in fields.values()) == 1


@pytest.mark.parametrize(
    ("manager_of", "found"),
    [
        ({1: None, 2: 1, 3: 1}, []),
        ({1: 2, 2: 1, 3: 1}, [{1, 2}]),
        ({1: 2, 2: 3, 3: 1, 4: 5, 5: 4, 6: 99}, [{1, 2, 3}, {4, 5}]),
    ],
)
def test_circles_of_managers_are_found_once_each(manager_of: dict[int, int | None], found: list[set[int]]) -> None:
    assert [set(circle) for circle in circles(manager_of, manager_of)] == found


@given(st.dictionaries(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 12))))
def test_without_the_managers_in_circles_there_is_no_circle(manager_of: dict[int, int | None]) -> None:
    in_circles = {one for circle in circles(manager_of, manager_of) for one in circle}
    assert circles({one: None if one in in_circles else boss for one, boss in manager_of.items()}, manager_of) == []
