"""The thin thread: a pairing begins, its agreement is signed, it meets, it ends."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
from scheduling_scene import MONDAY, NewPair, Scheduling, at, said_about, sign

from tandem_events.contracts import (
    ActionItemAgreed,
    AgendaPrepared,
    AgreementProposed,
    AgreementSigned,
    PairingEnded,
    SessionCancelled,
    SessionCompleted,
    SessionProposalDeclined,
    SessionScheduled,
)
from tandem_events.testing import eventually, publish, tap


async def test_a_new_pairing_is_offered_an_agreement_from_its_programs_policy(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(signed=False, meeting_every_days=14, meeting_minutes=45)
    agreement = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/agreement", pair.mentee)
    assert (agreement["state"], agreement["version"], agreement["signatures"]) == ("proposed", 1, [])
    assert (agreement["terms"]["meeting_every_days"], agreement["terms"]["meeting_minutes"]) == (14, 45)
    async with tap(scheduling.settings) as topics:
        await topics.until(lambda seen: any(_is(one.event, AgreementProposed, pair.pairing_id) for one in seen))


async def test_an_agreement_says_in_writing_how_two_people_want_to_work_together(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/agreement"
    answer = await scheduling.client.get(path, headers=scheduling.tokens.person(pair.mentee))
    proposed = answer.json()["terms"]
    assert (proposed["confidential"], proposed["style"], proposed["channel_between_sessions"]) == (
        True,
        "both",
        "email",
    )
    assert [one["role"] for one in proposed["commitments"]] == ["mentor", "mentee"]
    assert "the mentee decides" in proposed["acknowledgement"]
    terms = {
        "meeting_every_days": 21,
        "meeting_minutes": 90,
        "ways_of_meeting": ["in_person", "phone"],
        "place": "Café Noir",
        "times_of_day": ["morning", "evening"],
        "channel_between_sessions": "chat",
        "confidential": True,
        "not_private": ["my wish to change departments"],
        "style": "advice",
        "commitments": [
            {"role": "mentor", "words": "I answer within two days."},
            {"role": "mentee", "words": "I send my questions the day before."},
        ],
        "acknowledgement": "We decide for ourselves.",
        "change_notice_hours": 48,
    }
    amendments = f"/agreements/{answer.json()['agreement_id']}/amendments"
    etag = {"If-Match": answer.headers["etag"]}
    faults: list[dict[str, Any]] = [
        {"meeting_every_days": 0},
        {"style": "lectures"},
        {"ways_of_meeting": []},
        {"not_private": [""]},
    ]
    for wrong in faults:
        refused = {"terms": {**terms, **wrong}}
        await scheduling.ask("POST", amendments, pair.mentee, status=422, json=refused, headers=etag)
    await scheduling.ask("POST", amendments, pair.mentee, status=201, json={"terms": terms}, headers=etag)
    await sign(scheduling, pair, pair.mentor)
    after = await scheduling.ask("GET", path, pair.mentor)
    assert (after["terms"], after["state"], after["version_in_force"]) == (terms, "signed", 2)
    versions = await scheduling.ask("GET", f"/agreements/{answer.json()['agreement_id']}/versions", pair.mentor)
    assert [one["terms"] for one in versions["items"]] == [proposed, terms]
    assert [one["proposed_by"] for one in versions["items"]] == [None, str(pair.mentee)]


def _is(event: Any, kind: type[Any], pairing_id: Any) -> bool:
    return isinstance(event, kind) and event.pairing_id == pairing_id


async def test_an_agreement_is_in_force_once_every_member_signed_it(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair(signed=False)
    agreement = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/agreement", pair.mentor)
    path = f"/agreements/{agreement['agreement_id']}/signatures"
    refused = await scheduling.ask(
        "POST", f"/pairings/{pair.pairing_id}/sessions", pair.mentor, status=409, json=at(MONDAY + timedelta(days=1))
    )
    assert "signed the agreement" in refused["detail"]
    first = await scheduling.ask("POST", path, pair.mentor, status=201, json={})
    assert first["state"] == "proposed"
    assert "already" in (await scheduling.ask("POST", path, pair.mentor, status=409, json={}))["detail"]
    await scheduling.ask("POST", path, uuid4(), status=404, json={})
    second = await scheduling.ask("POST", path, pair.mentee, status=201, json={})
    assert second["state"] == "signed"
    assert {one["person_id"] for one in second["signatures"]} == {str(pair.mentor), str(pair.mentee)}
    async with tap(scheduling.settings) as topics:
        seen = await topics.until(
            lambda seen: sum(_is(one.event, AgreementSigned, pair.pairing_id) for one in seen) == 2
        )
        said = [one.event for one in seen if _is(one.event, AgreementSigned, pair.pairing_id)]
        assert [event.complete for event in said if isinstance(event, AgreementSigned)] == [False, True]


async def test_a_session_goes_from_booking_over_agenda_to_completion(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    begins = MONDAY + timedelta(days=1)
    booked = await scheduling.ask(
        "POST", f"/pairings/{pair.pairing_id}/sessions", pair.mentee, status=201, json=at(begins, place="Café Noir")
    )
    assert (booked["state"], booked["organizer_id"], booked["place"]) == ("scheduled", str(pair.mentee), "Café Noir")
    path = f"/sessions/{booked['session_id']}"
    first = await scheduling.ask(
        "POST", f"{path}/agenda-items", pair.mentee, status=201, json={"words": "How did you choose?"}
    )
    await scheduling.ask("POST", f"{path}/agenda-items", pair.mentor, status=201, json={"words": "Your goals"})
    completion = {
        "attended": [str(pair.mentor), str(pair.mentee)],
        "agenda_items_done": [first["agenda_item_id"]],
        "action_items": [{"words": "Write to Ada", "owner_id": str(pair.mentee), "due_on": "2027-03-20"}],
    }
    early = await scheduling.ask("POST", f"{path}/completion", pair.mentor, status=409, json=completion)
    assert "once it has begun" in early["detail"]
    scheduling.clock.at = begins + timedelta(minutes=50)
    unknown = {**completion, "attended": [str(uuid4())]}
    await scheduling.ask("POST", f"{path}/completion", pair.mentor, status=422, json=unknown)
    done = await scheduling.ask("POST", f"{path}/completion", pair.mentor, json=completion)
    assert (done["state"], done["agenda_items"], done["agenda_items_done"]) == ("completed", 2, 1)
    await scheduling.ask("POST", f"{path}/completion", pair.mentor, status=409, json=completion)
    async with tap(scheduling.settings) as topics:
        seen = await topics.until(lambda seen: any(_is(one.event, ActionItemAgreed, pair.pairing_id) for one in seen))
        said = [one for one in seen if getattr(one.event, "pairing_id", None) == pair.pairing_id]
        kinds = [type(one.event) for one in said if one.topic == "tandem.scheduling"]
        assert kinds[3:] == [SessionScheduled, AgendaPrepared, AgendaPrepared, SessionCompleted, ActionItemAgreed]
        completed = next(one.event for one in said if isinstance(one.event, SessionCompleted))
        assert (completed.completed_sessions, completed.agenda_items, completed.agenda_items_done) == (1, 2, 1)
        versions = [one.envelope.aggregate_version for one in said if one.envelope.subject == booked["session_id"]]
        assert versions == [1, 2, 3, 4]
        assert "Ada" not in "".join(str(one.event) for one in seen)


async def test_the_end_of_a_pairing_cancels_what_was_to_come_and_frees_the_time(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/sessions"
    booked = [
        await scheduling.ask("POST", path, pair.mentor, status=201, json=at(MONDAY + timedelta(days=days)))
        for days in (1, 8)
    ]
    options = [{key: at(MONDAY + timedelta(days=3))[key] for key in ("starts_at", "ends_at")}]
    offer = {"options": options, "way_of_meeting": "video"}
    proposals = f"/pairings/{pair.pairing_id}/session-proposals"
    offered = await scheduling.ask("POST", proposals, pair.mentee, status=201, json=offer)
    await publish(
        scheduling.settings,
        PairingEnded(
            pairing_id=pair.pairing_id,
            program_id=pair.program_id,
            members=pair.members,
            reason="left",
            occurred_at=MONDAY + timedelta(minutes=1),
        ),
    )

    async def all_cancelled() -> bool:
        page = await scheduling.ask("GET", path, pair.mentee)
        return {one["state"] for one in page["items"]} == {"cancelled"}

    await eventually(all_cancelled)
    async with tap(scheduling.settings) as topics:
        seen = await topics.until(
            lambda seen: sum(_is(one.event, SessionCancelled, pair.pairing_id) for one in seen) == 2
        )
    said = [one.event for one in seen if isinstance(one.event, SessionCancelled)]
    assert {str(event.session_id) for event in said} >= {one["session_id"] for one in booked}
    assert all(event.cancelled_by is None for event in said if event.pairing_id == pair.pairing_id)
    assert [one["state"] for one in (await scheduling.ask("GET", proposals, pair.mentor))["items"]] == ["declined"]
    declined = (await said_about(scheduling, pair, SessionProposalDeclined))[0]
    assert (str(declined.proposal_id), declined.reason) == (offered["proposal_id"], "pairing_ended")
    over = await scheduling.ask("POST", path, pair.mentor, status=409, json=at(MONDAY + timedelta(days=2)))
    assert "ended" in over["detail"]
    other = await new_pair(mentor=pair.mentor)
    await scheduling.ask(
        "POST", f"/pairings/{other.pairing_id}/sessions", other.mentor, status=201, json=at(MONDAY + timedelta(days=1))
    )


async def test_of_fifty_bookings_of_one_mentor_at_the_same_time_one_is_made(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    first = await new_pair()
    pairs = [first, *[await new_pair(mentor=first.mentor) for _ in range(4)]]
    begins = MONDAY + timedelta(days=3)
    answers = await asyncio.gather(
        *(
            scheduling.client.post(
                f"/pairings/{pairs[number % 5].pairing_id}/sessions",
                json=at(begins + timedelta(minutes=number), minutes=90),
                headers=scheduling.tokens.person(first.mentor),
            )
            for number in range(50)
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 49, {answer.text for answer in answers if answer.status_code not in (201, 409)}
    kept = [await scheduling.ask("GET", f"/pairings/{one.pairing_id}/sessions", first.mentor) for one in pairs]
    assert sum(len(page["items"]) for page in kept) == 1
    assert len((await scheduling.ask("GET", "/me/sessions", first.mentor))["items"]) == 1


async def test_the_database_itself_holds_a_persons_time_once(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    begins, person_id = MONDAY + timedelta(days=3), uuid4()
    path = f"/pairings/{pair.pairing_id}/sessions"
    sessions = [
        await scheduling.ask(
            "POST", path, pair.mentor, status=201, json=at(begins + timedelta(hours=number), minutes=50)
        )
        for number in range(5)
    ]
    insert = (
        "INSERT INTO session_attendees (session_id, person_id, starts_at, ends_at, holds) VALUES ($1, $2, $3, $4, $5)"
    )

    async def take(number: int) -> str:
        """What PostgreSQL says to a row that no use case has looked at."""
        starts = begins + timedelta(minutes=number)
        values = (sessions[number % 5]["session_id"], person_id, starts, starts + timedelta(hours=1), True)
        async with pool.acquire() as connection:
            try:
                await connection.execute(insert, *values)
            except asyncpg.PostgresError as refused:
                return str(refused.sqlstate)
        return "taken"

    async with asyncpg.create_pool(scheduling.settings.asyncpg_dsn(), min_size=10, max_size=10) as pool:
        said = Counter(await asyncio.gather(*(take(number) for number in range(50))))
        assert said["taken"] == 1
        # Those who meet in the same instant wait for each other, of whom PostgreSQL lets one go.
        assert set(said) <= {"taken", "23P01", "23505", "40P01"}, said
        later = Counter([await take(number) for number in range(5)])
        assert later == {"23P01": 4, "23505": 1}, "the time is taken, for one session by the person themselves"
        assert await pool.fetchval("SELECT count(*) FROM session_attendees WHERE person_id = $1", person_id) == 1


async def test_sessions_are_refused_in_the_past_over_midnight_and_over_a_clock_change(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(zones=("Europe/Berlin", "Europe/Berlin"))
    path = f"/pairings/{pair.pairing_id}/sessions"
    cases = {
        "2027-02-28T10:00:00+00:00": "in the past",
        "2029-06-01T10:00:00+00:00": "two years",
        "2027-03-02T22:30:00+00:00": "over midnight in Europe/Berlin",
        "2027-03-28T00:30:00+00:00": "clocks of Europe/Berlin change",
        "2027-10-31T00:30:00+00:00": "clocks of Europe/Berlin change",
    }
    for begins, why in cases.items():
        begin = MONDAY.fromisoformat(begins)
        refused = await scheduling.ask("POST", path, pair.mentor, status=422, json=at(begin))
        assert why in refused["detail"]
        assert refused["faults"]
    until_midnight = MONDAY.fromisoformat("2027-03-02T22:00:00+00:00")
    await scheduling.ask("POST", path, pair.mentor, status=201, json=at(until_midnight))
    assert len((await scheduling.ask("GET", path, pair.mentor))["items"]) == 1


async def test_strangers_learn_nothing_and_managers_may_look(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/sessions"
    booked = await scheduling.ask("POST", path, pair.mentor, status=201, json=at(MONDAY + timedelta(days=1)))
    session = f"/sessions/{booked['session_id']}"
    for stranger in (scheduling.tokens.person(uuid4()), scheduling.tokens.manager(uuid4())):
        for seen in (path, session, f"/pairings/{pair.pairing_id}/agreement", f"{session}/agenda-items"):
            await scheduling.ask("GET", seen, stranger, status=404)
        await scheduling.ask("POST", f"{session}/cancellation", stranger, status=404, json={"reason": "ill"})
    manager = scheduling.tokens.manager(pair.program_id)
    await scheduling.ask("POST", f"{session}/agenda-items", pair.mentee, status=201, json={"words": "Between us"})
    assert (await scheduling.ask("GET", session, manager))["session_id"] == booked["session_id"]
    assert (await scheduling.ask("GET", f"{session}/agenda-items", manager))["items"] == []
    await scheduling.ask("POST", path, manager, status=403, json=at(MONDAY + timedelta(days=2)))
    await scheduling.ask("POST", f"{session}/cancellation", manager, status=403, json={"reason": "ill"})


async def test_a_list_of_sessions_is_read_page_by_page(scheduling: Scheduling, new_pair: NewPair) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}/sessions"
    for days in (5, 3, 1, 4, 2):
        await scheduling.ask("POST", path, pair.mentor, status=201, json=at(MONDAY + timedelta(days=days)))
    days_seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await scheduling.ask("GET", f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else ""), pair.mentee)
        days_seen += [one["starts_at"][:10] for one in page["items"]]
        cursor = page["next_cursor"]
    assert days_seen == [f"2027-03-0{day}" for day in (2, 3, 4, 5, 6)]
    await scheduling.ask("GET", f"{path}?cursor=nonsense", pair.mentee, status=422)
