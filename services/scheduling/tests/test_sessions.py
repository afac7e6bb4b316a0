"""Sessions in every way: moved, answered, missed, proposed, recurring, in rotation, shadowing, by delegates."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from scheduling_scene import MONDAY, NewPair, Pair, Scheduling, at, beginning, said_about

from tandem_events.contracts import (
    ActionItemApplied,
    AgreementAmended,
    DelegateGranted,
    DelegateRevoked,
    SessionAnswered,
    SessionCancelled,
    SessionMissed,
    SessionProposalDeclined,
    SessionProposed,
    SessionRescheduled,
    SessionScheduled,
)
from tandem_events.testing import eventually, publish, tap

DAY = timedelta(days=1)


async def booked(scheduling: Scheduling, pair: Pair, days: int = 1, **more: Any) -> str:
    made = await scheduling.ask(
        "POST", f"/pairings/{pair.pairing_id}/sessions", pair.mentor, status=201, json=at(MONDAY + days * DAY, **more)
    )
    return str(made["session_id"])


async def test_an_amendment_needs_everybodys_signature_while_the_old_terms_stay_in_force(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/agreement"
    answer = await scheduling.client.get(path, headers=scheduling.tokens.person(pair.mentee))
    agreement = answer.json()
    terms = {**agreement["terms"], "meeting_every_days": 14, "style": "stories", "not_private": ["my promotion"]}
    amendments = f"/agreements/{agreement['agreement_id']}/amendments"
    await scheduling.ask("POST", amendments, pair.mentee, status=428, json={"terms": terms})
    etag = {"If-Match": answer.headers["etag"]}
    same = {"terms": agreement["terms"]}
    await scheduling.ask("POST", amendments, pair.mentee, status=409, json=same, headers=etag)
    amended = await scheduling.ask("POST", amendments, pair.mentee, status=201, json={"terms": terms}, headers=etag)
    assert (amended["version"], amended["state"], amended["version_in_force"]) == (2, "proposed", 1)
    assert [one["person_id"] for one in amended["signatures"]] == [str(pair.mentee)]
    await scheduling.ask("POST", amendments, pair.mentor, status=412, json={"terms": terms}, headers=etag)
    await booked(scheduling, pair)
    signatures = f"/agreements/{agreement['agreement_id']}/signatures"
    signed = await scheduling.ask("POST", signatures, pair.mentor, status=201, json={})
    assert (signed["state"], signed["version_in_force"], signed["terms"]["style"]) == ("signed", 2, "stories")
    versions = await scheduling.ask("GET", f"/agreements/{agreement['agreement_id']}/versions", pair.mentor)
    assert [(one["version"], len(one["signatures"])) for one in versions["items"]] == [(1, 2), (2, 2)]
    said = await said_about(scheduling, pair, AgreementAmended)
    assert (said[0].agreement_version, said[0].meeting_every_days) == (2, 14)


async def test_a_session_is_moved_with_a_reason_and_everybody_is_asked_anew(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    session = f"/sessions/{await booked(scheduling, pair)}"
    await booked(scheduling, pair, days=3)
    answered = await scheduling.ask("POST", f"{session}/answers", pair.mentee, json={"answer": "accepted"})
    assert {one["answer"] for one in answered["attendees"]} == {None, "accepted"}
    moved = {**at(MONDAY + 2 * DAY), "reason": "travel"}
    await scheduling.ask(
        "POST", f"{session}/rescheduling", pair.mentee, status=409, json={**moved, **at(MONDAY + 3 * DAY)}
    )
    await scheduling.ask("POST", f"{session}/rescheduling", pair.mentee, status=422, json={**moved, **at(MONDAY - DAY)})
    after = await scheduling.ask("POST", f"{session}/rescheduling", pair.mentee, json=moved)
    assert after["starts_at"].startswith("2027-03-03")
    assert (after["reschedules"], {one["answer"] for one in after["attendees"]}) == (1, {None})
    await scheduling.ask("POST", f"{session}/rescheduling", pair.mentee, status=422, json=moved)
    await booked(scheduling, pair, days=1)
    event = (await said_about(scheduling, pair, SessionRescheduled))[0]
    assert (event.reason, event.reschedules, event.rescheduled_by) == ("travel", 1, pair.mentee)
    assert event.previous_starts_at == MONDAY + DAY
    assert (await said_about(scheduling, pair, SessionAnswered))[0].answer == "accepted"


async def test_a_change_with_less_notice_than_was_agreed_counts_as_late(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    first, second = [f"/sessions/{await booked(scheduling, pair, days=days)}" for days in (5, 9)]
    moved = {**at(MONDAY + 6 * DAY), "reason": "travel"}
    scheduling.clock.at = MONDAY + 4 * DAY
    in_time = await scheduling.ask("POST", f"{first}/rescheduling", pair.mentee, json=moved)
    assert (in_time["reschedules"], in_time["late_changes"]) == (1, 0), "a day before, as the agreement says"
    scheduling.clock.at = MONDAY + 5 * DAY + timedelta(minutes=1)
    again = {**at(MONDAY + 7 * DAY), "reason": "travel"}
    late = await scheduling.ask("POST", f"{first}/rescheduling", pair.mentee, json=again)
    assert (late["reschedules"], late["late_changes"]) == (2, 1)
    await scheduling.ask("POST", f"{second}/cancellation", pair.mentor, json={"reason": "ill"})
    scheduling.clock.at = MONDAY + 7 * DAY - timedelta(hours=1)
    cancelled = await scheduling.ask("POST", f"{first}/cancellation", pair.mentor, json={"reason": "ill"})
    assert cancelled["late_changes"] == 2
    assert [one.late for one in await said_about(scheduling, pair, SessionRescheduled, at_least=2)] == [False, True]
    assert [one.late for one in await said_about(scheduling, pair, SessionCancelled, at_least=2)] == [False, True]


async def test_what_was_not_done_is_carried_over_to_the_next_session(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    first = f"/sessions/{await booked(scheduling, pair)}"
    for words in ("Done today", "Not today"):
        await scheduling.ask("POST", f"{first}/agenda-items", pair.mentee, status=201, json={"words": words})
    agenda = (await scheduling.ask("GET", f"{first}/agenda-items", pair.mentor))["items"]
    scheduling.clock.at = MONDAY + DAY
    done = {"attended": [str(pair.mentor), str(pair.mentee)], "agenda_items_done": [agenda[0]["agenda_item_id"]]}
    await scheduling.ask("POST", f"{first}/completion", pair.mentee, json=done)
    second = f"/sessions/{await booked(scheduling, pair, days=9)}"
    carried = (await scheduling.ask("GET", f"{second}/agenda-items", pair.mentor))["items"]
    assert [(item["words"], item["carried_from"]) for item in carried] == [("Not today", agenda[1]["agenda_item_id"])]
    states = [item["state"] for item in (await scheduling.ask("GET", f"{first}/agenda-items", pair.mentor))["items"]]
    assert states == ["done", "carried_over"]
    await scheduling.ask("POST", f"{second}/cancellation", pair.mentee, json={"reason": "ill"})
    third = f"/sessions/{await booked(scheduling, pair, days=10)}"
    assert (await scheduling.ask("GET", third, pair.mentor))["agenda_items"] == 1


async def test_a_session_that_nobody_came_to_is_missed_by_whom(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    session = f"/sessions/{await booked(scheduling, pair)}"
    absence = {"missed_by": [str(pair.mentor)]}
    await scheduling.ask("POST", f"{session}/absence", pair.mentee, status=409, json=absence)
    scheduling.clock.at = MONDAY + DAY + timedelta(minutes=20)
    await scheduling.ask("POST", f"{session}/absence", pair.mentee, status=422, json={"missed_by": [str(uuid4())]})
    missed = await scheduling.ask("POST", f"{session}/absence", pair.mentee, json=absence)
    assert missed["state"] == "missed"
    assert {one["person_id"]: one["attended"] for one in missed["attendees"]} == {
        str(pair.mentor): False,
        str(pair.mentee): True,
    }
    assert (await said_about(scheduling, pair, SessionMissed))[0].missed_by == (pair.mentor,)


async def test_one_side_offers_times_and_the_other_chooses(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/session-proposals"
    options = [{key: at(MONDAY + days * DAY)[key] for key in ("starts_at", "ends_at")} for days in (1, 2)]
    offer = {"options": options, "way_of_meeting": "phone"}
    past = {**offer, "options": [*options, {**options[0], "starts_at": "2027-02-01T10:00:00Z"}]}
    await scheduling.ask("POST", path, pair.mentor, status=422, json=past)
    made = await scheduling.ask("POST", path, pair.mentor, status=201, json=offer)
    acceptance = f"/session-proposals/{made['proposal_id']}/acceptance"
    await scheduling.ask("POST", acceptance, pair.mentor, status=409, json={"option": 1})
    await scheduling.ask("POST", acceptance, pair.mentee, status=422, json={"option": 3})
    await scheduling.ask("POST", acceptance, uuid4(), status=404, json={"option": 1})
    session = await scheduling.ask("POST", acceptance, pair.mentee, status=201, json={"option": 2})
    assert (session["starts_at"][:10], session["organizer_id"]) == ("2027-03-03", str(pair.mentor))
    await scheduling.ask("POST", acceptance, pair.mentee, status=409, json={"option": 1})
    other = await scheduling.ask("POST", path, pair.mentee, status=201, json=offer)
    refusal = f"/session-proposals/{other['proposal_id']}/refusal"
    await scheduling.ask("POST", refusal, pair.mentor, json={"reason": "busy"})
    listed = (await scheduling.ask("GET", path, pair.mentee))["items"]
    assert [one["state"] for one in listed] == ["accepted", "declined"]
    assert len(await said_about(scheduling, pair, SessionProposed, at_least=2)) == 2
    assert len(await said_about(scheduling, pair, SessionProposalDeclined)) == 1


async def test_a_series_is_booked_whole_or_not_at_all(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair(zones=("Europe/Berlin", "America/New_York"))
    path = f"/pairings/{pair.pairing_id}/series"
    body = {
        "starts_at": "2027-03-09T15:00:00",
        "minutes": 60,
        "way_of_meeting": "video",
        "recurrence": {"frequency": "weekly", "count": 6, "except_dates": ["2027-03-16"]},
    }
    blocker = await booked(scheduling, pair, days=29, minutes=480)
    refused = await scheduling.ask("POST", path, pair.mentor, status=409, json=body)
    assert [fault["reason"] for fault in refused["faults"]] == ["Taken: 2027-03-30T13:00Z"]
    assert len((await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/sessions", pair.mentor))["items"]) == 1
    await scheduling.ask("POST", f"/sessions/{blocker}/cancellation", pair.mentor, json={"reason": "conflict"})
    made = await scheduling.ask("POST", path, pair.mentor, status=201, json=body)
    assert [one["starts_at"][5:16] for one in made["sessions"]] == [
        "03-09T14:00",
        "03-23T14:00",
        "03-30T13:00",
        "04-06T13:00",
        "04-13T13:00",
    ]
    endless = {**body, "recurrence": {"frequency": "weekly"}}
    await scheduling.ask("POST", path, pair.mentor, status=422, json=endless)
    scheduling.clock.at = MONDAY + 24 * DAY
    series = f"/series/{made['series_id']}"
    left = await scheduling.ask("POST", f"{series}/cancellation", pair.mentee, json={"reason": "pause"})
    assert [one["state"] for one in left["sessions"]] == ["scheduled", "scheduled", *["cancelled"] * 3]
    assert left["cancelled"] is True
    await scheduling.ask("GET", series, uuid4(), status=404)


async def test_a_shadowing_session_comes_with_its_debrief(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/sessions"
    alone = at(MONDAY + DAY, minutes=180, kind="shadowing")
    assert "debrief" in (await scheduling.ask("POST", path, pair.mentor, status=422, json=alone))["detail"]
    later = {key: at(MONDAY + 2 * DAY)[key] for key in ("starts_at", "ends_at")}
    await scheduling.ask("POST", path, pair.mentor, status=201, json={**alone, "debrief": later})
    both = (await scheduling.ask("GET", path, pair.mentee))["items"]
    assert [one["kind"] for one in both] == ["shadowing", "debrief"]
    assert both[1]["debrief_of"] == both[0]["session_id"]
    assert [one.kind for one in await said_about(scheduling, pair, SessionScheduled, at_least=2)] == [
        "shadowing",
        "debrief",
    ]
    shadowing, debrief = (f"/sessions/{one['session_id']}" for one in both)
    for session, begins in ((shadowing, MONDAY + 2 * DAY), (debrief, MONDAY + DAY - timedelta(hours=2))):
        body = {**at(begins, minutes=90), "reason": "travel"}
        assert (
            "debrief"
            in (await scheduling.ask("POST", f"{session}/rescheduling", pair.mentor, status=422, json=body))["detail"]
        )
    moved = {**at(MONDAY + 3 * DAY), "reason": "travel"}
    await scheduling.ask("POST", f"{debrief}/rescheduling", pair.mentor, json=moved)
    await scheduling.ask("POST", f"{shadowing}/rescheduling", pair.mentor, json={**moved, **at(MONDAY + 2 * DAY)})
    await scheduling.ask("POST", f"{shadowing}/cancellation", pair.mentee, json={"reason": "ill"})
    assert [one["state"] for one in (await scheduling.ask("GET", path, pair.mentee))["items"]] == ["cancelled"] * 2
    assert [one.reason for one in await said_about(scheduling, pair, SessionCancelled, at_least=2)] == ["ill", "ill"]


async def test_what_nobody_was_taken_along_to_is_not_talked_about(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    later = {key: at(MONDAY + 2 * DAY)[key] for key in ("starts_at", "ends_at")}
    session = await booked(scheduling, pair, minutes=180, kind="shadowing", debrief=later)
    scheduling.clock.at = MONDAY + DAY + timedelta(hours=1)
    absence = {"missed_by": [str(pair.mentee)]}
    await scheduling.ask("POST", f"/sessions/{session}/absence", pair.mentor, json=absence)
    (said,) = await said_about(scheduling, pair, SessionCancelled)
    assert (said.reason, str(said.session_id) != session) == ("shadowing_missed", True)


async def test_a_delegate_books_and_moves_and_sees_nothing_else(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    assistant = uuid4()
    path = f"/pairings/{pair.pairing_id}/sessions"
    await scheduling.ask("POST", path, assistant, status=404, json=at(MONDAY + DAY))
    await scheduling.ask("POST", "/me/delegates", pair.mentor, status=422, json={"delegate_id": str(pair.mentor)})
    await scheduling.ask("POST", "/me/delegates", pair.mentor, status=201, json={"delegate_id": str(assistant)})
    made = await scheduling.ask("POST", path, assistant, status=201, json=at(MONDAY + DAY))
    assert made["organizer_id"] == str(pair.mentor)
    session = f"/sessions/{made['session_id']}"
    await scheduling.ask("POST", f"{session}/agenda-items", pair.mentee, status=201, json={"words": "In confidence"})
    assert (await scheduling.ask("GET", session, assistant))["agenda_items"] is None
    moved = {**at(MONDAY + 2 * DAY), "reason": "conflict"}
    await scheduling.ask("POST", f"{session}/rescheduling", assistant, json=moved)
    for hidden in (
        f"{session}/agenda-items",
        f"/pairings/{pair.pairing_id}/agreement",
        f"/pairings/{pair.pairing_id}/notes",
        f"/pairings/{pair.pairing_id}/action-items",
    ):
        await scheduling.ask("GET", hidden, assistant, status=404)
    completion = {"attended": [str(pair.mentor)]}
    await scheduling.ask("POST", f"{session}/completion", assistant, status=404, json=completion)
    assert await shown_to(scheduling, assistant, pair, made["session_id"]) == {
        "/sessions/{session_id}",
        "/pairings/{pairing_id}/sessions",
        "/pairings/{pairing_id}/session-proposals",
        "/track-templates",
    }, "when there are sessions, and nothing else"
    await scheduling.ask("DELETE", f"/me/delegates/{assistant}", pair.mentor, status=204)
    await scheduling.ask("DELETE", f"/me/delegates/{assistant}", pair.mentor, status=404)
    await scheduling.ask("GET", session, assistant, status=404)
    async with tap(scheduling.settings) as topics:
        await topics.until(lambda seen: _of_person(seen, pair.mentor) == [DelegateGranted, DelegateRevoked])


async def test_who_keeps_somebodys_calendar_by_their_profile_books_for_them(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    first, second, own = uuid4(), uuid4(), uuid4()
    path = f"/pairings/{pair.pairing_id}/sessions"
    _, profile, *_ = beginning(pair)

    async def named(delegate_id: UUID | None, *wanted: UUID) -> None:
        state = profile.model_copy(update={"delegate_id": delegate_id})
        await publish(scheduling.settings, state, state)

        async def followed() -> bool:
            known = (await scheduling.ask("GET", "/me/delegates", pair.mentor))["items"]
            return {one["delegate_id"] for one in known} == set(map(str, wanted))

        await eventually(followed)

    await named(first, first)
    (known,) = (await scheduling.ask("GET", "/me/delegates", pair.mentor))["items"]
    assert known["named_in_profile"] is True
    await scheduling.ask("POST", path, first, status=201, json=at(MONDAY + DAY))
    refused = await scheduling.ask("DELETE", f"/me/delegates/{first}", pair.mentor, status=409)
    assert "Change it there" in refused["detail"]
    await scheduling.ask("POST", "/me/delegates", pair.mentor, status=201, json={"delegate_id": str(own)})
    await named(second, second, own)
    await scheduling.ask("POST", path, first, status=404, json=at(MONDAY + 2 * DAY))
    await scheduling.ask("POST", "/me/delegates", pair.mentor, status=201, json={"delegate_id": str(second)})
    await named(None, second, own)
    await named(own, second, own)
    await named(None, second, own)
    await scheduling.ask("DELETE", f"/me/delegates/{second}", pair.mentor, status=204)
    async with tap(scheduling.settings) as topics:
        seen = await topics.until(lambda seen: len(_of_person(seen, pair.mentor)) == 5)
    assert _of_person(seen, pair.mentor) == [
        DelegateGranted,
        DelegateGranted,
        DelegateRevoked,
        DelegateGranted,
        DelegateRevoked,
    ], "each once"


async def shown_to(scheduling: Scheduling, who: UUID, pair: Pair, session_id: str) -> set[str]:
    """Which pages about a pair, its program or its session somebody is shown, of all that there are."""
    pages = [path for path, operations in scheduling.app.openapi()["paths"].items() if "get" in operations]
    about = [path for path in pages if not path.startswith(("/me/", "/health", "/operations", "/calendar-feeds"))]
    assert len(about) > 15
    agreement = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/agreement", pair.mentor)
    known = {
        "pairing_id": pair.pairing_id,
        "program_id": pair.program_id,
        "session_id": session_id,
        "agreement_id": agreement["agreement_id"],
        "series_id": uuid4(),
    }
    shown = set()
    for path in about:
        answer = await scheduling.client.get(path.format(**known), headers=scheduling.tokens.person(who))
        assert answer.status_code in (200, 403, 404), (path, answer.text)
        if answer.status_code == 200:
            shown.add(path)
    return shown


def _of_person(seen: list[Any], person_id: UUID) -> list[type]:
    kinds = (DelegateGranted, DelegateRevoked)
    return [type(one.event) for one in seen if isinstance(one.event, kinds) and one.event.person_id == person_id]


async def test_notes_are_mine_or_ours_and_never_the_managers(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/notes"
    await scheduling.ask("POST", path, pair.mentee, status=201, json={"words": "My hope", "visibility": "mine"})
    await scheduling.ask("POST", path, pair.mentee, status=201, json={"words": "Our plan", "visibility": "ours"})
    assert [one["words"] for one in (await scheduling.ask("GET", path, pair.mentor))["items"]] == ["Our plan"]
    first = await scheduling.ask("GET", f"{path}?limit=1", pair.mentee)
    rest = await scheduling.ask("GET", f"{path}?limit=1&cursor={first['next_cursor']}", pair.mentee)
    assert [one["items"][0]["words"] for one in (first, rest)] == ["My hope", "Our plan"]
    await scheduling.ask("GET", path, scheduling.tokens.manager(pair.program_id), status=403)
    elsewhere = {"words": "x", "session_id": str(uuid4())}
    await scheduling.ask("POST", path, pair.mentee, status=404, json=elsewhere)


async def test_the_owner_of_an_action_item_reports_how_it_went(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    session = f"/sessions/{await booked(scheduling, pair)}"
    scheduling.clock.at = MONDAY + DAY + timedelta(hours=1)
    completion = {
        "attended": [str(pair.mentor), str(pair.mentee)],
        "action_items": [{"words": "Ask for the project", "owner_id": str(pair.mentee)}],
    }
    await scheduling.ask("POST", f"{session}/completion", pair.mentor, json=completion)
    path = f"/pairings/{pair.pairing_id}/action-items"
    item = (await scheduling.ask("GET", path, pair.mentee))["items"][0]
    outcome = f"/action-items/{item['action_item_id']}/outcome"
    report = {"outcome": "applied", "words": "They said yes"}
    await scheduling.ask("POST", outcome, pair.mentor, status=403, json=report)
    await scheduling.ask("POST", outcome, uuid4(), status=404, json=report)
    told = await scheduling.ask("POST", outcome, pair.mentee, json=report)
    assert (told["outcome"], told["outcome_words"]) == ("applied", "They said yes")
    assert (await said_about(scheduling, pair, ActionItemApplied))[0].owner_id == pair.mentee
    await scheduling.ask("GET", path, scheduling.tokens.manager(pair.program_id), status=403)
