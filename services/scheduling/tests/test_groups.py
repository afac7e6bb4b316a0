"""Sessions of more than two: groups, circles and flash rotations, and what becomes of them when somebody leaves."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import recurring_ical_events
from icalendar import Calendar
from scheduling_scene import MONDAY, Pair, Scheduling, at, said_about, several, sign

from tandem_events.contracts import (
    AgreementSigned,
    Member,
    PairingMemberLeft,
    ReminderDue,
    SessionAttendeeWithdrawn,
    SessionCancelled,
    SessionProposalDeclined,
    SessionScheduled,
)
from tandem_events.testing import eventually, publish, tap

DAY = timedelta(days=1)


async def test_a_group_meets_as_a_whole_or_in_part(scheduling: Scheduling) -> None:
    mentor, mentees = uuid4(), [uuid4() for _ in range(3)]
    pair = await several(scheduling, "group", mentor=[mentor], mentee=mentees)
    path = f"/pairings/{pair.pairing_id}/sessions"
    whole = await scheduling.ask("POST", path, mentees[2], status=201, json=at(MONDAY + DAY))
    assert {one["person_id"] for one in whole["attendees"]} == {str(mentor), *map(str, mentees)}
    part = at(MONDAY + 2 * DAY, attendees=[str(mentees[1])])
    made = await scheduling.ask("POST", path, mentor, status=201, json=part)
    assert {one["person_id"] for one in made["attendees"]} == {str(mentor), str(mentees[1])}
    absent = {"attended": [str(mentees[0])]}
    scheduling.clock.at = MONDAY + 2 * DAY
    await scheduling.ask("POST", f"/sessions/{made['session_id']}/completion", mentor, status=422, json=absent)
    for alone, status in (([str(mentor)], 422), ([str(uuid4())], 422)):
        refused = at(MONDAY + 3 * DAY, attendees=alone)
        await scheduling.ask("POST", path, mentor, status=status, json=refused)
    assert len((await scheduling.ask("GET", path, mentees[0]))["items"]) == 2


async def test_a_circle_of_mentors_mentees_and_a_facilitator_agrees_and_meets(scheduling: Scheduling) -> None:
    facilitator, mentors, mentees = uuid4(), [uuid4(), uuid4()], [uuid4() for _ in range(4)]
    circle = await several(scheduling, "circle", facilitator=[facilitator], mentor=mentors, mentee=mentees)
    agreement = await scheduling.ask("GET", f"/pairings/{circle.pairing_id}/agreement", facilitator)
    assert agreement["state"] == "signed"
    assert [one["role"] for one in agreement["terms"]["commitments"]] == ["facilitator", "mentor", "mentee"]
    path = f"/pairings/{circle.pairing_id}/sessions"
    made = await scheduling.ask("POST", path, facilitator, status=201, json=at(MONDAY + DAY))
    everybody = {facilitator, *mentors, *mentees}
    assert {UUID(one["person_id"]) for one in made["attendees"]} == everybody
    assert set((await said_about(scheduling, circle, SessionScheduled))[0].attendees) == everybody
    text = await scheduling.ask("GET", f"/sessions/{made['session_id']}/invitation.ics", mentees[3])
    event: Any = Calendar.from_ical(text).walk("VEVENT")[0]
    assert len(event["attendee"]) == 7
    assert str(event["organizer"]) == f"mailto:facilitator-{facilitator}@example.org"
    one_of_them_is_busy = at(MONDAY + DAY + timedelta(minutes=30))
    await scheduling.ask("POST", path, mentors[0], status=409, json=one_of_them_is_busy)


async def test_peers_promise_each_other_what_peers_can(scheduling: Scheduling) -> None:
    peers = await several(scheduling, "peer", peer=[uuid4(), uuid4()])
    agreement = await scheduling.ask("GET", f"/pairings/{peers.pairing_id}/agreement", peers.mentor)
    assert [one["role"] for one in agreement["terms"]["commitments"]] == ["peer"]
    await scheduling.ask(
        "POST", f"/pairings/{peers.pairing_id}/sessions", peers.mentee, status=201, json=at(MONDAY + DAY)
    )


async def test_a_group_of_peers_agrees_meets_and_goes_on_without_one_of_them(scheduling: Scheduling) -> None:
    people = [uuid4() for _ in range(4)]
    peers = await several(scheduling, "peer", peer=people)
    agreement = await scheduling.ask("GET", f"/pairings/{peers.pairing_id}/agreement", people[1])
    assert agreement["state"] == "signed"
    assert [one["role"] for one in agreement["terms"]["commitments"]] == ["peer"]
    path = f"/pairings/{peers.pairing_id}/sessions"
    made = await scheduling.ask("POST", path, people[2], status=201, json=at(MONDAY + DAY))
    assert {UUID(one["person_id"]) for one in made["attendees"]} == set(people)
    await leaves(scheduling, peers, people[0], [Member(person_id=one, role="peer") for one in people[1:]])

    async def three_attend() -> bool:
        seen = await scheduling.ask("GET", f"/sessions/{made['session_id']}", people[3])
        return {UUID(one["person_id"]) for one in seen["attendees"]} == set(people[1:])

    await eventually(three_attend)


async def test_in_a_flash_program_everybody_meets_everybody_once_with_breaks_between(scheduling: Scheduling) -> None:
    mentors, mentees = [uuid4() for _ in range(3)], [uuid4() for _ in range(4)]
    flash = await several(scheduling, "flash", mentor=mentors, mentee=mentees)
    rotation = {
        "starts_at": "2027-03-02T09:00:00Z",
        "slot_minutes": 10,
        "change_minutes": 2,
        "rounds_before_break": 2,
        "break_minutes": 15,
        "way_of_meeting": "in_person",
        "place": "Hall 2",
    }
    path = f"/pairings/{flash.pairing_id}/rotations"
    over_midnight = {**rotation, "starts_at": "2027-03-02T23:55:00Z"}
    await scheduling.ask("POST", path, mentors[1], status=422, json=over_midnight)
    assert (await scheduling.ask("GET", f"/pairings/{flash.pairing_id}/sessions", mentors[1]))["items"] == []
    made = await scheduling.ask("POST", path, mentors[1], status=201, json=rotation)
    met = [frozenset(UUID(one["person_id"]) for one in session["attendees"]) for session in made["sessions"]]
    assert len(met) == 12
    assert set(met) == {frozenset((mentor, mentee)) for mentor in mentors for mentee in mentees}
    assert sorted({session["starts_at"][11:16] for session in made["sessions"]}) == ["09:00", "09:12", "09:37", "09:49"]
    times: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for session in made["sessions"]:
        for one in session["attendees"]:
            times[one["person_id"]].append((session["starts_at"], session["ends_at"]))
    assert all(earlier[1] <= later[0] for one in times.values() for earlier, later in pairwise(sorted(one)))
    said = await said_about(scheduling, flash, SessionScheduled, at_least=12)
    assert {frozenset(event.attendees) for event in said} == set(met)
    feed = await scheduling.ask("POST", "/me/calendar-feed", mentees[3], status=201)
    text = (await scheduling.client.get(feed["path"])).text
    assert [start.strftime("%H:%M") for start in instants(text)] == sorted(
        start[11:16] for start, _ in times[str(mentees[3])]
    )
    later = {**rotation, "starts_at": "2027-03-03T09:00:00Z"}
    refused = await scheduling.ask("POST", path, mentors[1], status=409, json=later)
    assert "Every mentee has met every mentor" in refused["detail"]
    assert len((await scheduling.ask("GET", "/me/sessions", mentees[3]))["items"]) == 3
    lost = made["sessions"][7]
    await scheduling.ask("POST", f"/sessions/{lost['session_id']}/cancellation", mentors[1], json={"reason": "ill"})
    (again,) = (await scheduling.ask("POST", path, mentors[1], status=201, json=later))["sessions"]
    assert again["starts_at"] == later["starts_at"]
    assert [one["person_id"] for one in again["attendees"]] == [one["person_id"] for one in lost["attendees"]]


def instants(text: str) -> list[datetime]:
    """When a calendar program would show something in the coming year."""
    found = recurring_ical_events.of(Calendar.from_ical(text)).between(MONDAY, MONDAY + 365 * DAY)
    return sorted(event["DTSTART"].dt.astimezone(MONDAY.tzinfo) for event in found)


async def leaves(scheduling: Scheduling, pair: Pair, person_id: UUID, left: list[Member]) -> None:
    """Matching says that somebody left; the answer comes once they may no longer look."""
    gone = PairingMemberLeft(
        pairing_id=pair.pairing_id,
        program_id=pair.program_id,
        person_id=person_id,
        members=tuple(left),
        occurred_at=MONDAY + timedelta(minutes=1),
    )
    await publish(scheduling.settings, gone, gone)

    async def shut_out() -> bool:
        headers = scheduling.tokens.person(person_id)
        answer = await scheduling.client.get(f"/pairings/{pair.pairing_id}/sessions", headers=headers)
        return answer.status_code == 404

    await eventually(shut_out)


async def test_who_leaves_a_group_is_taken_out_of_what_is_to_come_and_the_others_meet_on(
    scheduling: Scheduling,
) -> None:
    mentor, (stays, goes) = uuid4(), (uuid4(), uuid4())
    group = await several(scheduling, "group", mentor=[mentor], mentee=[stays, goes], zone="Europe/Berlin")
    left = [Member(person_id=mentor, role="mentor"), Member(person_id=stays, role="mentee")]
    path = f"/pairings/{group.pairing_id}"
    together = await scheduling.ask("POST", f"{path}/sessions", goes, status=201, json=at(MONDAY + DAY))
    alone = await scheduling.ask(
        "POST", f"{path}/sessions", mentor, status=201, json=at(MONDAY + 2 * DAY, attendees=[str(goes)])
    )
    weekly = {
        "starts_at": "2027-03-09T15:00:00",
        "minutes": 60,
        "way_of_meeting": "video",
        "recurrence": {"frequency": "weekly", "count": 4},
    }
    series = await scheduling.ask("POST", f"{path}/series", goes, status=201, json=weekly)
    options = [{key: at(MONDAY + 40 * DAY)[key] for key in ("starts_at", "ends_at")}]
    offer = {"options": options, "way_of_meeting": "phone"}
    proposal = await scheduling.ask("POST", f"{path}/session-proposals", goes, status=201, json=offer)
    feeds = {one: (await scheduling.ask("POST", "/me/calendar-feed", one, status=201))["path"] for one in (stays, goes)}
    assert [len(instants((await scheduling.client.get(feeds[one])).text)) for one in (stays, goes)] == [5, 6]

    await leaves(scheduling, group, goes, left)

    listed = (await scheduling.ask("GET", f"{path}/sessions", mentor))["items"]
    shown = {one["session_id"]: (one["state"], len(one["attendees"]), one["organizer_id"]) for one in listed}
    assert shown[together["session_id"]] == ("scheduled", 2, str(mentor)), "who invited left: somebody else invites"
    assert shown[alone["session_id"]][0] == "cancelled"
    assert {shown[one["session_id"]] for one in series["sessions"]} == {("scheduled", 2, str(mentor))}
    assert (await scheduling.ask("GET", f"{path}/session-proposals", mentor))["items"][0]["state"] == "declined"

    assert [len(instants((await scheduling.client.get(feeds[one])).text)) for one in (stays, goes)] == [5, 0]
    for session in (together, alone, *series["sessions"]):
        text = await scheduling.ask("GET", f"/sessions/{session['session_id']}/invitation.ics", goes)
        event: Any = Calendar.from_ical(text).walk("VEVENT")[0]
        assert (str(Calendar.from_ical(text)["method"]), int(event["sequence"])) == ("CANCEL", 1)
    assert "METHOD:CANCEL" in await scheduling.ask("GET", f"/series/{series['series_id']}/invitation.ics", goes)
    for address in (f"/sessions/{together['session_id']}", f"/series/{series['series_id']}"):
        text = await scheduling.ask("GET", f"{address}/invitation.ics", stays)
        event = Calendar.from_ical(text).walk("VEVENT")[0]
        assert "METHOD:REQUEST" in text
        assert (len(event["attendee"]), int(event["sequence"])) == (2, 1)
        assert str(goes) not in text

    said = await said_about(scheduling, group, SessionAttendeeWithdrawn, at_least=5)
    assert len(said) == 5, "said once, though the fact came twice"
    assert {(event.person_id, event.attendees, event.reason) for event in said} == {
        (goes, tuple(sorted((mentor, stays))), "member_left")
    }
    cancelled = await said_about(scheduling, group, SessionCancelled)
    assert [(str(event.session_id), event.reason) for event in cancelled] == [(alone["session_id"], "member_left")]
    declined = await said_about(scheduling, group, SessionProposalDeclined)
    assert [str(event.proposal_id) for event in declined] == [proposal["proposal_id"]]
    for hidden in (path + "/agreement", path + "/notes", f"/sessions/{together['session_id']}"):
        await scheduling.ask("GET", hidden, goes, status=404)
    again = at(MONDAY + DAY)
    other = await several(scheduling, "group", mentor=[uuid4()], mentee=[goes, uuid4()])
    await scheduling.ask("POST", f"/pairings/{other.pairing_id}/sessions", goes, status=201, json=again)

    scheduling.clock.at = MONDAY + 6 * DAY + timedelta(hours=5)
    async with tap(scheduling.settings) as topics:
        await topics.until(lambda seen: {mentor, stays} <= _reminded(seen, group))
        assert goes not in _reminded(topics.seen, group)


def _reminded(seen: list[Any], pair: Pair) -> set[UUID]:
    events = [one.event for one in seen if isinstance(one.event, ReminderDue)]
    return {event.person_id for event in events if any(one.pairing_id == pair.pairing_id for one in event.reminders)}


async def test_an_agreement_that_only_somebody_who_left_had_not_signed_is_in_force(scheduling: Scheduling) -> None:
    mentor, stays, goes = uuid4(), uuid4(), uuid4()
    group = await several(scheduling, "group", mentor=[mentor], mentee=[stays, goes])
    path = f"/pairings/{group.pairing_id}/agreement"
    answer = await scheduling.client.get(path, headers=scheduling.tokens.person(mentor))
    agreement = answer.json()
    terms = {**agreement["terms"], "meeting_every_days": 7}
    amendments = f"/agreements/{agreement['agreement_id']}/amendments"
    etag = {"If-Match": answer.headers["etag"]}
    await scheduling.ask("POST", amendments, mentor, status=201, json={"terms": terms}, headers=etag)
    await sign(scheduling, group, stays)
    left = [Member(person_id=mentor, role="mentor"), Member(person_id=stays, role="mentee")]
    await leaves(scheduling, group, goes, left)
    after = await scheduling.ask("GET", path, stays)
    assert (after["state"], after["version_in_force"]) == ("signed", 2)
    said = await said_about(scheduling, group, AgreementSigned, at_least=6)
    assert [(event.agreement_version, event.complete) for event in said[3:]] == [(2, False), (2, False), (2, True)]
    cadence = await scheduling.ask("GET", f"/pairings/{group.pairing_id}/cadence", mentor)
    assert cadence["meeting_every_days"] == 7


async def test_mentees_among_themselves_agree_on_no_time_that_their_mentor_does_not_offer(
    scheduling: Scheduling,
) -> None:
    mentor, mentees = uuid4(), [uuid4(), uuid4()]
    group = await several(scheduling, "group", mentor=[mentor], mentee=mentees)
    wish = {
        "hours": [{"weekday": day, "begins": "08:00", "ends": "18:00"} for day in range(5)],
        "windows": [{"weekday": 2, "begins": "09:00", "ends": "12:00"}],
    }
    await scheduling.ask("PUT", "/me/availability", mentor, json=wish, headers={"If-Match": '"0"'})
    options = [{key: at(MONDAY + days * DAY)[key] for key in ("starts_at", "ends_at")} for days in (1, 2)]
    path = f"/pairings/{group.pairing_id}/session-proposals"
    offer = {"options": options, "way_of_meeting": "phone"}
    made = await scheduling.ask("POST", path, mentees[0], status=201, json=offer)
    acceptance = f"/session-proposals/{made['proposal_id']}/acceptance"
    refused = await scheduling.ask("POST", acceptance, mentees[1], status=409, json={"option": 1})
    assert "does not offer" in refused["detail"]
    await scheduling.ask("POST", acceptance, mentees[1], status=201, json={"option": 2})
    other = await scheduling.ask("POST", path, mentees[0], status=201, json={**offer, "options": options[:1]})
    await scheduling.ask(
        "POST", f"/session-proposals/{other['proposal_id']}/acceptance", mentor, status=201, json={"option": 1}
    )


async def test_twelve_people_are_suggested_times_at_which_all_are_free(scheduling: Scheduling) -> None:
    mentor, mentees = uuid4(), [uuid4() for _ in range(12)]
    group = await several(scheduling, "group", mentor=[mentor], mentee=mentees)
    taken = at(MONDAY + timedelta(hours=1), attendees=[str(mentees[4])])
    await scheduling.ask("POST", f"/pairings/{group.pairing_id}/sessions", mentor, status=201, json=taken)
    path = f"/pairings/{group.pairing_id}/time-suggestions"
    refused = await scheduling.ask("POST", path, mentor, status=422, json={})
    assert "2 to 12" in refused["detail"]
    wish = {"people": [str(mentor), *map(str, mentees[:11])], "weeks": 6, "most": 3}
    found = (await scheduling.ask("POST", path, mentees[0], json=wish))["items"]
    assert [one["starts_at"][8:16] for one in found] == ["01T09:00", "01T11:00", "01T12:00"]
