"""Cadence and reminders: what is due is said once, to whom it concerns, by whichever replica comes first."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from scheduling_scene import (
    MONDAY,
    NewPair,
    Pair,
    Scheduling,
    at,
    beginning,
    knows,
    own_settings,
    said_about,
    sign,
    started,
)

from tandem_chassis.testing import Tokens
from tandem_events.contracts import CadenceLapsed, PairingEnded, ReminderDue, TouchpointLogged
from tandem_events.testing import eventually, publish, tap
from tandem_scheduling.storage.reminders import Planned, plan

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def booked(scheduling: Scheduling, pair: Pair, days: int = 1, **more: Any) -> str:
    made = await scheduling.ask(
        "POST", f"/pairings/{pair.pairing_id}/sessions", pair.mentor, status=201, json=at(MONDAY + days * DAY, **more)
    )
    return str(made["session_id"])


async def reminded(scheduling: Scheduling, *people: UUID, at_least: int = 1) -> list[tuple[UUID, list[str]]]:
    """Who of these people was reminded of what, each of them in order, once it is so many times."""

    def of_them(seen: list[Any]) -> list[tuple[UUID, list[str]]]:
        events = [one.event for one in seen if isinstance(one.event, ReminderDue) and one.event.person_id in people]
        return [(event.person_id, sorted(reminder.kind for reminder in event.reminders)) for event in events]

    async with tap(scheduling.settings) as topics:
        return of_them(await topics.until(lambda seen: len(of_them(seen)) >= at_least))


async def test_both_are_reminded_of_a_session_and_of_its_missing_agenda(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    await booked(scheduling, pair, days=4)
    cancelled = await booked(scheduling, pair, days=5)
    await scheduling.ask("POST", f"/sessions/{cancelled}/cancellation", pair.mentee, json={"reason": "ill"})
    scheduling.clock.at = MONDAY + 2 * DAY
    first = await reminded(scheduling, pair.mentor, pair.mentee, at_least=2)
    before = [(pair.mentor, ["agenda_missing"]), (pair.mentee, ["agenda_missing"])]
    assert sorted(first) == sorted(before)
    scheduling.clock.at = MONDAY + 3 * DAY
    second = await reminded(scheduling, pair.mentor, pair.mentee, at_least=4)
    assert sorted(second) == sorted([*before, (pair.mentor, ["session_upcoming"]), (pair.mentee, ["session_upcoming"])])


async def test_what_is_due_at_once_comes_as_one_digest_after_the_quiet_hours(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=("Asia/Kolkata", "UTC"))
    for hours in (0, 1, 2):
        await scheduling.ask(
            "POST",
            f"/pairings/{pair.pairing_id}/sessions",
            pair.mentor,
            status=201,
            json=at(MONDAY + 5 * DAY + timedelta(hours=hours), minutes=30),
        )
    scheduling.clock.at = MONDAY + 3 * DAY + 9 * HOUR
    assert await reminded(scheduling, pair.mentee) == [(pair.mentee, ["agenda_missing"] * 3)]
    scheduling.clock.at = MONDAY + 3 * DAY + 18 * HOUR + timedelta(minutes=30)
    found = await reminded(scheduling, pair.mentor)
    assert found == [(pair.mentor, ["agenda_missing"] * 3)], "it was half past eleven at night in Kolkata before"


async def test_preferences_mute_and_move_reminders(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    path = "/me/reminder-preferences"
    wish = {"muted": ["agenda_missing"], "session_lead_hours": 2, "quiet_from": "00:00", "quiet_until": "00:00"}
    await scheduling.ask("PUT", path, pair.mentee, status=428, json=wish)
    kept = await scheduling.ask("PUT", path, pair.mentee, json=wish, headers={"If-Match": '"0"'})
    assert (kept["muted"], kept["session_lead_hours"]) == (["agenda_missing"], 2)
    await scheduling.ask("PUT", path, pair.mentee, status=412, json=wish, headers={"If-Match": '"0"'})
    assert (await scheduling.ask("GET", path, pair.mentee)) == kept
    await booked(scheduling, pair, days=4)
    scheduling.clock.at = MONDAY + 3 * DAY
    await reminded(scheduling, pair.mentor)
    scheduling.clock.at = MONDAY + 4 * DAY - 2 * HOUR
    assert await reminded(scheduling, pair.mentee) == [(pair.mentee, ["session_upcoming"])]


async def test_a_pair_that_does_not_meet_lapses_once_and_is_reminded(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair, met = await new_pair(meeting_every_days=14), await new_pair(meeting_every_days=14)
    before = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/cadence", pair.mentor)
    assert (before["expected_by"][:10], before["lapsed"], before["next_session_id"]) == ("2027-03-15", False, None)
    session_id = await booked(scheduling, met, days=10)
    scheduling.clock.at = MONDAY + 10 * DAY + HOUR
    completion = {"attended": [str(met.mentor), str(met.mentee)]}
    await scheduling.ask("POST", f"/sessions/{session_id}/completion", met.mentor, json=completion)
    scheduling.clock.at = MONDAY + 16 * DAY
    lapsed = await said_about(scheduling, pair, CadenceLapsed)
    assert (lapsed[0].expected_by, lapsed[0].last_contact_at) == (MONDAY + 14 * DAY, None)
    assert (await reminded(scheduling, pair.mentee))[0][1] == ["cadence_lapsed"]
    after = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/cadence", pair.mentor)
    assert after["lapsed"] is True
    other = await scheduling.ask("GET", f"/pairings/{met.pairing_id}/cadence", met.mentor)
    assert (other["lapsed"], other["expected_by"][:10]) == (False, "2027-03-25")


async def test_a_pair_that_agrees_anew_after_a_lapse_can_lapse_again(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair(meeting_every_days=14)
    scheduling.clock.at = MONDAY + 17 * DAY
    await said_about(scheduling, pair, CadenceLapsed)
    path = f"/pairings/{pair.pairing_id}/agreement"
    answer = await scheduling.client.get(path, headers=scheduling.tokens.person(pair.mentee))
    terms = {**answer.json()["terms"], "meeting_every_days": 7}
    amendments = f"/agreements/{answer.json()['agreement_id']}/amendments"
    etag = {"If-Match": answer.headers["etag"]}
    await scheduling.ask("POST", amendments, pair.mentee, status=201, json={"terms": terms}, headers=etag)
    await sign(scheduling, pair, pair.mentor)
    cadence = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/cadence", pair.mentor)
    assert (cadence["lapsed"], cadence["expected_by"][:10]) == (False, "2027-03-25")
    scheduling.clock.at = MONDAY + 27 * DAY
    lapsed = await said_about(scheduling, pair, CadenceLapsed, at_least=2)
    assert [event.expected_by - MONDAY for event in lapsed] == [14 * DAY, 24 * DAY]


async def test_a_touchpoint_counts_as_a_meeting_where_the_program_says_so(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(meeting_every_days=14)
    manager = scheduling.tokens.manager(pair.program_id)
    policy = f"/programs/{pair.program_id}/meeting-policy"
    touchpoints = f"/pairings/{pair.pairing_id}/touchpoints"
    call = {"channel": "phone", "happened_at": (MONDAY - HOUR).isoformat()}
    first = await scheduling.ask("POST", touchpoints, pair.mentee, status=201, json=call)
    assert first["counts_as_meeting"] is False
    assert (await scheduling.ask("GET", policy, manager)) == {"touchpoints_count": False, "grace_days": 2}
    wish = {"touchpoints_count": True, "grace_days": 0}
    await scheduling.ask("PUT", policy, pair.mentor, status=403, json=wish)
    await scheduling.ask("PUT", policy, manager, status=428, json=wish)
    await scheduling.ask("PUT", policy, manager, json=wish, headers={"If-Match": '"0"'})
    unknown = uuid4()
    await scheduling.ask(
        "PUT", f"/programs/{unknown}/meeting-policy", scheduling.tokens.manager(unknown), status=404, json=wish
    )
    scheduling.clock.at = MONDAY + 10 * DAY
    call["happened_at"] = (MONDAY + 9 * DAY).isoformat()
    second = await scheduling.ask("POST", touchpoints, pair.mentor, status=201, json=call)
    assert second["counts_as_meeting"] is True
    cadence = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/cadence", pair.mentor)
    assert cadence["expected_by"][:10] == "2027-03-24"
    call["happened_at"] = (MONDAY + 12 * DAY).isoformat()
    await scheduling.ask("POST", touchpoints, pair.mentor, status=422, json=call)
    assert len((await scheduling.ask("GET", touchpoints, pair.mentee))["items"]) == 2
    said = await said_about(scheduling, pair, TouchpointLogged, at_least=2)
    assert [event.counts_as_meeting for event in said] == [False, True]


async def test_what_fell_due_while_nobody_ran_is_said_once_after_a_restart(
    new_database: Any, template: str, broker: Any, tokens: Tokens
) -> None:
    settings = own_settings(new_database, template, broker)
    pair = Pair()
    async with started(settings, tokens) as first:
        await publish(settings, *beginning(pair))
        await eventually(lambda: knows(first, pair))
        await sign(first, pair)
        await booked(first, pair, days=4)
        first.clock.at = MONDAY + 2 * DAY
        assert len(await reminded(first, pair.mentor, pair.mentee, at_least=2)) == 2
    for days in (3, 4):
        async with started(settings, tokens) as again:
            again.clock.at = MONDAY + days * DAY - HOUR / 2
            found = await reminded(again, pair.mentor, pair.mentee, at_least=4 if days == 4 else 2)
    assert sorted(found) == sorted(
        (one, [kind]) for kind in ("agenda_missing", "session_upcoming") for one in (pair.mentor, pair.mentee)
    )


async def test_two_replicas_say_each_reminder_once_and_nothing_after_the_end(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pairs = [await new_pair() for _ in range(6)]
    for pair in pairs:
        await booked(scheduling, pair, days=4)
    ended = pairs[0]
    await publish(
        scheduling.settings,
        PairingEnded(
            pairing_id=ended.pairing_id,
            program_id=ended.program_id,
            members=ended.members,
            reason="left",
            occurred_at=MONDAY,
        ),
    )

    async def over() -> bool:
        page = await scheduling.ask("GET", f"/pairings/{ended.pairing_id}/sessions", ended.mentor)
        return bool(page["items"][0]["state"] == "cancelled")

    await eventually(over)
    people = [one for pair in pairs for one in (pair.mentor, pair.mentee)]
    async with started(scheduling.settings, scheduling.tokens) as second:
        second.clock.at = scheduling.clock.at = MONDAY + 2 * DAY
        await reminded(scheduling, *people, at_least=10)
        second.clock.at = scheduling.clock.at = MONDAY + 3 * DAY
        found = await reminded(scheduling, *people, at_least=20)
    assert sorted(found) == sorted(
        (one, [kind]) for kind in ("agenda_missing", "session_upcoming") for one in people[2:]
    )


async def test_who_has_hundreds_of_things_due_is_told_of_a_hundred_at_once_and_of_each_once(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    async with scheduling.app.state.database.transaction() as session:
        planned = [
            Planned(
                person_id=pair.mentor,
                kind="module_due",
                subject=str(number),
                pairing_id=pair.pairing_id,
                program_id=pair.program_id,
                module_id=f"module-{number}",
                due_at=MONDAY + timedelta(seconds=number),
            )
            for number in range(250)
        ]
        await plan(session, planned)
    told: list[int] = []
    for hours in (1, 4, 7):
        scheduling.clock.at = MONDAY + hours * HOUR
        told = [len(kinds) for _, kinds in await reminded(scheduling, pair.mentor, at_least=len(told) + 1)]
    assert told == [100, 100, 50]
    async with scheduling.app.state.database.transaction() as session:
        left = "SELECT count(*) FROM reminders WHERE person_id = :id AND state <> 'said'"
        assert await session.scalar(sa.text(left), {"id": pair.mentor}) == 0
