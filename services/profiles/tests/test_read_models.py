"""Relationships are rebuilt from their topic, without those whom this service took away meanwhile."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx2
import sqlalchemy as sa
from fastapi import FastAPI

from tandem_events.contracts import Member, PairingState
from tandem_events.replay import replay
from tandem_events.testing import eventually, publish
from tandem_profiles.read_models import READ_MODELS
from tandem_profiles.settings import Settings

from .sheets import ADA, BEN, MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]


async def test_who_is_merged_or_erased_during_a_replay_is_not_brought_back(
    app: FastAPI, client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    assert (await send(client, program_id, MENTORS + ADA + BEN, admin)).status_code == 200
    listed = (await client.get(f"/programs/{program_id}/enrollments", headers=admin)).json()["items"]
    ada, ben = (one["person_id"] for one in listed)
    mentees = {uuid4(), uuid4()}
    for mentor, mentee in zip((ada, ben), mentees, strict=True):
        await publish(settings, ended(program_id, mentor, mentee))

    async def known() -> set[UUID]:
        async with app.state.database.transaction() as session:
            return set(await session.scalars(sa.text("SELECT person_id FROM pairing_members")))

    async def both_are_known() -> bool:
        return await known() == {UUID(ada), UUID(ben), *mentees}

    await eventually(both_are_known)
    (relationships,) = READ_MODELS
    for path, body in ((f"/people/{ada}/merges", {"duplicate_id": ben}), (f"/people/{ada}/erasure", {})):
        rebuilding = replay(settings, relationships, service="profiles")
        async for progress in rebuilding:
            if progress.applied == 2:
                break
        answer = await client.post(path, json=body, headers=admin)
        assert answer.is_success, answer.text
        left = await known()
        assert [progress async for progress in rebuilding][-1].switched
        assert await known() == left
    assert left == mentees


def ended(program_id: str, mentor: str, mentee: UUID) -> PairingState:
    members = (Member(person_id=UUID(mentor), role="mentor"), Member(person_id=mentee, role="mentee"))
    return PairingState(
        pairing_id=uuid4(),
        program_id=UUID(program_id),
        format="one_to_one",
        members=members,
        status="ended",
        end_reason="completed",
        occurred_at=datetime.now(UTC),
    )
