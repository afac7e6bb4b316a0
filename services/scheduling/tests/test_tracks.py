"""Tracks: modules fall due by days or sessions, bring their agenda, and the next step of a pair is always known."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from scheduling_scene import MONDAY, NewPair, Pair, Scheduling, at, beginning, knows, said_about

from tandem_chassis.auth import Caller
from tandem_events.contracts import ModuleCompleted, ModuleDue, PairingEnded, ReminderDue
from tandem_events.testing import Seen, eventually, publish, tap
from tandem_scheduling.domain.tracks import ModuleText
from tandem_scheduling.use_cases import tracks

DAY = timedelta(days=1)


async def set_track(scheduling: Scheduling, pair: Pair, modules: list[dict[str, Any]], version: int = 0) -> Any:
    return await scheduling.ask(
        "PUT",
        f"/programs/{pair.program_id}/track",
        scheduling.tokens.manager(pair.program_id),
        json={"modules": modules},
        headers={"If-Match": f'"{version}"'},
    )


async def next_code(scheduling: Scheduling, pair: Pair) -> str:
    document = await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/next-step", pair.mentee)
    assert document["words"]
    return str(document["code"])


async def test_the_next_step_of_a_pair_is_known_from_the_beginning_to_the_end(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair(signed=False)
    assert await next_code(scheduling, pair) == "sign_agreement"
    signed = await new_pair()
    assert await next_code(scheduling, signed) == "book_session"
    sessions = f"/pairings/{signed.pairing_id}/sessions"
    made = await scheduling.ask("POST", sessions, signed.mentee, status=201, json=at(MONDAY + 3 * DAY))
    assert await next_code(scheduling, signed) == "prepare_agenda"
    agenda = f"/sessions/{made['session_id']}/agenda-items"
    await scheduling.ask("POST", agenda, signed.mentee, status=201, json={"words": "My question"})
    assert await next_code(scheduling, signed) == "meet"
    module = {"title": "First meeting", "purpose": "Begin", "due_after_days": 1}
    await set_track(scheduling, signed, [module])
    scheduling.clock.at = MONDAY + DAY
    await said_about(scheduling, signed, ModuleDue)
    assert await next_code(scheduling, signed) == "do_module"
    ended = PairingEnded(
        pairing_id=signed.pairing_id,
        program_id=signed.program_id,
        members=signed.members,
        reason="completed",
        occurred_at=MONDAY + DAY,
    )
    await publish(scheduling.settings, ended)

    async def over() -> bool:
        return await next_code(scheduling, signed) == "look_back"

    await eventually(over)


async def test_modules_fall_due_by_days_and_by_sessions_and_bring_their_agenda(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    templates = (await scheduling.ask("GET", "/track-templates", pair.mentor))["items"]
    assert [one["title"] for one in templates] == ["First meeting", "Goal setting", "Midpoint review", "Closing"]
    modules = (await set_track(scheduling, pair, templates))["items"]
    assert [one["module_id"] for one in modules] == ["module-1", "module-2", "module-3", "module-4"]
    assert all(one["purpose"] and one["prompts"] and one["agenda"] for one in modules)
    steps = (await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/steps", pair.mentee))["items"]
    assert [(one["module"]["title"], one["state"]) for one in steps][:2] == [
        ("First meeting", "ahead"),
        ("Goal setting", "ahead"),
    ]
    sessions = f"/pairings/{pair.pairing_id}/sessions"
    body = at(MONDAY + DAY, step_id=steps[0]["step_id"])
    await scheduling.ask("POST", sessions, pair.mentee, status=404, json={**body, "step_id": str(uuid4())})
    made = await scheduling.ask("POST", sessions, pair.mentee, status=201, json=body)
    session = f"/sessions/{made['session_id']}"
    agenda = (await scheduling.ask("GET", f"{session}/agenda-items", pair.mentor))["items"]
    assert [one["words"] for one in agenda] == templates[0]["agenda"]
    scheduling.clock.at = MONDAY + DAY + timedelta(hours=1)
    completion = {"attended": [str(pair.mentor), str(pair.mentee)]}
    await scheduling.ask("POST", f"{session}/completion", pair.mentee, json=completion)
    due = await said_about(scheduling, pair, ModuleDue)
    assert [(one.module_id, one.position) for one in due] == [(modules[1]["module_id"], 2)]
    done = f"/steps/{steps[0]['step_id']}/completion"
    await scheduling.ask("POST", done, uuid4(), status=404)
    await scheduling.ask("POST", done, scheduling.tokens.manager(pair.program_id), status=403)
    assert (await scheduling.ask("POST", done, pair.mentor))["state"] == "done"
    await scheduling.ask("POST", done, pair.mentor, status=409)
    assert (await said_about(scheduling, pair, ModuleCompleted))[0].completed_by == pair.mentor
    scheduling.clock.at = MONDAY + 400 * DAY
    due = await said_about(scheduling, pair, ModuleDue, at_least=2)
    assert [one.position for one in due] == [2, 4], "the first was done before it was due, the third waits for sessions"


async def test_a_changed_track_holds_for_ongoing_pairs_and_keeps_what_they_did(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    pair = await new_pair()
    wish = [
        {"title": "One", "purpose": "First", "due_after_days": 10},
        {"title": "Two", "purpose": "Second", "due_after_sessions": 3},
        {"title": "Three", "purpose": "Third", "due_after_days": 30},
    ]
    _, two, _ = (await set_track(scheduling, pair, wish))["items"]
    path = f"/pairings/{pair.pairing_id}/steps"
    first = (await scheduling.ask("GET", path, pair.mentee))["items"][0]
    await scheduling.ask("POST", f"/steps/{first['step_id']}/completion", pair.mentee)
    four = {"title": "Four", "purpose": "New", "due_after_days": 60}
    await set_track(scheduling, pair, [four, {**two, "title": "Second, renamed"}], version=1)
    steps = (await scheduling.ask("GET", path, pair.mentee))["items"]
    codes = [step["module"]["module_id"] for step in steps]
    assert codes == ["module-1", "module-4", "module-2"], "a code is never used for another module"
    assert [(step["module"]["title"], step["state"]) for step in steps] == [
        ("One", "done"),
        ("Four", "ahead"),
        ("Second, renamed", "ahead"),
    ]
    manager = scheduling.tokens.manager(pair.program_id)
    track = f"/programs/{pair.program_id}/track"
    timeless = {"modules": [{"title": "Never", "purpose": "x"}]}
    refused = await scheduling.ask("PUT", track, manager, status=422, json=timeless, headers={"If-Match": '"2"'})
    assert refused["faults"][0]["field"] == "modules.0"
    foreign = {"modules": [{**four, "module_id": "elsewhere"}]}
    await scheduling.ask("PUT", track, manager, status=422, json=foreign, headers={"If-Match": '"2"'})
    await scheduling.ask("PUT", track, manager, status=412, json={"modules": []}, headers={"If-Match": '"1"'})
    await scheduling.ask("PUT", track, pair.mentor, status=403, json={"modules": []})
    assert len((await scheduling.ask("GET", track, manager))["items"]) == 2


async def test_the_tracks_that_a_program_brings_itself_are_followed(scheduling: Scheduling, new_pair: NewPair) -> None:
    module = {"module_id": "first-talk", "title": "First talk", "due_after_days": 7, "agenda": ("Who are you?",)}
    pair = await new_pair(tracks=({"track_id": "main", "title": "Main", "modules": (module,)},))
    steps = (await scheduling.ask("GET", f"/pairings/{pair.pairing_id}/steps", pair.mentee))["items"]
    assert [(step["module"]["module_id"], step["module"]["agenda"]) for step in steps] == [
        ("first-talk", ["Who are you?"])
    ]
    scheduling.clock.at = MONDAY + 7 * DAY
    assert [event.module_id for event in await said_about(scheduling, pair, ModuleDue)] == ["first-talk"]

    def reminded(seen: list[Seen]) -> dict[UUID, list[tuple[str, str | None]]]:
        events = [one.event for one in seen if isinstance(one.event, ReminderDue)]
        return {
            event.person_id: [(one.kind, one.module_id) for one in event.reminders]
            for event in events
            if event.person_id in (pair.mentor, pair.mentee)
        }

    async with tap(scheduling.settings) as topics:
        found = reminded(await topics.until(lambda seen: len(reminded(seen)) == 2))
    assert found == {one: [("module_due", "first-talk")] for one in (pair.mentor, pair.mentee)}


async def test_what_a_manager_sets_holds_instead_of_what_the_program_brings(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    module = {"module_id": "first-talk", "title": "First talk", "due_after_days": 7, "agenda": ("Who are you?",)}
    brings: tuple[dict[str, Any], ...] = ({"track_id": "main", "title": "Main", "modules": (module,)},)
    pair = await new_pair(tracks=brings)
    manager = scheduling.tokens.manager(pair.program_id)
    path = f"/programs/{pair.program_id}/track"
    (brought,) = (await scheduling.ask("GET", path, manager))["items"]
    assert (brought["purpose"], brought["reading"], brought["due_after_sessions"]) == ("", [], None)
    said_more = {
        **brought,
        "purpose": "Get to know each other",
        "reading": ["Chapter 1"],
        "due_after_days": None,
        "due_after_sessions": 2,
    }
    own = {"title": "Ours", "purpose": "Go on", "due_after_days": 30}
    await set_track(scheduling, pair, [said_more, own], version=1)
    program = beginning(pair, tracks=({**brings[0], "modules": ({**module, "title": "Renamed there"},)},))[0]
    later = Pair(program_id=pair.program_id)
    await publish(scheduling.settings, program, *beginning(later, tracks=program.tracks))
    await eventually(lambda: knows(scheduling, later))
    for one in (pair, later):
        steps = (await scheduling.ask("GET", f"/pairings/{one.pairing_id}/steps", one.mentee))["items"]
        assert [step["module"]["title"] for step in steps] == ["First talk", "Ours"]
        first = steps[0]["module"]
        assert (first["module_id"], first["purpose"], first["reading"]) == (
            "first-talk",
            "Get to know each other",
            ["Chapter 1"],
        )
        assert (first["due_after_days"], first["due_after_sessions"]) == (None, 2)


async def test_a_pairing_that_begins_while_a_track_is_set_has_its_steps(
    scheduling: Scheduling, new_pair: NewPair
) -> None:
    known = await new_pair()
    later = Pair(program_id=known.program_id)
    database = scheduling.app.state.database
    module = ModuleText(title="First", purpose="Begin", due_after_days=7)
    caller = Caller(subject="manager", person_id=None, programs=frozenset({known.program_id}))
    async with database.transaction() as session:
        await tracks.set_track(session, known.program_id, [module], caller, now=MONDAY, seen=lambda _: None)
        await publish(scheduling.settings, beginning(later)[-1])

        async def waits() -> bool:
            async with database.transaction() as other:
                query = (
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%programs%'"
                )
                return bool(await other.scalar(sa.text(query)))

        await eventually(waits)
    await eventually(lambda: knows(scheduling, later))
    steps = await scheduling.ask("GET", f"/pairings/{later.pairing_id}/steps", later.mentor)
    assert [step["module"]["title"] for step in steps["items"]] == ["First"]
