"""What is private: hopes for mentors only, erasure that lasts, exports, merges, and the log of who looked."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from tandem_chassis.testing import Tokens
from tandem_events.contracts import (
    EnrollmentApproved,
    EnrollmentWithdrawn,
    FeedbackErased,
    MatchingErased,
    Member,
    PairingState,
    PersonErased,
    PersonMerged,
    PersonState,
    PersonUpdated,
    SchedulingErased,
)
from tandem_events.republishing import republish
from tandem_events.testing import Seen, Tap, eventually, publish, tap
from tandem_profiles.domain.private_sections import NotSealed
from tandem_profiles.settings import Settings
from tandem_profiles.storage.seals import Sealed, Seals

from .sheets import ADA, BEN, MENTORS, send

Client = httpx2.AsyncClient
Headers = dict[str, str]
AT = "2026-05-01T09:00:00Z"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PROFILE = {
    "time_zone": "Europe/Lisbon",
    "languages": ["pt", "en"],
    "biography": "Ports, mostly.",
    "history": [{"title": "Harbour pilot", "from_year": 2009, "until_year": 2014}],
    "skills_offered": [{"skill": "Negotiation", "level": 4}],
}


async def two_people(client: Client, admin: Headers, program_id: str) -> tuple[str, str]:
    """Ada and Ben, both in the program."""
    assert (await send(client, program_id, MENTORS + ADA + BEN, admin)).status_code == 200
    listed = (await client.get(f"/programs/{program_id}/enrollments", headers=admin)).json()["items"]
    by_name = {one["given_name"]: one["person_id"] for one in listed}
    return by_name["Ada"], by_name["Ben"]


async def pair(
    settings: Settings,
    program_id: str,
    mentor: str,
    mentee: str,
    *,
    status: Any = "active",
    pairing: str = "01900000-0000-7000-8000-000000000001",
) -> PairingState:
    members = (
        Member(person_id=UUID(mentor), role="mentor"),
        Member(person_id=UUID(mentee), role="mentee"),
    )
    state = PairingState(
        pairing_id=UUID(pairing),
        program_id=UUID(program_id),
        format="one_to_one",
        members=members,
        status=status,
        occurred_at=AT,
    )
    await publish(settings, state)
    return state


async def test_a_profile_is_changed_by_its_person_and_told(
    client: Client, admin: Headers, tokens: Tokens, program_id: str, settings: Settings
) -> None:
    ada, ben = await two_people(client, admin, program_id)
    shown = await client.get(f"/people/{ada}", headers=tokens.person(ada))
    address, match = f"/people/{ada}/profile", {"If-Match": shown.headers["etag"]}
    assert (await client.put(address, json=PROFILE, headers={**tokens.person(ben), **match})).status_code == 404
    assert (await client.put(address, json=PROFILE, headers=tokens.person(ada))).status_code == 428
    changed = await client.put(address, json=PROFILE, headers={**tokens.person(ada), **match})
    assert changed.status_code == 200, changed.text
    assert changed.json()["history"][0]["title"] == "Harbour pilot"
    for wrong in (
        {"time_zone": "Mars/Olympus"},
        {"delegate_id": str(uuid4())},
        {"delegate_id": ada},
        {"languages": ["Klingon.2"]},
    ):
        etag = {"If-Match": changed.headers["etag"]}
        refused = await client.put(address, json={**PROFILE, **wrong}, headers={**tokens.person(ada), **etag})
        assert refused.status_code == 422, wrong
    async with tap(settings) as topics:
        updated = await topics.first(PersonUpdated)
        states = [one for one in await topics.all_of(PersonState, at_least=3) if str(one.person_id) == ada]
    assert set(updated.fields) >= {"biography", "history", "time_zone", "skills_offered"}
    assert states[-1].history[0].title == "Harbour pilot"
    assert (states[-1].time_zone, states[-1].skills_offered[0].skill) == ("Europe/Lisbon", "Negotiation")


async def test_who_keeps_ones_calendar_is_a_right_that_is_noted(
    client: Client, admin: Headers, tokens: Tokens, program_id: str, settings: Settings
) -> None:
    ada, ben = await two_people(client, admin, program_id)
    for delegate in (ben, None):
        headers = {**tokens.person(ada), "If-Match": "*"}
        body = {**PROFILE, "delegate_id": delegate}
        assert (await client.put(f"/people/{ada}/profile", json=body, headers=headers)).json()[
            "delegate_id"
        ] == delegate
    entries = (await client.get("/audit-entries", params={"person_id": ada}, headers=admin)).json()["items"]
    assert [(one["action"], one["caller_id"], one["details"]) for one in entries] == [
        ("delegate_changed", ada, {"added": [ben], "removed": []}),
        ("delegate_changed", ada, {"added": [], "removed": [ben]}),
    ]
    async with tap(settings) as topics:
        assert [one.delegate_id for one in await states_of(topics, ada, at_least=3)] == [None, UUID(ben), None]


async def test_participants_see_each_others_visible_profile_and_no_more(
    client: Client, admin: Headers, tokens: Tokens, program_id: str, settings: Settings
) -> None:
    ada, ben = await two_people(client, admin, program_id)
    seen = await client.get(f"/people/{ada}", headers=tokens.person(ben))
    assert (seen.status_code, seen.json()["biography"], seen.json()["email"]) == (200, "Twelve years of ports.", None)
    await pair(settings, program_id, ben, ada)

    async def sees_the_address() -> bool:
        answer = await client.get(f"/people/{ada}", headers=tokens.person(ben))
        return bool(answer.json()["email"] == "ada@example.org")

    await eventually(sees_the_address)


async def test_hopes_are_for_their_person_and_their_mentors_and_each_look_is_noted(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, program_id: str, settings: Settings
) -> None:
    ada, ben = await two_people(client, admin, program_id)
    address, own = f"/people/{ada}/private-section", tokens.person(ada)
    hopes = {"personal": "More evenings at home", "professional": "Lead the harbour"}
    assert (await client.put(address, json=hopes, headers=own)).status_code == 422
    assert (await client.put(address, json={**hopes, "consent": True}, headers=own)).status_code == 200
    for other in (admin, tokens.manager(program_id), tokens.person(ben)):
        assert (await client.get(address, headers=other)).status_code == 404
    await pair(settings, program_id, ben, ada)

    async def mentor_reads() -> bool:
        return (await client.get(address, headers=tokens.person(ben))).status_code == 200

    await eventually(mentor_reads)
    read = (await client.get(address, headers=tokens.person(ben))).json()
    assert (read["personal"], read["professional"]) == (hopes["personal"], hopes["professional"])
    entries = (await client.get("/audit-entries", params={"person_id": ada}, headers=admin)).json()["items"]
    assert {(one["action"], one["caller_id"], one["caller"]) for one in entries} == {("private_section_read", ben, ben)}
    assert (await client.get(address, headers=own)).status_code == 200
    entries = (await client.get("/audit-entries", params={"person_id": ada}, headers=admin)).json()["items"]
    assert [one["caller_id"] for one in entries][-1] == ada, "one's own look is noted as well"
    async with app.state.database.transaction() as session:
        sealed = (await session.execute(sa.text("SELECT sealed FROM private_sections"))).scalar_one()
    assert b"evenings" not in sealed
    async with tap(settings) as topics:
        marker = (await client.post("/programs", json={"name": "The last event"}, headers=admin)).json()["program_id"]
        seen = await topics.until(lambda seen: any(one.envelope.subject == marker for one in seen))
    assert not [one for one in seen if one.event and "evenings" in one.event.model_dump_json()]
    await pair(settings, program_id, ben, ada, status="ended")

    async def mentor_reads_no_more() -> bool:
        return (await client.get(address, headers=tokens.person(ben))).status_code == 404

    await eventually(mentor_reads_no_more)
    assert (await client.delete(address, headers=own)).status_code == 204
    assert (await client.get(address, headers=own)).status_code == 404


async def test_no_manager_reads_hopes_also_where_they_are_the_mentor(
    client: Client, admin: Headers, tokens: Tokens, program_id: str, settings: Settings
) -> None:
    listed = [
        {"employee_number": "1", "given_name": "Mira", "email": "mira@example.org"},
        {"employee_number": "2", "given_name": "Ole", "email": "ole@example.org", "manager_employee_number": "1"},
        {"employee_number": "3", "given_name": "Ada", "email": "ada@example.org", "manager_employee_number": "2"},
        {"employee_number": "4", "given_name": "Ben", "email": "ben@example.org", "manager_employee_number": "1"},
    ]
    await client.post("/roster", json={"people": listed}, headers=admin)
    found = (await client.get("/people", headers=admin)).json()["items"]
    ids = {one["given_name"]: one["person_id"] for one in found}
    for name in ("Ada", "Mira", "Ben"):
        body = {"roles": ["mentee"], "wanted_mentors": 1, "person_id": ids[name]}
        assert (await client.post(f"/programs/{program_id}/enrollments", json=body, headers=admin)).status_code == 201
    address = f"/people/{ids['Ada']}/private-section"
    await client.put(address, json={"personal": "x", "consent": True}, headers=tokens.person(ids["Ada"]))
    await pair(settings, program_id, ids["Mira"], ids["Ada"])
    await pair(settings, program_id, ids["Ben"], ids["Ada"], pairing="01900000-0000-7000-8000-000000000002")

    async def ben_reads() -> bool:
        return (await client.get(address, headers=tokens.person(ids["Ben"]))).status_code == 200

    await eventually(ben_reads)
    by_token = tokens.manager(program_id, person_id=ids["Ben"])
    above = tokens.person(ids["Mira"])
    for manager in (by_token, above):
        assert (await client.get(address, headers=manager)).status_code == 404
    await client.put(
        f"/programs/{program_id}/managers", json={"manager_ids": [ids["Ben"]]}, headers={**admin, "If-Match": "*"}
    )
    assert not await ben_reads(), "somebody made a manager of the program reads no more"


async def test_hopes_that_no_key_opens_any_more_are_refused_and_not_a_failure(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, program_id: str
) -> None:
    ada, _ = await two_people(client, admin, program_id)
    own, address = tokens.person(ada), f"/people/{ada}/private-section"
    written = await client.put(address, json={"personal": "x", "consent": True}, headers=own)
    assert written.status_code == 200
    app.state.seals = Seals("k1:" + "QkJC" * 10 + "QkI=")
    for path in (address, f"/people/{ada}/export"):
        refused = await client.get(path, headers=own)
        assert (refused.status_code, "TANDEM_PRIVATE_SECTION_KEYS" in refused.json()["detail"]) == (503, True)


def test_a_seal_opens_with_its_key_and_for_its_person_only() -> None:
    ada = uuid4()
    old, new = "old:" + "QUFB" * 10 + "QUE=", "new:" + "QkJC" * 10 + "QkI="
    sealed = Seals(old).seal("hope", person_id=ada)
    assert Seals(f"{new},{old}").open(sealed, person_id=ada) == "hope"
    assert Seals(f"{new},{old}").seal("hope", person_id=ada).key_id == "new"
    with pytest.raises(NotSealed):
        Seals(new).open(sealed, person_id=ada)
    with pytest.raises(NotSealed):
        Seals(old).open(sealed, person_id=uuid4())
    with pytest.raises(NotSealed):
        Seals(old).open(Sealed("old", sealed.sealed[:-1] + b"x"), person_id=ada)
    with pytest.raises(NotSealed):
        Seals("old:" + "QkJC" * 10 + "QkI=").open(sealed, person_id=ada)  # another key under the same id
    with pytest.raises(NotSealed):
        Seals("").seal("hope", person_id=ada)
    with pytest.raises(ValueError, match="32 bytes"):
        Seals("short:QUFB")


async def test_erasure_takes_everything_here_and_a_replay_does_not_bring_it_back(
    app: FastAPI, client: Client, admin: Headers, tokens: Tokens, program_id: str, settings: Settings
) -> None:
    ada, ben = await two_people(client, admin, program_id)
    await client.put(
        f"/people/{ada}/private-section", json={"personal": "x", "consent": True}, headers=tokens.person(ada)
    )
    state = await pair(settings, program_id, ben, ada)
    ben_is_kept_by_ada = {**PROFILE, "delegate_id": ada}
    headers = {**tokens.person(ben), "If-Match": "*"}
    assert (await client.put(f"/people/{ben}/profile", json=ben_is_kept_by_ada, headers=headers)).status_code == 200
    await client.put(
        f"/programs/{program_id}/managers", json={"manager_ids": [ada, ben]}, headers={**admin, "If-Match": "*"}
    )
    patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "nickName", "value": "Okafor the Great"}]}
    assert (await client.patch(f"/scim/v2/Users/{ada}", json=patch, headers=admin)).status_code == 200
    members = [{"value": ada, "display": "Ada Okafor"}, {"value": ben}]
    group = (
        await client.post("/scim/v2/Groups", json={"displayName": "All", "members": members}, headers=admin)
    ).json()
    answer = await client.post(f"/people/{ada}/erasure", json={}, headers=admin)
    assert (answer.status_code, answer.json()["complete"]) == (202, False)
    assert (await client.get(f"/people/{ada}", headers=admin)).status_code == 404
    assert (await client.post(f"/people/{ada}/erasure", json={}, headers=admin)).status_code == 202
    left = (await client.get(f"/scim/v2/Groups/{group['id']}", headers=admin)).json()
    assert [one["value"] for one in left["members"]] == [ben]
    assert (await client.get(f"/programs/{program_id}", headers=admin)).json()["manager_ids"] == [ben]
    assert (await client.get(f"/people/{ben}", headers=admin)).json()["delegate_id"] is None
    async with app.state.database.transaction() as session:
        for table in await tables_of(session):
            kept = await session.scalar(sa.text(f"SELECT count(*) FROM {table} AS t WHERE t::text ILIKE '%Okafor%'"))
            hidden = await session.scalar(
                sa.text(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%4f6b61666f72%'")
            )
            assert (kept, hidden) == (0, 0), f"{table} still tells of somebody who was erased"
    at = state.occurred_at
    await publish(
        settings,
        MatchingErased(person_id=UUID(ada), occurred_at=at),
        SchedulingErased(person_id=UUID(ada), occurred_at=at),
        FeedbackErased(person_id=UUID(ada), occurred_at=at),
        state,
    )

    async def confirmed_by_all() -> bool:
        return bool((await client.get(f"/people/{ada}/erasure", headers=admin)).json()["complete"])

    await eventually(confirmed_by_all)
    (entry,) = (await client.get("/audit-entries", params={"person_id": ada}, headers=admin)).json()["items"]
    assert (entry["action"], entry["caller"]) == ("person_erased", "admin")
    async with tap(settings) as topics:
        assert [one.delegate_id for one in await states_of(topics, ben, at_least=3)][-2:] == [UUID(ada), None]
    async for _ in republish(settings):
        pass
    async with tap(settings) as topics:
        assert str((await topics.first(PersonErased)).person_id) == ada
        assert (await topics.first(EnrollmentWithdrawn)).reason == "erased"
        marker = (await client.post("/programs", json={"name": "The last event"}, headers=admin)).json()["program_id"]
        await topics.until(lambda seen: any(one.envelope.subject == marker for one in seen))
        last = [one for one in topics.seen if one.topic == "tandem.people" and one.envelope.subject == ada][-1]
    assert last.event is None, "the newest state of an erased person is that they are gone"


async def states_of(topics: Tap, person_id: str, *, at_least: int) -> list[PersonState]:
    def found(seen: list[Seen]) -> list[PersonState]:
        return [e for one in seen if isinstance(e := one.event, PersonState) and str(e.person_id) == person_id]

    return found(await topics.until(lambda seen: len(found(seen)) >= at_least))


async def tables_of(session: Any) -> list[str]:
    found = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return list((await session.execute(found)).scalars())


async def test_an_export_holds_all_and_is_for_its_person(
    client: Client, admin: Headers, tokens: Tokens, program_id: str
) -> None:
    ada, ben = await two_people(client, admin, program_id)
    await client.put(
        f"/people/{ada}/private-section", json={"personal": "evenings", "consent": True}, headers=tokens.person(ada)
    )
    own = await client.get(f"/people/{ada}/export", headers=tokens.person(ada))
    assert "attachment" in own.headers["content-disposition"]
    assert own.json()["person"]["email"] == "ada@example.org"
    assert own.json()["private_section"]["personal"] == "evenings"
    assert own.json()["relationships"] == own.json()["managed_programs"] == own.json()["directory_groups"] == []
    assert own.json()["enrollments"][0]["confidential_answers"] == {"characteristics": ["early riser"]}
    by_admin = await client.get(f"/people/{ada}/export", headers=admin)
    assert by_admin.json()["private_section"] is None
    for other in (tokens.person(ben), tokens.manager(program_id)):
        assert (await client.get(f"/people/{ada}/export", headers=other)).status_code == 404
    entries = (await client.get("/audit-entries", params={"person_id": ada}, headers=admin)).json()["items"]
    assert [(one["action"], one["caller"]) for one in entries] == [
        ("person_exported", ada),
        ("person_exported", "admin"),
    ]


async def test_duplicates_become_one(client: Client, admin: Headers, program_id: str, settings: Settings) -> None:
    ada, ben = await two_people(client, admin, program_id)
    other = (await client.post("/programs", json={"name": "Other"}, headers=admin)).json()["program_id"]
    await send(client, other, MENTORS + BEN, admin)
    merged = await client.post(f"/people/{ada}/merges", json={"duplicate_id": ben}, headers=admin)
    assert merged.status_code == 200, merged.text
    assert (await client.get(f"/people/{ben}", headers=admin)).status_code == 404
    (moved,) = (await client.get(f"/programs/{other}/enrollments", headers=admin)).json()["items"]
    assert (moved["person_id"], moved["status"]) == (ada, "approved")
    assert (await client.post(f"/people/{ada}/merges", json={"duplicate_id": ada}, headers=admin)).status_code == 422
    async with tap(settings) as topics:
        fact = await topics.first(PersonMerged)
        assert (str(fact.person_id), str(fact.duplicate_id)) == (ada, ben)
        assert len(await topics.all_of(EnrollmentWithdrawn, at_least=2)) == 2
        await topics.until(lambda seen: any(one.event is None and one.envelope.subject == ben for one in seen))


async def test_whatever_named_the_duplicate_names_the_record_that_stays(
    client: Client, admin: Headers, tokens: Tokens, program_id: str, settings: Settings
) -> None:
    listed = [
        {"employee_number": "1", "given_name": "Mira", "email": "mira@example.org"},
        {"employee_number": "2", "given_name": "M.", "email": "m@example.org"},
        {"employee_number": "3", "given_name": "Ole", "email": "ole@example.org", "manager_employee_number": "2"},
    ]
    await client.post("/roster", json={"people": listed}, headers=admin)
    found = (await client.get("/people", headers=admin)).json()["items"]
    ids = {one["given_name"]: one["person_id"] for one in found}
    kept, gone, ole = ids["Mira"], ids["M."], ids["Ole"]
    form = {"roles": ["mentee"], "wanted_mentors": 1, "excluded_ids": [gone], "preferred_ids": [kept]}
    made = await client.post(f"/programs/{program_id}/enrollments", json={**form, "person_id": ole}, headers=admin)
    enrollment = made.json()["enrollment_id"]
    decision = {"decision": "approve", "enrollment_ids": [enrollment]}
    await client.post(f"/programs/{program_id}/enrollment-decisions", json=decision, headers=admin)
    hopes = {"personal": "More evenings at home", "consent": True}
    await client.put(f"/people/{gone}/private-section", json=hopes, headers=tokens.person(gone))
    await client.put(
        f"/people/{ole}/profile", json={"delegate_id": gone}, headers={**tokens.person(ole), "If-Match": "*"}
    )
    await client.put(
        f"/programs/{program_id}/managers", json={"manager_ids": [gone]}, headers={**admin, "If-Match": "*"}
    )
    patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "nickName", "value": "Mi"}]}
    await client.patch(f"/scim/v2/Users/{gone}", json=patch, headers=admin)
    merged = await client.post(f"/people/{kept}/merges", json={"duplicate_id": gone}, headers=admin)
    assert merged.status_code == 200, merged.text
    shown = (await client.get(f"/people/{ole}", headers=admin)).json()
    assert (shown["manager_id"], shown["delegate_id"]) == (kept, kept)
    assert (await client.get(f"/programs/{program_id}", headers=tokens.person(kept))).status_code == 200
    section = (await client.get(f"/people/{kept}/private-section", headers=tokens.person(kept))).json()
    assert section["personal"] == "More evenings at home"
    assert (await client.get(f"/scim/v2/Users/{kept}", headers=admin)).json()["nickName"] == "Mi"
    own = (await client.get(f"/enrollments/{enrollment}", headers=tokens.person(ole))).json()
    assert (own["preferred_ids"], own["excluded_ids"]) == ([], [kept])
    async with tap(settings) as topics:
        approved = await topics.all_of(EnrollmentApproved, at_least=2)
        assert [[str(i) for i in one.excluded_ids] for one in approved] == [[gone], [kept]]
        last = (await states_of(topics, ole, at_least=3))[-1]
    assert (str(last.manager_id), str(last.delegate_id)) == (kept, kept)


async def test_a_merge_makes_no_circle_of_managers(client: Client, admin: Headers) -> None:
    listed = [
        {"employee_number": "1", "given_name": "Mira", "email": "mira@example.org", "manager_employee_number": "2"},
        {"employee_number": "2", "given_name": "Ole", "email": "ole@example.org", "manager_employee_number": "3"},
        {"employee_number": "3", "given_name": "M.", "email": "m@example.org"},
    ]
    await client.post("/roster", json={"people": listed}, headers=admin)
    ids = {one["given_name"]: one["person_id"] for one in (await client.get("/people", headers=admin)).json()["items"]}
    refused = await client.post(f"/people/{ids['Mira']}/merges", json={"duplicate_id": ids["M."]}, headers=admin)
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "manager_id")
    turned = await client.post(f"/people/{ids['M.']}/merges", json={"duplicate_id": ids["Mira"]}, headers=admin)
    assert (turned.status_code, turned.json()["manager_id"]) == (200, None)


async def test_a_duplicate_in_a_relationship_is_not_merged(
    app: FastAPI, client: Client, admin: Headers, program_id: str, settings: Settings
) -> None:
    ada, ben = await two_people(client, admin, program_id)
    await pair(settings, program_id, ben, ada)

    async def is_heard() -> bool:
        async with app.state.database.transaction() as session:
            return bool(await session.scalar(sa.text("SELECT count(*) FROM pairing_members")))

    await eventually(is_heard)
    assert (await client.post(f"/people/{ada}/merges", json={"duplicate_id": ben}, headers=admin)).status_code == 409


async def test_an_erasure_takes_answers_that_quote_somebody_by_number_or_address(
    app: FastAPI, client: Client, admin: Headers, program_id: str
) -> None:
    ada = {"employee_number": "17", "given_name": "Ada", "family_name": "Okafor", "email": "Ada@example.org"}
    other = {"employee_number": "117", "given_name": "Ben", "email": "ben@example.org"}
    for key, listed in (("joins", ada), ("moves", {**ada, "family_name": "Okafor-Lind"}), ("other", other)):
        headers = {**admin, "Idempotency-Key": f'"{key}"'}
        assert (await client.post("/roster", json={"people": [listed]}, headers=headers)).status_code == 200
    row = ADA.replace("early riser,Twelve", "early riser,=Twelve")
    await send(client, program_id, MENTORS + row, {**admin, "Idempotency-Key": '"sheet"'}, partial=True)
    (found,) = (await client.get("/people", params={"email": "ada@example.org"}, headers=admin)).json()["items"]
    assert (await client.post(f"/people/{found['person_id']}/erasure", json={}, headers=admin)).status_code == 202
    async with app.state.database.transaction() as session:
        kept = await session.execute(sa.text("SELECT key, convert_from(body, 'UTF8') FROM idempotency_keys"))
        answers = {row[0]: row[1] for row in kept}
    assert "other" in answers, "number 117 is somebody else's"
    assert not {"joins", "moves"} & answers.keys()
    assert not [body for body in answers.values() if "Okafor" in body]
