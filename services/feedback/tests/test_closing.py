"""Closing and recognition from the outside."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from feedback_world import World
from sqlalchemy.exc import DBAPIError

from tandem_events.contracts import (
    ActionItemAgreed,
    ActionItemApplied,
    AlumniLinkChanged,
    PersonState,
    RecognitionAwarded,
    ReflectionSubmitted,
)
from tandem_events.testing import eventually, tap
from tandem_feedback.storage.people import WRITTEN_BY_A_PERSON


async def test_closing_comes_after_the_end_and_each_member_reflects_once(world: World) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}"
    await world.post(f"{path}/reflections", pair.as_mentee, 409, learned="Too early")
    await world.get(f"{path}/closing", pair.as_mentee, 409)
    await pair.meet()
    await pair.requests(pair.as_mentee)
    await world.post(f"{path}/contributions", pair.as_mentee, kind="gratitude", words="For your patience")
    await pair.ended()
    await world.post(f"{path}/reflections", pair.as_mentee, learned="To ask", stays_in_touch=True)
    await world.post(f"{path}/reflections", pair.as_mentee, 409, learned="Again")
    closing = await world.get(f"{path}/closing", pair.as_mentor)
    assert (closing["achieved"]["sessions"], closing["achieved"]["thanks"]) == (1, 1)
    assert [one["learned"] for one in closing["reflections"]] == ["To ask"]
    assert closing["in_touch_with"] == [], "an alumni link takes both"
    await world.post(f"{path}/reflections", pair.as_mentor, learned="To wait", stays_in_touch=True, shared=False)
    closing = await world.get(f"{path}/closing", pair.as_mentee)
    assert closing["in_touch_with"] == [str(pair.mentor)]
    assert [one["learned"] for one in closing["reflections"]] == ["To ask"], "the mentor kept theirs private"
    for headers in (pair.as_manager, world.tokens.person(uuid4())):
        await world.get(f"{path}/closing", headers, 404)
    async with tap(world.settings) as topics:
        said = await topics.all_of(ReflectionSubmitted, at_least=2)
        assert "learned" not in said[0].model_dump()


async def test_an_alumni_link_can_be_taken_back_and_given_again(world: World) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}"

    async def change(headers: dict[str, str], wanted: bool, status: int = 200) -> Any:
        body = {"stays_in_touch": wanted}
        answer = await world.client.put(f"{path}/alumni-link", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    await change(pair.as_mentee, False, 409)
    await pair.ended()
    await change(pair.as_mentee, True, 409)
    for headers in (pair.as_mentor, pair.as_mentee):
        await world.post(f"{path}/reflections", headers, learned="Much", stays_in_touch=True)
    for _ in range(2):
        assert (await change(pair.as_mentee, False))["in_touch_with"] == []
    assert (await world.get(f"{path}/closing", pair.as_mentor))["in_touch_with"] == []
    assert (await change(pair.as_mentee, True))["in_touch_with"] == [str(pair.mentor)]
    for headers in (pair.as_manager, world.tokens.person(uuid4())):
        await change(headers, True, 403 if headers == pair.as_manager else 404)
    async with tap(world.settings) as topics:
        said = await topics.all_of(AlumniLinkChanged, at_least=2)
        assert [(one.author_id, one.stays_in_touch) for one in said] == [(pair.mentee, False), (pair.mentee, True)]


async def test_at_the_end_members_see_what_they_achieved(world: World) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}"
    goal: dict[str, Any] = {
        "specific": "s",
        "measure": "m",
        "unit": "u",
        "start_value": 0,
        "target_value": 2,
        "why": "w",
        "due_on": "2190-01-01",
    }
    reached = await world.post(f"{path}/goals", pair.as_mentee, **goal)
    await world.post(f"{path}/goals", pair.as_mentor, **goal)
    await world.post(f"/goals/{reached['goal_id']}/progress", pair.as_mentee, value=2)
    session_id = await pair.meet()
    for outcome in ("applied", "partly", "dropped", None):
        action: dict[str, Any] = {
            "action_item_id": uuid4(),
            "pairing_id": pair.pairing_id,
            "program_id": pair.program_id,
            "session_id": session_id,
            "owner_id": pair.mentee,
            "occurred_at": world.now(),
        }
        await world.hear(ActionItemAgreed(**action))
        if outcome:
            await world.hear(ActionItemApplied(**action, outcome=outcome))
    await world.post(f"{path}/contributions", pair.as_mentee, kind="gratitude", words="For your patience")
    await pair.requests(pair.as_mentee)
    await pair.ended()
    seen: dict[str, int] = {}

    async def all_heard() -> bool:
        seen.update((await world.get(f"{path}/closing", pair.as_mentee))["achieved"])
        return seen["actions_agreed"] == 4 and seen["actions_applied"] == 2

    await eventually(all_heard)
    assert (seen["sessions"], seen["minutes"], seen["thanks"]) == (1, 60, 1)
    assert (seen["goals_set"], seen["goals_reached"]) == (2, 1)


async def test_a_certificate_is_a_pdf_with_any_name(world: World) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}/certificate"
    await world.get(path, pair.as_mentor, 409)
    await world.hear(
        PersonState(
            person_id=pair.mentor,
            given_name="Łukasz",
            family_name="Gjøvåg Παπαδόπουλος Иванов 中",
            email="l@example.com",
            occurred_at=world.now(),
        )
    )
    await pair.meet()
    await pair.requests(pair.as_mentee)
    await pair.ended()

    async def there() -> bool:
        return (await world.client.get(path, headers=pair.as_mentor)).status_code == 200

    await eventually(there)
    answer = await world.client.get(path, headers=pair.as_mentor)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert b"/Count 1" in answer.content
    await world.get(path, pair.as_mentee, 404)  # nobody has told this service the mentee's name
    await world.get(path, pair.as_manager, 404)


async def test_mentors_are_recognised_for_their_hours_unless_they_opt_out(world: World) -> None:
    pair = await world.pair()
    for number in range(1, 6):
        await pair.meet(number=number)

    async def awards() -> set[str]:
        seen = await world.get("/me/recognition", pair.as_mentor)
        return {one["award"] for one in seen["awards"]}

    async def all_there() -> bool:
        return await awards() == {"first_session", "5_hours"}

    await eventually(all_there)
    assert (await world.get("/me/recognition", pair.as_mentee))["awards"] == []
    today = world.now().date()
    period = f"first_day={today - timedelta(days=1)}&last_day={today}"
    statement = await world.get(f"/me/hours-statement?{period}", pair.as_mentor)
    assert (statement["sessions"], statement["minutes"]) == (5, 300)
    await world.get(f"/me/hours-statement?first_day={today}&last_day=2020-01-01", pair.as_mentor, 422)
    hours = f"/programs/{pair.program_id}/mentor-hours"
    assert (await world.get(hours, pair.as_manager))["items"] == [
        {"person_id": str(pair.mentor), "sessions": 5, "minutes": 300}
    ]
    await world.get(hours, pair.as_mentor, 403)
    out = await world.client.put("/me/recognition", json={"opted_out": True}, headers=pair.as_mentor)
    assert (out.json()["opted_out"], out.json()["awards"]) == (True, [])
    assert (await world.get(hours, pair.as_manager))["items"] == []
    await world.client.put("/me/recognition", json={"opted_out": False}, headers=pair.as_mentor)
    await eventually(all_there)
    async with tap(world.settings) as topics:
        assert {event.award for event in await topics.all_of(RecognitionAwarded, at_least=2)} >= {"5_hours"}


async def test_what_an_erased_person_wrote_is_gone(world: World) -> None:
    pair = await world.pair()
    await world.post(f"/pairings/{pair.pairing_id}/contributions", pair.as_mentee, kind="gratitude", words="My words")
    goal = await world.post(
        f"/pairings/{pair.pairing_id}/goals",
        {**pair.as_mentee, "Idempotency-Key": '"my-goal"'},
        specific="My goal",
        measure="m",
        unit="u",
        start_value=0,
        target_value=1,
        due_on="2190-01-01",
        why="My reason",
    )
    await world.hear_gone(pair.mentee)

    async def gone() -> bool:
        page = await world.get(f"/pairings/{pair.pairing_id}/contributions", pair.as_mentor)
        return [one["words"] for one in page["items"]] == [""]

    await eventually(gone)
    story = await world.get(f"/goals/{goal['goal_id']}", pair.as_mentor)
    assert (story["specific"], story["revisions"][0]["why"]) == ("", "")
    async with world.app.state.database.transaction() as session:
        kept = await session.scalar(sa.text("SELECT count(*) FROM idempotency_keys WHERE body LIKE '%My reason%'"))
    assert kept == 0, "the answer that was kept to be repeated held the words, too"


async def test_revisions_of_goals_are_only_ever_added(world: World) -> None:
    pair = await world.pair()
    goal: dict[str, Any] = {
        "specific": "s",
        "measure": "m",
        "unit": "u",
        "start_value": 0,
        "target_value": 1,
        "why": "w",
    }
    await world.post(f"/pairings/{pair.pairing_id}/goals", pair.as_mentee, **goal, due_on="2190-01-01")
    for statement in ("UPDATE goal_revisions SET why = 'x'", "DELETE FROM goal_revisions"):
        with pytest.raises(DBAPIError, match="only ever added"):
            async with world.app.state.database.transaction() as session:
                await session.execute(sa.text(statement))


WORDLESS = {
    "alembic_version.version_num",
    "answers.question",
    "answers.visibility",
    "awards.award",
    "awards.kind",
    "calls_for_help.answer",  # a manager's answer to the person, who may keep it
    "contributions.code",
    "contributions.kind",
    "contributions.result",
    "department_history.department",
    "department_history.employee_number",
    "employees.employee_number",
    "employees.unit",
    "evidence.event",
    "feedback_requests.origin",
    "feedback_requests.state",
    "goal_revisions.change",
    "goal_revisions.unit",
    "goals.horizon",
    "goals.state",
    "goals.unit",
    "outcomes_said.kind",
    "people.family_name",  # the whole row goes
    "people.given_name",
    "people.level_name",
    "people.unit",
    "programs.format",
    "programs.name",
    "programs.status",
    "recognition_ledger.kind",
    "relationship_members.role",
    "relationships.end_reason",
    "relationships.format",
    "relationships.health_band",
    "relationships.status",
    "salary_history.employee_number",
    "sessions.state",
    "title_history.employee_number",
    "title_history.job_title",
}
"""Columns of text in which nobody writes."""

BACKBONE = ("outbox", "inbox", "dead_letters", "idempotency_keys")


async def test_every_place_where_people_write_is_erased(world: World) -> None:
    async with world.app.state.database.transaction() as session:
        rows = await session.execute(
            sa.text(
                """
                SELECT table_name, column_name FROM information_schema.columns
                WHERE table_schema = 'public' AND data_type IN ('text', 'character varying')
                """
            )
        )
        columns = {f"{row.table_name}.{row.column_name}" for row in rows if not row.table_name.startswith(BACKBONE)}
    written = columns - WORDLESS
    assert "contributions.words" in written
    for column in written:
        table, name = column.split(".")
        assert any(f"UPDATE {table}" in one and f"{name} = " in one for one in WRITTEN_BY_A_PERSON), column
