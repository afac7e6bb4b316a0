"""The verdict of the smoke run can fail: whatever the run under kills did otherwise is reported."""

from collections import Counter
from dataclasses import fields, replace
from typing import Any

import pytest

from tests.smoke import OF_THE_THREAD, Result, differences

CALM = Result(
    accepted={"mentor": 15, "mentee": 15},
    scores=[81.5, 60.25],
    sessions=Counter({"completed": 2}),
    answered=Counter({"answered": 4}),
    assessed=2,
    events=dict.fromkeys(OF_THE_THREAD, 2),
)
OTHERWISE: dict[str, list[Any]] = {
    "accepted": [{"mentor": 15, "mentee": 14}, {"mentor": 15}],
    "scores": [[81.5, 60.26], [81.5], [81.5, 60.25, 1.0], []],
    "sessions": [Counter({"completed": 1, "scheduled": 1}), Counter({"completed": 3})],
    "answered": [Counter({"answered": 3, "open": 1}), Counter({"answered": 5})],
    "assessed": [1, 0],
    "events": [{**dict.fromkeys(OF_THE_THREAD, 2), name: 3} for name in OF_THE_THREAD] + [{}],
}


def test_every_part_of_a_result_is_tried() -> None:
    assert set(OTHERWISE) == {field.name for field in fields(Result)}


def test_the_same_result_is_no_difference() -> None:
    assert differences(CALM, replace(CALM, events=dict(CALM.events))) == []


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OTHERWISE.items() for value in values])
def test_a_part_that_ended_otherwise_is_reported_alone_and_by_name(name: str, value: Any) -> None:
    (found,) = differences(CALM, replace(CALM, **{name: value}))
    assert found == f"{name}: {getattr(CALM, name)} in peace, {value} under kills"
