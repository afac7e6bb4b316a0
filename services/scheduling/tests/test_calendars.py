"""Calendars over HTTP: invitations, feeds, replies, and the end of a pairing in everybody's calendar."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import recurring_ical_events
import vobject
from icalendar import Calendar
from scheduling_scene import MONDAY, NewPair, Pair, Scheduling, at, said_about

from tandem_events.contracts import PairingEnded, SessionAnswered, SessionScheduled
from tandem_events.testing import eventually, publish

DAY = timedelta(days=1)
BERLIN = ("Europe/Berlin", "Europe/Berlin")


async def booked(scheduling: Scheduling, pair: Pair, days: int = 1, **more: Any) -> str:
    made = await scheduling.ask(
        "POST", f"/pairings/{pair.pairing_id}/sessions", pair.mentor, status=201, json=at(MONDAY + days * DAY, **more)
    )
    return str(made["session_id"])


async def weekly(scheduling: Scheduling, pair: Pair) -> dict[str, Any]:
    body = {
        "starts_at": "2027-03-09T15:00:00",
        "minutes": 60,
        "way_of_meeting": "video",
        "recurrence": {"frequency": "weekly", "count": 6},
    }
    path = f"/pairings/{pair.pairing_id}/series"
    made: dict[str, Any] = await scheduling.ask("POST", path, pair.mentor, status=201, json=body)
    return made


async def test_an_invitation_follows_its_session_until_it_is_cancelled(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=BERLIN)
    session = f"/sessions/{await booked(scheduling, pair, place='Room 5')}"
    text = await scheduling.ask("GET", f"{session}/invitation.ics", pair.mentee)
    assert "METHOD:REQUEST" in text
    assert "SEQUENCE:0" in text
    assert "TZID=Europe/Berlin:20270302T100000" in text
    moved = {**at(MONDAY + 2 * DAY), "reason": "travel"}
    await scheduling.ask("POST", f"{session}/rescheduling", pair.mentee, json=moved)
    service = scheduling.tokens.service(["calendar"])
    text = await scheduling.ask("GET", f"{session}/invitation.ics?recipient={pair.mentor}", service)
    assert "SEQUENCE:1" in text
    assert "20270303T100000" in text
    await scheduling.ask("POST", f"{session}/cancellation", pair.mentor, json={"reason": "ill"})
    answer = await scheduling.client.get(f"{session}/invitation.ics", headers=scheduling.tokens.person(pair.mentee))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8; method=CANCEL"
    assert "METHOD:CANCEL" in answer.text
    assert "SEQUENCE:2" in answer.text
    for stranger in (uuid4(), scheduling.tokens.service(["other"]), scheduling.tokens.manager(pair.program_id)):
        await scheduling.ask("GET", f"{session}/invitation.ics", stranger, status=404)
    await scheduling.ask("GET", f"{session}/invitation.ics?recipient={uuid4()}", service, status=404)


async def test_a_private_feed_shows_everything_and_can_be_revoked(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair(zones=BERLIN)
    await booked(scheduling, pair)
    series = await weekly(scheduling, pair)
    first = await scheduling.ask("POST", "/me/calendar-feed", pair.mentee, status=201)
    feed = await scheduling.ask("POST", "/me/calendar-feed", pair.mentee, status=201)
    assert (await scheduling.client.get(first["path"])).status_code == 404
    secret = feed["path"].removeprefix("/calendar-feeds/").removesuffix(".ics")
    assert (len(secret) >= 43, secret in first["path"]) == (True, False), "256 random bits, new each time"
    shown = await scheduling.client.get(feed["path"])
    assert shown.headers["content-type"].startswith("text/calendar")
    instants = _instants(shown.text)
    assert instants == ["2027-03-02T09", *(one["starts_at"][:13] for one in series["sessions"])]
    skipped = series["sessions"][2]["session_id"]
    await scheduling.ask("POST", f"/sessions/{skipped}/cancellation", pair.mentee, json={"reason": "ill"})
    assert len(_instants((await scheduling.client.get(feed["path"])).text)) == 6
    text = await scheduling.ask("GET", f"/sessions/{skipped}/invitation.ics", pair.mentee)
    assert "METHOD:CANCEL" in text
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20270323T150000" in text
    assert f"UID:{series['series_id']}@" in text
    await scheduling.ask("DELETE", "/me/calendar-feed", pair.mentee, status=204)
    await scheduling.ask("DELETE", "/me/calendar-feed", pair.mentee, status=404)
    assert (await scheduling.client.get(feed["path"])).status_code == 404


def _instants(text: str) -> list[str]:
    found = recurring_ical_events.of(Calendar.from_ical(text)).between(MONDAY, MONDAY + 400 * DAY)
    return sorted(event["DTSTART"].dt.astimezone(MONDAY.tzinfo).isoformat()[:13] for event in found)


async def test_the_end_of_a_pairing_cancels_every_session_in_everybodys_calendar(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=BERLIN)
    alone = await booked(scheduling, pair)
    series = await weekly(scheduling, pair)
    feed = await scheduling.ask("POST", "/me/calendar-feed", pair.mentor, status=201)
    ended = PairingEnded(
        pairing_id=pair.pairing_id,
        program_id=pair.program_id,
        members=pair.members,
        reason="left",
        occurred_at=MONDAY + timedelta(minutes=1),
    )
    await publish(scheduling.settings, ended)

    async def empty() -> bool:
        return "VEVENT" not in (await scheduling.client.get(feed["path"])).text

    await eventually(empty)
    for session_id in (alone, *(one["session_id"] for one in series["sessions"])):
        for member in (pair.mentor, pair.mentee):
            assert "METHOD:CANCEL" in await scheduling.ask("GET", f"/sessions/{session_id}/invitation.ics", member)
    whole = await scheduling.ask("GET", f"/series/{series['series_id']}/invitation.ics", pair.mentee)
    assert "METHOD:CANCEL" in whole
    assert (await scheduling.ask("GET", f"/series/{series['series_id']}", pair.mentee))["cancelled"] is True
    assert "STATUS:CANCELLED" in whole


REPLY = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//X//EN\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{uid}@tandem.example\r\n"
    "SEQUENCE:{sequence}\r\n{more}ATTENDEE;PARTSTAT={answer}:mailto:{email}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def test_a_calendars_reply_is_taken_from_those_who_are_invited(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair(zones=BERLIN)
    session_id = await booked(scheduling, pair)
    series = await weekly(scheduling, pair)
    email = f"noor-{pair.mentee}@example.org"

    async def reply(who: Any, status: int, **parts: Any) -> Any:
        values = {"uid": session_id, "sequence": 0, "more": "", "answer": "ACCEPTED", "email": email, **parts}
        return await scheduling.ask(
            "POST",
            "/calendar-replies",
            who,
            status=status,
            content=REPLY.format(**values),
            headers={"Content-Type": "text/calendar"},
        )

    service = scheduling.tokens.service(["calendar"])
    (taken,) = (await reply(service, 200))["items"]
    assert [one["answer"] for one in taken["attendees"] if one["person_id"] == str(pair.mentee)] == ["accepted"]
    await reply(pair.mentee, 200, answer="DECLINED")
    await reply(pair.mentor, 422)
    await reply(service, 422, email="stranger@example.org")
    await reply(uuid4(), 404)
    await reply(service, 404, uid=uuid4())
    await reply(service, 422, answer="MAYBE")
    occurrence = "RECURRENCE-ID;TZID=Europe/Berlin:20270323T150000\r\n"
    (later,) = (await reply(service, 200, uid=series["series_id"], more=occurrence, answer="TENTATIVE"))["items"]
    assert later["session_id"] == series["sessions"][2]["session_id"]
    moved = {**at(MONDAY + 2 * DAY), "reason": "travel"}
    await scheduling.ask("POST", f"/sessions/{session_id}/rescheduling", pair.mentor, json=moved)
    assert "changed since" in (await reply(service, 409))["detail"]
    said = await said_about(scheduling, pair, SessionAnswered, at_least=3)
    assert [one.answer for one in said] == ["accepted", "declined", "tentative"]


async def test_of_several_replies_the_one_that_was_written_last_holds(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=BERLIN)
    session_id = await booked(scheduling, pair)
    series = await weekly(scheduling, pair)

    async def reply(answer: str, minute: int | None, *, status: int = 200, uid: str = session_id) -> Any:
        stamp = "" if minute is None else f"DTSTAMP:20270301T08{minute:02}00Z\r\n"
        values = {"uid": uid, "sequence": 0, "more": stamp, "email": f"noor-{pair.mentee}@example.org"}
        headers = {"Content-Type": "text/calendar"}
        content = REPLY.format(**values, answer=answer)
        return await scheduling.ask(
            "POST", "/calendar-replies", pair.mentee, status=status, content=content, headers=headers
        )

    async def answer() -> Any:
        seen = await scheduling.ask("GET", f"/sessions/{session_id}", pair.mentee)
        return next(one["answer"] for one in seen["attendees"] if one["person_id"] == str(pair.mentee))

    await reply("DECLINED", 10)
    assert "later answer" in (await reply("ACCEPTED", 5, status=409))["detail"]
    assert await answer() == "declined"
    await reply("DECLINED", 20)
    await reply("ACCEPTED", 15, status=409)
    await reply("TENTATIVE", 30)
    assert await answer() == "tentative"
    await scheduling.ask("POST", f"/sessions/{session_id}/answers", pair.mentee, json={"answer": "accepted"})
    await reply("DECLINED", 40, status=409)
    assert await answer() == "accepted", "what they said here was said later"
    moved = {**at(MONDAY + 3 * DAY), "reason": "travel"}
    await scheduling.ask("POST", f"/sessions/{session_id}/rescheduling", pair.mentor, json=moved)
    assert await answer() is None
    first = {"answer": "declined"}
    await scheduling.ask("POST", f"/sessions/{series['sessions'][0]['session_id']}/answers", pair.mentee, json=first)
    answered = (await reply("ACCEPTED", 50, uid=series["series_id"]))["items"]
    assert [one["session_id"] for one in answered] == [one["session_id"] for one in series["sessions"][1:]]
    await reply("DECLINED", 45, uid=series["series_id"], status=409)
    await reply("TENTATIVE", None, uid=series["series_id"])


async def test_a_reply_to_a_whole_series_answers_what_is_to_come_of_it(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=BERLIN)
    series = await weekly(scheduling, pair)
    ids = [one["session_id"] for one in series["sessions"]]
    moved = {**at(MONDAY + 30 * DAY), "reason": "travel"}
    await scheduling.ask("POST", f"/sessions/{ids[3]}/rescheduling", pair.mentor, json=moved)
    await scheduling.ask("POST", f"/sessions/{ids[4]}/cancellation", pair.mentor, json={"reason": "ill"})
    parts = {"uid": series["series_id"], "sequence": 0, "more": "", "email": f"noor-{pair.mentee}@example.org"}

    async def reply(status: int, **more: Any) -> Any:
        content = REPLY.format(**{**parts, "answer": "ACCEPTED", **more})
        headers = {"Content-Type": "text/calendar"}
        return await scheduling.ask(
            "POST", "/calendar-replies", pair.mentee, status=status, content=content, headers=headers
        )

    scheduling.clock.at = MONDAY + 9 * DAY
    answered = (await reply(200))["items"]
    assert [one["session_id"] for one in answered] == [ids[1], ids[2], ids[5]], "not what is over, moved or cancelled"
    text = await scheduling.ask("GET", f"/series/{series['series_id']}/invitation.ics", pair.mentor)
    events: list[Any] = Calendar.from_ical(text).walk("VEVENT")
    standings = [event["attendee"][1 - _first(event, pair.mentor)].params["PARTSTAT"] for event in events]
    assert standings == ["NEEDS-ACTION", "NEEDS-ACTION"], "the first is not answered, and what moved is asked anew"
    await scheduling.ask("POST", f"/sessions/{ids[0]}/absence", pair.mentor, json={"missed_by": [str(pair.mentor)]})
    scheduling.clock.at = MONDAY + 100 * DAY
    await reply(409)
    said = await said_about(scheduling, pair, SessionAnswered, at_least=3)
    assert {(str(one.session_id), one.answer) for one in said} == {
        (one, "accepted") for one in (ids[1], ids[2], ids[5])
    }


def _first(event: Any, person_id: UUID) -> int:
    """The place of somebody among two attendees."""
    return [str(person_id) in str(one) for one in event["attendee"]].index(True)


@pytest.mark.parametrize(
    ("zone", "named"),
    [
        ("Europe/Berlin", True),
        ("America/New_York", True),
        ("Australia/Lord_Howe", True),
        ("Africa/Casablanca", False),
        ("Asia/Kolkata", True),
        # Their rules were changed: clocks are no longer, or only now, set; a day was left out.
        ("America/Mexico_City", True),
        ("America/Nuuk", True),
        ("America/Sao_Paulo", True),
        ("Asia/Amman", True),
        ("Europe/Istanbul", True),
        ("Pacific/Apia", True),
    ],
)
async def test_five_years_of_a_series_are_the_same_instants_in_the_service_and_in_two_calendar_programs(
    scheduling: Scheduling, new_pair: NewPair, zone: str, named: bool
) -> None:
    pair = await new_pair(zones=(zone, zone))
    body = {
        "starts_at": "2027-03-02T10:00:00",
        "minutes": 60,
        "way_of_meeting": "video",
        "recurrence": {"frequency": "monthly", "count": 60, "except_dates": ["2029-07-02"]},
    }
    path = f"/pairings/{pair.pairing_id}/series"
    made = await scheduling.ask("POST", path, pair.mentor, status=201, json=body)
    wanted = [datetime.fromisoformat(one["starts_at"]) for one in made["sessions"]]
    assert len(wanted) == 59
    said = await said_about(scheduling, pair, SessionScheduled, at_least=59)
    assert sorted(event.starts_at for event in said) == wanted
    feed = await scheduling.ask("POST", "/me/calendar-feed", pair.mentee, status=201)
    for text in (
        (await scheduling.client.get(feed["path"])).text,
        await scheduling.ask("GET", f"/series/{made['series_id']}/invitation.ics", pair.mentee),
    ):
        assert ("BEGIN:VTIMEZONE" in text, "RRULE:FREQ=MONTHLY" in text, "EXDATE" in text) == (named, named, named)
        program = recurring_ical_events.of(Calendar.from_ical(text)).between(MONDAY, MONDAY + 6 * 366 * DAY)
        assert sorted(event["DTSTART"].dt.astimezone(UTC) for event in program) == wanted
        second: list[datetime] = []
        for event in vobject.readOne(text).vevent_list:
            begins, rules = event.dtstart.value, event.getrruleset()
            walls = [begins] if rules is None else [one.replace(tzinfo=begins.tzinfo) for one in rules]
            second += [wall.astimezone(UTC) for wall in walls]
        assert sorted(second) == wanted


async def test_a_session_in_the_hour_that_the_clocks_show_twice_is_the_same_instant_in_calendars(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=BERLIN)
    path = f"/pairings/{pair.pairing_id}/sessions"
    for begins in ("2027-10-31T00:15:00Z", "2027-10-31T01:15:00Z"):
        ends = begins.replace(":15:", ":45:")
        body = {"starts_at": begins, "ends_at": ends, "way_of_meeting": "video"}
        made = await scheduling.ask("POST", path, pair.mentor, status=201, json=body)
        text = await scheduling.ask("GET", f"/sessions/{made['session_id']}/invitation.ics", pair.mentee)
        event: Any = Calendar.from_ical(text).walk("VEVENT")[0]
        for start in (event["dtstart"].dt, vobject.readOne(text).vevent.dtstart.value):
            assert start.astimezone(UTC) == datetime.fromisoformat(begins)


async def test_a_series_is_refused_where_the_clocks_skip_or_double_its_time_and_nothing_is_stored(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=BERLIN)
    path = f"/pairings/{pair.pairing_id}/series"
    for begins, why in (
        ("2027-03-21T02:30:00", "jump over 2027-03-28"),
        ("2027-10-24T02:30:00", "2027-10-31 02:30 twice"),
    ):
        body = {
            "starts_at": begins,
            "minutes": 30,
            "way_of_meeting": "video",
            "recurrence": {"frequency": "weekly", "count": 3},
        }
        refused = await scheduling.ask("POST", path, pair.mentor, status=422, json=body)
        assert why in refused["detail"]
        assert [fault["field"] for fault in refused["faults"]] == ["except_dates"]
    unknown = {**body, "time_zone": "Mars/Olympus"}
    await scheduling.ask("POST", path, pair.mentor, status=422, json=unknown)
    assert (await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/sessions", pair.mentor))["items"] == []
