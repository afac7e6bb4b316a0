"""Availability over HTTP: hours, windows, busy calendars and suggestions."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from scheduling_scene import MONDAY, NewPair, Scheduling, at

NEW_YORK_AND_BERLIN = ("America/New_York", "Europe/Berlin")


async def test_suggested_times_suit_everybodys_hours_sessions_and_own_calendars(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=NEW_YORK_AND_BERLIN, meeting_minutes=45)
    path = f"/pairings/{pair.pairing_id}/time-suggestions"
    wish = {"minutes": 60, "weeks": 1, "most": 4}

    async def suggested() -> list[str]:
        page = await scheduling.ask("POST", path, pair.mentee, json=wish)
        return [one["starts_at"][8:16] for one in page["items"]]

    assert await suggested() == ["01T14:00", "01T15:00", "02T14:00", "02T15:00"]
    await scheduling.ask(
        "POST",
        f"/pairings/{pair.pairing_id}/sessions",
        pair.mentor,
        status=201,
        json=at(MONDAY + timedelta(hours=5), minutes=60),
    )
    assert (await suggested())[0] == "01T15:00"
    dentist = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//X//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20270101T000000Z\r\n"
        "SUMMARY:Dentist\r\nDTSTART:20270301T150000Z\r\nDTEND:20270301T153000Z\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )
    calendar: dict[str, Any] = {"content": dentist, "headers": {"Content-Type": "text/calendar"}}
    taken = await scheduling.ask("PUT", "/me/busy-calendar", pair.mentor, **calendar)
    assert taken == {"busy_spans": 182}
    assert await scheduling.ask("PUT", "/me/busy-calendar", pair.mentor, **calendar) == taken
    assert await suggested() == ["02T14:00", "03T14:00", "04T14:00", "05T14:00"]
    agreed = await scheduling.ask("POST", path, pair.mentee, json={"most": 1})
    assert agreed["items"] == [{"starts_at": "2027-03-02T14:00:00Z", "ends_at": "2027-03-02T14:45:00Z"}]
    stranger = {**wish, "people": [str(pair.mentor), str(uuid4())]}
    await scheduling.ask("POST", path, pair.mentee, status=422, json=stranger)
    await scheduling.ask("POST", path, uuid4(), status=404, json=wish)
    broken = {"content": "BEGIN:nothing", "headers": {"Content-Type": "text/calendar"}}
    await scheduling.ask("PUT", "/me/busy-calendar", pair.mentor, status=422, **broken)
    exploding = {**calendar, "content": dentist.replace("FREQ=DAILY", "FREQ=SECONDLY")}
    refused = await scheduling.ask("PUT", "/me/busy-calendar", pair.mentor, status=422, **exploding)
    assert "by the hour or finer" in refused["detail"]
    large = {"content": b"x" * 10_000_000, "headers": {"Content-Type": "text/calendar"}}
    await scheduling.ask("PUT", "/me/busy-calendar", pair.mentor, status=413, **large)
    assert await suggested() == ["02T14:00", "03T14:00", "04T14:00", "05T14:00"], "nothing was half stored"


async def test_public_holidays_and_days_off_are_not_suggested(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair(zones=("Europe/Berlin", "Europe/Berlin"))
    wish = {
        "hours": [{"weekday": 0, "begins": "09:00", "ends": "10:00"}],
        "holidays": "DE-BE",
        "exceptions": [{"on": "2027-03-15"}, {"on": "2027-03-23", "hours": [{"begins": "14:00", "ends": "15:00"}]}],
    }
    await scheduling.ask("PUT", "/me/availability", pair.mentor, json=wish, headers={"If-Match": '"0"'})
    path = f"/pairings/{pair.pairing_id}/time-suggestions"
    found = (await scheduling.ask("POST", path, pair.mentee, json={"weeks": 6, "most": 9}))["items"]
    assert [one["starts_at"][5:16] for one in found] == ["03-22T08:00", "03-23T13:00", "04-05T07:00", "04-12T07:00"], (
        "not on the 8th, which Berlin celebrates, the 15th, which is taken off, nor Easter Monday, the 29th"
    )


async def test_the_mentor_sets_the_timeframe_and_the_mentee_books_within_it(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=("Europe/Berlin", "Europe/Berlin"))
    office = [{"weekday": day, "begins": "09:00", "ends": "17:00"} for day in range(5)]
    wish = {
        "hours": office,
        "windows": [{"weekday": 2, "begins": "10:00", "ends": "12:00"}],
        "holidays": "DE-BE",
        "exceptions": [{"on": "2027-03-10"}],
    }
    path = "/me/availability"
    before = await scheduling.client.get(path, headers=scheduling.tokens.person(pair.mentor))
    assert (before.headers["etag"], before.json()["time_zone"], len(before.json()["hours"])) == (
        '"0"',
        "Europe/Berlin",
        5,
    )
    await scheduling.ask("PUT", path, pair.mentor, status=428, json=wish)
    kept = await scheduling.ask("PUT", path, pair.mentor, json=wish, headers={"If-Match": '"0"'})
    assert kept["windows"] == [{"weekday": 2, "begins": "10:00", "ends": "12:00"}]
    for wrong in (
        {"time_zone": "Europe/Nowhere"},
        {"holidays": "XX"},
        {"hours": [{"weekday": 0, "begins": "12:00", "ends": "10:00"}]},
    ):
        refused = {**wish, **wrong}
        await scheduling.ask("PUT", path, pair.mentor, status=422, json=refused, headers={"If-Match": '"1"'})
    suggestions = f"/pairings/{pair.pairing_id}/time-suggestions"
    found = await scheduling.ask("POST", suggestions, pair.mentee, json={"weeks": 3, "most": 9})
    days = [one["starts_at"][8:16] for one in found["items"]]
    assert days == ["03T09:00", "03T10:00", "17T09:00", "17T10:00"]
    sessions = f"/pairings/{pair.pairing_id}/sessions"
    outside = at(MONDAY + timedelta(days=1))
    refused = await scheduling.ask("POST", sessions, pair.mentee, status=409, json=outside)
    assert "does not offer" in refused["detail"]
    agreed = await scheduling.ask("POST", sessions, pair.mentor, status=201, json=outside)
    rescheduling = f"/sessions/{agreed['session_id']}/rescheduling"
    later = {**at(MONDAY + timedelta(days=1, hours=1)), "reason": "travel"}
    await scheduling.ask("POST", rescheduling, pair.mentee, status=409, json=later)
    elsewhere = {**outside, "way_of_meeting": "in_person", "place": "Room 5", "reason": "travel"}
    moved = await scheduling.ask("POST", rescheduling, pair.mentee, json=elsewhere)
    assert (moved["place"], moved["starts_at"]) == ("Room 5", agreed["starts_at"]), "who agreed to the time keeps it"
    await scheduling.ask("POST", sessions, pair.mentee, status=201, json=at(MONDAY + timedelta(days=2, hours=1)))
