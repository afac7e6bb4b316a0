"""Another mentor takes over a relationship: its end and its continuation are one step, with the places of both."""

from typing import Any
from uuid import UUID

from matching_scene import Scene, mentee, mentor

from tandem_events.contracts import PairingCreated, PairingEnded, PairingTransferred
from tandem_events.testing import tap


async def only_pairing(scene: Scene, program_id: UUID) -> Any:
    (pairing,) = await scene.all(f"/programs/{program_id}/pairings?status=active", scene.manager(program_id))
    return pairing


async def test_a_pairing_is_handed_over_to_another_mentor_in_one_step(scene: Scene) -> None:
    boss, junior = mentor(), mentee()
    program_id = await scene.matched(boss, junior)
    successor = mentor()
    await scene.join(program_id, successor)
    before = await only_pairing(scene, program_id)
    path, body = f"/pairings/{before['pairing_id']}/transfer", {"mentor_id": str(successor.person_id)}
    await scene.post(path, scene.tokens.person(junior.person_id), body, expect=403)
    await scene.post(path, scene.tokens.person(successor.person_id), body, expect=404)
    ended = await scene.post(path, scene.manager(program_id), body)
    after = await only_pairing(scene, program_id)
    assert (ended["status"], ended["continued_as"]) == ("ended", after["pairing_id"])
    assert await scene.pairings(program_id) == {(successor.person_id, junior.person_id)}
    assert (await scene.pool(program_id))["places"] == 1, "the first mentor's place is free again"
    await scene.post(path, scene.manager(program_id), body, expect=409)
    async with tap(scene.settings) as topics:

        def told(kind: type) -> list[Any]:
            return [
                one.event
                for one in topics.seen
                if isinstance(one.event, kind) and getattr(one.event, "program_id", None) == program_id
            ]

        await topics.until(lambda _: bool(told(PairingTransferred)) and len(told(PairingCreated)) == 2)
    (transferred,) = told(PairingTransferred)
    assert (transferred.from_mentor_id, transferred.to_mentor_id) == (boss.person_id, successor.person_id)
    assert [str(one.pairing_id) for one in told(PairingEnded)] == [before["pairing_id"]]
    created = sorted(str(one.pairing_id) for one in told(PairingCreated))  # two keys: no order between them
    assert created == sorted([before["pairing_id"], after["pairing_id"]])


async def test_a_group_goes_on_together_with_its_new_mentor(scene: Scene) -> None:
    boss, juniors = mentor(2), [mentee(), mentee()]
    program_id = await scene.matched(boss, *juniors, program_format="group")
    successor = mentor(2)
    await scene.join(program_id, successor)
    before = await only_pairing(scene, program_id)
    body = {"mentor_id": str(successor.person_id), "reason": "left"}
    await scene.post(f"/pairings/{before['pairing_id']}/transfer", scene.manager(program_id), body)
    assert await scene.pairings(program_id) == {(successor.person_id, one.person_id) for one in juniors}
    line = (await scene.get(f"/programs/{program_id}/waiting-mentees", scene.manager(program_id)))["items"]
    assert line == []


async def test_a_transfer_that_cannot_be_changes_nothing(scene: Scene) -> None:
    boss, first, second = mentor(2), mentee(), mentee()
    program_id = await scene.matched(boss, first, second, program_format="group")
    small, own_unit = mentor(1), mentor(2, unit="Peace")
    await scene.join(program_id, small, own_unit)
    before = await only_pairing(scene, program_id)
    path = f"/pairings/{before['pairing_id']}/transfer"
    for successor in (small, own_unit, boss, first):
        await scene.post(path, scene.manager(program_id), {"mentor_id": str(successor.person_id)}, expect=409)
    assert (await only_pairing(scene, program_id))["pairing_id"] == before["pairing_id"]
    assert (await scene.pool(program_id))["places"] == 3
