"""What people write stays here: facts carry ids, codes and numbers, whatever was written in the session."""

from datetime import timedelta

from scheduling_scene import MONDAY, NewPair, Scheduling, at

from tandem_events.contracts import ActionItemApplied, ReminderDue
from tandem_events.testing import tap

DAY = timedelta(days=1)


async def test_no_word_that_anybody_writes_leaves_the_service_in_an_event(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    path = f"/pairings/{pair.pairing_id}"
    secret = "Sesquipedalian"
    answer = await scheduling.client.get(f"{path}/agreement", headers=scheduling.tokens.person(pair.mentor))
    terms = {
        **answer.json()["terms"],
        "place": secret,
        "not_private": [secret],
        "acknowledgement": secret,
        "commitments": [{"role": "mentee", "words": secret}],
    }
    amendments = f"/agreements/{answer.json()['agreement_id']}/amendments"
    etag = {"If-Match": answer.headers["etag"]}
    await scheduling.ask("POST", amendments, pair.mentor, status=201, json={"terms": terms}, headers=etag)
    module = {
        "title": secret,
        "purpose": secret,
        "prompts": [secret],
        "agenda": [secret],
        "reading": [secret],
        "due_after_sessions": 1,
    }
    manager = scheduling.tokens.manager(pair.program_id)
    track = {"modules": [module]}
    await scheduling.ask("PUT", f"/programs/{pair.program_id}/track", manager, json=track, headers={"If-Match": '"0"'})
    step = (await scheduling.ask("GET", f"{path}/steps", pair.mentee))["items"][0]["step_id"]
    offer = {key: at(MONDAY + 3 * DAY)[key] for key in ("starts_at", "ends_at")}
    proposal = {"options": [offer], "way_of_meeting": "in_person", "place": secret}
    await scheduling.ask("POST", f"{path}/session-proposals", pair.mentor, status=201, json=proposal)
    weekly = {
        "starts_at": "2027-03-10T10:00:00",
        "minutes": 30,
        "way_of_meeting": "in_person",
        "place": secret,
        "recurrence": {"frequency": "weekly", "count": 2},
    }
    await scheduling.ask("POST", f"{path}/series", pair.mentor, status=201, json=weekly)
    body = at(MONDAY + DAY, place=secret, step_id=step)
    made = await scheduling.ask("POST", f"{path}/sessions", pair.mentee, status=201, json=body)
    session = f"/sessions/{made['session_id']}"
    moved = {**at(MONDAY + 2 * DAY, place=f"{secret} 2"), "reason": "travel"}
    await scheduling.ask("POST", f"{session}/rescheduling", pair.mentee, json=moved)
    await scheduling.ask("POST", f"{session}/agenda-items", pair.mentee, status=201, json={"words": secret})
    for visibility in ("mine", "ours"):
        note = {"words": secret, "visibility": visibility, "session_id": made["session_id"]}
        await scheduling.ask("POST", f"{path}/notes", pair.mentee, status=201, json=note)
    scheduling.clock.at = MONDAY + 2 * DAY + timedelta(minutes=30)
    completion = {
        "attended": [str(pair.mentor), str(pair.mentee)],
        "action_items": [{"words": secret, "owner_id": str(pair.mentee)}],
    }
    await scheduling.ask("POST", f"{session}/completion", pair.mentee, json=completion)
    item = (await scheduling.ask("GET", f"{path}/action-items", pair.mentee))["items"][0]["action_item_id"]
    report = {"outcome": "applied", "words": secret}
    await scheduling.ask("POST", f"/action-items/{item}/outcome", pair.mentee, json=report)
    assert secret in (await scheduling.ask("GET", f"{path}/notes", pair.mentee))["items"][0]["words"]

    async with tap(scheduling.settings) as topics:
        await topics.until(
            lambda seen: (
                {ActionItemApplied, ReminderDue}
                <= {type(one.event) for one in seen if str(pair.mentee) in str(one.event)}
            )
        )
    ours = [one for one in topics.seen if one.topic == "tandem.scheduling"]
    assert len(ours) > 15
    for one in ours:
        assert secret not in str(one.event)
        assert secret not in str(one.envelope)
