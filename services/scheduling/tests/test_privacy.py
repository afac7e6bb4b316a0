"""What some of many do is theirs: their agendas, action items, notes and meetings are no business of the others."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from scheduling_scene import MONDAY, NewPair, Pair, Scheduling, at, several

DAY = timedelta(days=1)


async def met(
    scheduling: Scheduling, pair: Pair, who: Sequence[UUID], days: int, *, by: UUID | None = None
) -> dict[str, Any]:
    """A session of some, booked by one of them."""
    path = f"/pairings/{pair.pairing_id}/sessions"
    named = at(MONDAY + days * DAY, attendees=[str(one) for one in who])
    made: dict[str, Any] = await scheduling.ask("POST", path, by or who[0], status=201, json=named)
    return made


async def agenda(scheduling: Scheduling, meeting: dict[str, Any], who: UUID) -> list[str]:
    path = f"/sessions/{meeting['session_id']}/agenda-items"
    return [item["words"] for item in (await scheduling.ask("GET", path, who))["items"]]


async def test_what_two_of_a_flash_program_did_not_get_to_waits_for_their_own_next_session(
    scheduling: Scheduling,
) -> None:
    (first, second), (ada, ben) = [uuid4(), uuid4()], [uuid4(), uuid4()]
    flash = await several(scheduling, "flash", mentor=[first, second], mentee=[ada, ben])
    one = await met(scheduling, flash, [ada, first], 1)
    others = await met(scheduling, flash, [ben, second], 3)
    whole = await met(scheduling, flash, [first, second, ada, ben], 4)
    mentors = await met(scheduling, flash, [first, second], 5)
    words = {"words": "What I told nobody yet"}
    await scheduling.ask("POST", f"/sessions/{one['session_id']}/agenda-items", ada, status=201, json=words)
    next_step = f"/pairings/{flash.pairing_id}/next-step"
    assert (await scheduling.ask("GET", next_step, ada))["code"] == "meet"
    mine = await scheduling.ask("GET", next_step, ben)
    assert (mine["code"], mine["session_id"]) == ("prepare_agenda", others["session_id"]), "of his own next session"
    assert (await scheduling.ask("GET", f"/pairings/{flash.pairing_id}/cadence", ben))["next_session_id"] == (
        others["session_id"]
    )
    scheduling.clock.at = MONDAY + DAY + timedelta(minutes=50)
    commitment = {"words": "Ask the works council", "owner_id": str(ada)}
    completion = {"attended": [str(ada), str(first)], "action_items": [commitment]}
    await scheduling.ask("POST", f"/sessions/{one['session_id']}/completion", ada, json=completion)
    seen_by = {others["session_id"]: ben, whole["session_id"]: ben, mentors["session_id"]: first}
    for meeting in (others, whole, mentors):
        assert await agenda(scheduling, meeting, seen_by[meeting["session_id"]]) == []
    assert (await scheduling.ask("GET", f"/sessions/{others['session_id']}", ben))["agenda_items"] == 0
    again = await met(scheduling, flash, [ada, first], 6)
    assert await agenda(scheduling, again, first) == [words["words"]]
    assert await agenda(scheduling, again, ben) == []

    items = f"/pairings/{flash.pairing_id}/action-items"
    shown = {who: len((await scheduling.ask("GET", items, who))["items"]) for who in (ada, first, ben, second)}
    assert shown == {ada: 1, first: 1, ben: 0, second: 0}
    notes = f"/pairings/{flash.pairing_id}/notes"
    note = {"words": "Of us two", "visibility": "ours", "session_id": one["session_id"]}
    await scheduling.ask("POST", notes, ben, status=403, json=note)
    await scheduling.ask("POST", notes, ada, status=201, json=note)
    shown = {who: len((await scheduling.ask("GET", notes, who))["items"]) for who in (ada, first, ben, second)}
    assert shown == {ada: 1, first: 1, ben: 0, second: 0}


async def test_only_who_meets_invites_or_facilitates_disposes_of_a_meeting(scheduling: Scheduling) -> None:
    facilitator, (mentor, other), (ada, ben) = uuid4(), [uuid4(), uuid4()], [uuid4(), uuid4()]
    circle = await several(scheduling, "circle", facilitator=[facilitator], mentor=[mentor, other], mentee=[ada, ben])
    assistant, stranger = uuid4(), uuid4()
    await scheduling.ask("POST", "/me/delegates", mentor, status=201, json={"delegate_id": str(assistant)})
    await scheduling.ask("POST", "/me/delegates", other, status=201, json={"delegate_id": str(stranger)})
    meeting = await met(scheduling, circle, [ada, mentor], 1)
    session = f"/sessions/{meeting['session_id']}"
    requests: dict[str, dict[str, Any]] = {
        "rescheduling": {**at(MONDAY + 2 * DAY), "reason": "travel"},
        "cancellation": {"reason": "ill"},
        "completion": {"attended": [str(ada)]},
        "absence": {"missed_by": [str(mentor)]},
        "agenda-items": {"words": "By the way"},
        "answers": {"answer": "accepted"},
    }
    for ending, body in requests.items():
        refused = await scheduling.ask("POST", f"{session}/{ending}", ben, status=403, json=body)
        assert "Others meet in this session" in refused["detail"]
        refused = await scheduling.ask("POST", f"{session}/{ending}", stranger, status=404, json=body)
    assert (await scheduling.ask("GET", session, ada))["state"] == "scheduled"
    listed = f"/pairings/{circle.pairing_id}/sessions"
    assert (await scheduling.ask("GET", listed, stranger))["items"] == [], "who books for another sees nothing of it"
    assert len((await scheduling.ask("GET", listed, assistant))["items"]) == 1
    for days, who in ((2, assistant), (3, facilitator), (4, mentor)):
        moved = {**at(MONDAY + days * DAY), "reason": "travel"}
        await scheduling.ask("POST", f"{session}/rescheduling", who, json=moved)
    scheduling.clock.at = MONDAY + 4 * DAY + timedelta(hours=1)
    done = await scheduling.ask("POST", f"{session}/completion", facilitator, json=requests["completion"])
    assert done["state"] == "completed"


async def test_of_a_rotation_everybody_disposes_of_their_own_meetings_and_who_set_it_up_of_all(
    scheduling: Scheduling,
) -> None:
    mentors, mentees = [uuid4(), uuid4()], [uuid4(), uuid4()]
    flash = await several(scheduling, "flash", mentor=mentors, mentee=mentees)
    rotation = {
        "starts_at": "2027-03-02T09:00:00Z",
        "slot_minutes": 10,
        "change_minutes": 2,
        "rounds_before_break": 2,
        "break_minutes": 15,
        "way_of_meeting": "in_person",
    }
    path = f"/pairings/{flash.pairing_id}/rotations"
    made = (await scheduling.ask("POST", path, mentors[1], status=201, json=rotation))["sessions"]
    attendees = {one["session_id"]: {who["person_id"] for who in one["attendees"]} for one in made}
    for session_id, invited in attendees.items():
        status = 200 if str(mentees[0]) in invited else 403
        body = {"reason": "ill"}
        await scheduling.ask("POST", f"/sessions/{session_id}/cancellation", mentees[0], status=status, json=body)
    left = next(
        session_id for session_id, invited in attendees.items() if {str(mentors[0]), str(mentees[1])} == invited
    )
    await scheduling.ask("POST", f"/sessions/{left}/cancellation", mentors[1], json={"reason": "ill"})


async def test_a_series_of_some_is_theirs_to_cancel(scheduling: Scheduling) -> None:
    mentor, (ada, ben) = uuid4(), [uuid4(), uuid4()]
    group = await several(scheduling, "group", mentor=[mentor], mentee=[ada, ben])
    weekly = {
        "starts_at": "2027-03-09T15:00:00",
        "minutes": 60,
        "way_of_meeting": "video",
        "recurrence": {"frequency": "weekly", "count": 4},
        "attendees": [str(mentor), str(ada)],
    }
    series = await scheduling.ask("POST", f"/pairings/{group.pairing_id}/series", ada, status=201, json=weekly)
    path = f"/series/{series['series_id']}/cancellation"
    await scheduling.ask("POST", path, ben, status=403, json={"reason": "pause"})
    for meeting, words in zip(series["sessions"], ("First", "Second"), strict=False):
        items = f"/sessions/{meeting['session_id']}/agenda-items"
        await scheduling.ask("POST", items, ada, status=201, json={"words": words})
    await scheduling.ask("POST", path, mentor, json={"reason": "pause"})
    again = await met(scheduling, group, [ada, mentor], 20)
    assert await agenda(scheduling, again, mentor) == ["First", "Second"], "what was prepared for a series is not lost"


async def test_what_was_prepared_for_a_debrief_is_not_lost(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/sessions"
    for days, ending in ((1, "cancellation"), (5, "absence")):
        later = {key: at(MONDAY + (days + 1) * DAY)[key] for key in ("starts_at", "ends_at")}
        body = at(MONDAY + days * DAY, kind="shadowing", debrief=later)
        shadowing = await scheduling.ask("POST", path, pair.mentor, status=201, json=body)
        debrief = (await scheduling.ask("GET", path, pair.mentee))["items"][-1]
        items = f"/sessions/{debrief['session_id']}/agenda-items"
        await scheduling.ask("POST", items, pair.mentee, status=201, json={"words": f"Why so? {ending}"})
        scheduling.clock.at = MONDAY + days * DAY + timedelta(minutes=1)
        why = {"cancellation": {"reason": "ill"}, "absence": {"missed_by": [str(pair.mentor)]}}[ending]
        await scheduling.ask("POST", f"/sessions/{shadowing['session_id']}/{ending}", pair.mentee, json=why)
    again = await scheduling.ask("POST", path, pair.mentor, status=201, json=at(MONDAY + 20 * DAY))
    assert await agenda(scheduling, again, pair.mentor) == ["Why so? cancellation", "Why so? absence"]


async def test_a_delegate_sees_when_how_and_where_who_meets_and_not_what_they_say_to_it(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    assistant = uuid4()
    await scheduling.ask("POST", "/me/delegates", pair.mentor, status=201, json={"delegate_id": str(assistant)})
    path = f"/pairings/{pair.pairing_id}/sessions"
    booked = [
        await scheduling.ask("POST", path, pair.mentor, status=201, json=at(MONDAY + days * DAY, place="Café Noir"))
        for days in (1, 2)
    ]
    first, second = (f"/sessions/{one['session_id']}" for one in booked)
    await scheduling.ask("POST", f"{first}/answers", pair.mentee, json={"answer": "declined"})
    await scheduling.ask("POST", f"{second}/cancellation", pair.mentee, json={"reason": "ill"})
    scheduling.clock.at = MONDAY + DAY + timedelta(minutes=30)
    await scheduling.ask("POST", f"{first}/absence", pair.mentor, json={"missed_by": [str(pair.mentee)]})
    full = await scheduling.ask("GET", first, pair.mentor)
    assert {(one["answer"], one["attended"]) for one in full["attendees"]} == {(None, True), ("declined", False)}
    for session in (first, second):
        seen = await scheduling.ask("GET", session, assistant)
        assert {(one["answer"], one["attended"]) for one in seen["attendees"]} == {(None, None)}
        assert {one["person_id"] for one in seen["attendees"]} == {str(pair.mentor), str(pair.mentee)}
        assert (seen["cancel_reason"], seen["agenda_items"], seen["agenda_items_done"]) == (None, None, None)
        assert (seen["place"], seen["way_of_meeting"]) == ("Café Noir", "video")
    assert (await scheduling.ask("GET", second, pair.mentor))["cancel_reason"] == "ill"
