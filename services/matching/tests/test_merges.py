"""Two records were one person: what named the one names the other."""

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from matching_scene import Scene, enrollment, mentee, mentor, person_state

from tandem_events.contracts import EnrollmentWithdrawn, PersonMerged
from tandem_events.testing import eventually
from tandem_matching.storage.tables import Enrollment


async def merge(scene: Scene, kept: UUID, duplicate: UUID) -> None:
    await scene.say(PersonMerged(occurred_at=datetime.now(UTC), person_id=kept, duplicate_id=duplicate))


async def test_who_was_paired_under_another_record_is_not_paired_with_the_same_mentor_again(scene: Scene) -> None:
    boss, duplicate, kept = mentor(), mentee(), mentee()
    program_id = await scene.matched(boss, duplicate)
    (pairing,) = await scene.all(f"/programs/{program_id}/pairings", scene.manager(program_id))
    path = f"/pairings/{pairing['pairing_id']}/end"
    await scene.post(path, scene.manager(program_id), {"reason": "completed"})
    await scene.say(
        EnrollmentWithdrawn(
            occurred_at=datetime.now(UTC),
            enrollment_id=duplicate.enrollment_id,
            program_id=program_id,
            person_id=duplicate.person_id,
            reason="merged",
        )
    )
    await merge(scene, kept.person_id, duplicate.person_id)

    async def withdrawn() -> bool:
        return bool((await scene.pool(program_id))["mentees"] == 0)

    await eventually(withdrawn)
    await scene.join(program_id, kept)

    async def renamed() -> bool:
        shown = await scene.get(f"/pairings/{pairing['pairing_id']}", scene.manager(program_id))
        return str(kept.person_id) in {one["person_id"] for one in shown["members"]}

    await eventually(renamed)
    run = await scene.run(program_id)
    assert run["summary"]["proposals"] == 0
    (alone,) = await scene.all(f"/match-runs/{run['run_id']}/unmatched?role=mentee", scene.manager(program_id))
    assert (alone["person_id"], alone["rule"]) == (str(kept.person_id), "past_pair")


async def test_a_relationship_of_the_duplicate_that_goes_on_ends_and_its_place_is_free(scene: Scene) -> None:
    boss, duplicate = mentor(), mentee()
    program_id = await scene.matched(boss, duplicate)
    await merge(scene, mentee().person_id, duplicate.person_id)

    async def ended() -> bool:
        return not await scene.pairings(program_id) and (await scene.pool(program_id))["places"] == 1

    await eventually(ended)


async def test_whom_somebody_must_not_meet_under_one_record_they_do_not_meet_under_the_other(scene: Scene) -> None:
    boss, duplicate, kept = mentor(), mentee(), mentee()
    program_id = await scene.program(boss, kept)
    avoiding = enrollment(duplicate, program_id).model_copy(update={"excluded_ids": (boss.person_id,)})
    naming = enrollment(boss, program_id).model_copy(update={"preferred_ids": (duplicate.person_id,)})
    await scene.say(person_state(duplicate, program_id), avoiding, naming)

    async def known() -> bool:
        return bool((await scene.pool(program_id))["mentees"] == 2)

    await eventually(known)
    await merge(scene, kept.person_id, duplicate.person_id)

    async def carried_over() -> bool:
        async with scene.app.state.database.transaction() as session:
            rows = await session.execute(
                sa.select(Enrollment.person_id, Enrollment.preferred, Enrollment.excluded).where(
                    Enrollment.program_id == program_id
                )
            )
            by_person = {row.person_id: row for row in rows}
        avoided, hoped_for = by_person[kept.person_id].excluded, by_person[boss.person_id].preferred
        return bool(avoided == [boss.person_id] and hoped_for == [kept.person_id])

    await eventually(carried_over)
    headers = scene.tokens.person(kept.person_id)
    assert (await scene.get(f"/programs/{program_id}/suggested-mentors", headers))["items"] == []
