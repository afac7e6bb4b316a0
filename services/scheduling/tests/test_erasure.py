"""Erasure: once a person is gone, nothing of what they wrote or set is left, and it can be repeated."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from scheduling_scene import MONDAY, NewPair, Scheduling, at

from tandem_events.contracts import PersonState
from tandem_events.envelope import to_tombstone
from tandem_events.testing import eventually, publish_messages


async def words_anywhere(scheduling: Scheduling, words: str) -> list[str]:
    """The tables in which these words stand, of all tables, and whether they stand in a stored answer."""
    async with scheduling.app.state.database.transaction() as session:
        tables = list(
            await session.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"))
        )
        found = []
        for table in tables:
            query = sa.text(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE :words")
            if await session.scalar(query, {"words": f"%{words}%"}):
                found.append(table)
        # What was answered to repeated requests is stored as bytes.
        answers = "SELECT count(*) FROM idempotency_keys WHERE position(convert_to(:words, 'UTF8') IN body) > 0"
        if await session.scalar(sa.text(answers), {"words": words}):
            found.append("stored answers")
        return found


async def test_nothing_that_a_person_wrote_is_left_once_they_are_gone(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}"
    secret = "Sesquipedalian"
    note = {"words": secret, "visibility": "ours"}
    once = {"Idempotency-Key": '"written-once"'}
    await scheduling.ask("POST", f"{path}/notes", pair.mentee, status=201, json=note, headers=once)
    answer = await scheduling.client.get(f"{path}/agreement", headers=scheduling.tokens.person(pair.mentee))
    terms = {
        **answer.json()["terms"],
        "place": secret,
        "not_private": [secret, "and"],
        "acknowledgement": secret,
        "commitments": [{"role": "mentee", "words": secret}],
    }
    amendments = f"/agreements/{answer.json()['agreement_id']}/amendments"
    etag = {"If-Match": answer.headers["etag"]}
    await scheduling.ask("POST", amendments, pair.mentee, status=201, json={"terms": terms}, headers=etag)
    made = await scheduling.ask(
        "POST", f"{path}/sessions", pair.mentee, status=201, json=at(MONDAY + timedelta(hours=1), place=secret)
    )
    theirs = at(MONDAY + timedelta(days=3), place="The mentor's office")
    kept = await scheduling.ask("POST", f"{path}/sessions", pair.mentor, status=201, json=theirs)
    offer = {"options": [{key: theirs[key] for key in ("starts_at", "ends_at")}], "way_of_meeting": "video"}
    await scheduling.ask("POST", f"{path}/session-proposals", pair.mentee, status=201, json={**offer, "place": secret})
    weekly = {
        "starts_at": "2027-04-09T15:00:00",
        "minutes": 60,
        "way_of_meeting": "video",
        "place": secret,
        "recurrence": {"frequency": "weekly", "count": 2},
    }
    await scheduling.ask("POST", f"{path}/series", pair.mentee, status=201, json=weekly)
    session = f"/sessions/{made['session_id']}"
    await scheduling.ask("POST", f"{session}/agenda-items", pair.mentee, status=201, json={"words": secret})
    scheduling.clock.at = MONDAY + timedelta(hours=2)
    completion = {
        "attended": [str(pair.mentee)],
        "action_items": [{"words": secret, "owner_id": str(pair.mentee)}],
    }
    await scheduling.ask("POST", f"{session}/completion", pair.mentee, json=completion)
    feed = await scheduling.ask("POST", "/me/calendar-feed", pair.mentee, status=201)
    assert await words_anywhere(scheduling, secret) == [
        "action_items",
        "agenda_items",
        "agreement_revisions",
        "notes",
        "series",
        "session_proposals",
        "sessions",
        "stored answers",
    ]
    assert await words_anywhere(scheduling, f"noor-{pair.mentee}") == ["people"]

    gone = to_tombstone(PersonState, UUID(str(pair.mentee)), occurred_at=MONDAY, version=9)
    await publish_messages(scheduling.settings, gone, gone)

    async def erased() -> bool:
        return await words_anywhere(scheduling, f"noor-{pair.mentee}") == []

    await eventually(erased)
    assert await words_anywhere(scheduling, secret) == []
    assert (await scheduling.client.get(feed["path"])).status_code == 404
    assert (await scheduling.ask("GET", f"/sessions/{kept['session_id']}", pair.mentor))["place"] == theirs["place"]
    left = (await scheduling.ask("GET", f"{path}/agreement", pair.mentor))["terms"]
    assert (left["place"], left["not_private"], left["acknowledgement"]) == ("(erased)", ["(erased)"] * 2, "(erased)")
    assert left["commitments"] == [{"role": "mentee", "words": "(erased)"}]
    assert left["meeting_every_days"] == terms["meeting_every_days"]
    seen = await scheduling.ask("GET", f"{session}/agenda-items", pair.mentor)
    assert [item["words"] for item in seen["items"]] == ["(erased)"]
