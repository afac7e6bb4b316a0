"""The chronicle of a relationship: causes before effects, whole where all answer, honest where not."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tandem_local.chronicle import Happening, depths, details, gather, in_causal_order, short, words
from tandem_local.refusals import NotAnswering

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SERVICES = ("profiles", "matching", "scheduling", "feedback")


def happening(
    identity: str,
    *,
    seconds: float = 0,
    because_of: str | None = None,
    service: str = "matching",
    subject: str | None = None,
    sequence: int = 0,
    type: str = "tandem.pairing.created.v1",  # noqa: A002 - as the envelope calls it
    data: Any = None,
) -> Happening:
    return Happening(
        id=identity,
        type=type,
        service=service,
        subject=subject or identity,
        key="k",
        time=NOON + timedelta(seconds=seconds),
        correlation_id="story",
        causation_id=because_of,
        aggregate_version=1,
        sequence=sequence,
        data=data,
        gone=False,
    )


def ids(happenings: list[Happening]) -> str:
    return " ".join(one.id for one in happenings)


def test_what_has_no_cause_in_common_is_told_by_time() -> None:
    assert ids(in_causal_order([happening("b", seconds=2), happening("a", seconds=1)])) == "a b"


def test_a_cause_comes_before_its_effect_although_the_clock_of_the_other_service_is_slow() -> None:
    told = in_causal_order(
        [
            happening("agreed", seconds=-30, because_of="paired", service="scheduling"),
            happening("booked", seconds=-20, because_of="agreed", service="scheduling"),
            happening("paired", seconds=0),
            happening("asked", seconds=-60),
        ]
    )
    assert ids(told) == "asked paired agreed booked"


def test_what_a_service_said_of_one_thing_stays_as_it_said_it_although_its_clock_was_set_back() -> None:
    told = in_causal_order(
        [
            happening("moved", seconds=-5, subject="session", sequence=1),
            happening("booked", seconds=0, subject="session", sequence=0),
        ]
    )
    assert ids(told) == "booked moved"


def test_a_damaged_archive_in_which_things_cause_each_other_is_told_by_time() -> None:
    told = in_causal_order(
        [
            happening("a", seconds=1, because_of="b"),
            happening("b", seconds=2, because_of="a"),
            happening("self", seconds=0, because_of="self"),
            happening("c", seconds=3, because_of="b"),
        ]
    )
    assert ids(told) == "self a b c"


def test_a_long_story_is_put_in_order_at_once() -> None:
    line = [happening(str(number), seconds=-number, because_of=str(number - 1)) for number in range(5000)]
    assert [one.id for one in in_causal_order(reversed(line))] == [str(number) for number in range(5000)]


def test_depth_counts_the_causes_before() -> None:
    assert depths([happening("a"), happening("b", because_of="a"), happening("c", because_of="unknown")]) == {
        "a": 0,
        "b": 1,
        "c": 0,
    }


def test_what_happened_is_told_in_the_words_of_its_contract() -> None:
    assert words(happening("a")) == "People were paired"
    assert words(happening("a", type="tandem.session.scheduled.v1")) == "A session was booked"
    assert words(happening("a", type="tandem.moon.landed.v3")) == "moon.landed"


def test_details_are_short_and_leave_out_what_the_whole_story_shares() -> None:
    mentor, run = "0198a000-0000-7000-8000-0000aaaa1111", "0198a000-0000-7000-8000-0000bbbb2222"
    data = {
        "pairing_id": str(uuid4()),
        "run_id": run,
        "members": [{"person_id": mentor, "role": "mentor"}],
        "starts_at": "2026-05-04T12:00:00Z",
        "complete": True,
        "due_on": None,
        "sessions": 3,
    }
    told = details(happening("a", data=data))
    assert told == "run …bbbb2222, members mentor …aaaa1111, starts at 2026-05-04 12:00, complete yes, sessions 3"
    assert (details(happening("a")), short("story-1")) == ("", "story-1")


class Archives:
    """Archives of four services, and which of them are away."""

    def __init__(self, **entries: list[dict[str, Any]]) -> None:
        self.entries = entries
        self.away: set[str] = set()

    def __call__(self, service: str, **narrowed: Any) -> Iterator[Mapping[str, Any]]:
        for entry in self.entries.get(service, []):
            if entry["key"] == narrowed.get("key") or entry["id"] in narrowed.get("id", ()):
                yield entry
        if service in self.away:
            raise NotAnswering(f"{service} does not answer.")


def entry(identity: str, *, key: str = "pair", because_of: str | None = None, name: str) -> dict[str, Any]:
    return {
        "id": identity,
        "type": f"tandem.{name}.v1",
        "subject": identity,
        "key": key,
        "time": "2026-05-04T12:00:00Z",
        "recorded_at": "2026-05-04T12:00:00Z",
        "correlation_id": "story",
        "causation_id": because_of,
        "aggregate_version": 1,
        "data": None,
        "gone": False,
    }


def archives() -> Archives:
    return Archives(
        profiles=[entry("left", key="person", name="person.departed"), entry("fed", key="feed", name="person.updated")],
        matching=[entry("ended", because_of="left", name="pairing.ended"), entry("state", name="pairing.state")],
        scheduling=[entry("cancelled", because_of="ended", name="session.cancelled")],
    )


def test_a_story_reaches_over_all_services_and_to_causes_outside_of_it() -> None:
    told = gather(archives(), "pair", SERVICES)
    assert [(one.id, one.outside) for one in told.shown()] == [("left", True), ("ended", False), ("cancelled", False)]
    assert "state" in [one.id for one in told.happenings]
    assert not told.missing


def test_a_service_that_is_away_is_missing_and_the_rest_is_told() -> None:
    asked = archives()
    asked.away = {"matching", "feedback"}
    told = gather(asked, "pair", SERVICES)
    assert sorted(told.missing) == ["feedback", "matching"]
    assert "cancelled" in [one.id for one in told.happenings]


def test_a_state_is_told_where_something_came_of_it() -> None:
    asked = Archives(
        matching=[entry("state", name="pairing.state")],
        scheduling=[entry("proposed", because_of="state", name="agreement.proposed")],
    )
    assert [one.id for one in gather(asked, "pair", SERVICES).shown()] == ["state", "proposed"]
