"""Reciprocity from the outside: thanks, help, introductions, sponsorship and its result, successes, learning."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from feedback_world import World

from tandem_events.contracts import (
    ContributionLogged,
    Event,
    GratitudeSent,
    IntroductionMade,
    LearningLogged,
    SponsorshipRecorded,
    SuccessReported,
)
from tandem_events.testing import tap

SECRET = "You opened a door for me"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"kind": "contribution"}, ContributionLogged),
        ({"kind": "introduction"}, IntroductionMade),
        ({"kind": "gratitude"}, GratitudeSent),
        ({"kind": "sponsorship", "opportunity": "nomination"}, SponsorshipRecorded),
        ({"kind": "success"}, SuccessReported),
        ({"kind": "learning", "source": "webinar"}, LearningLogged),
    ],
)
async def test_what_members_do_is_kept_between_them_and_said_without_words(
    world: World, body: dict[str, Any], kind: type[Event]
) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}/contributions"
    made = await world.post(path, pair.as_mentee, **body, words=SECRET)
    given_to_somebody = body["kind"] not in ("success", "learning")
    assert made["receiver_id"] == (str(pair.mentor) if given_to_somebody else None)
    shown = (await world.get(f"{path}?kind={body['kind']}", pair.as_mentor))["items"]
    assert [one["words"] for one in shown] == [SECRET]
    for headers in (pair.as_manager, world.tokens.person(uuid4())):
        await world.get(path, headers, 404)
        await world.post(path, headers, 404, **body, words="Let me in")
    async with tap(world.settings) as topics:
        said = await topics.first(kind)
        assert getattr(said, "giver_id", None) == pair.mentee
        assert all(SECRET not in seen.event.model_dump_json() for seen in topics.seen if seen.event)


async def test_a_sponsorship_gets_its_result_also_after_the_end(world: World) -> None:
    pair = await world.pair()
    path = f"/pairings/{pair.pairing_id}/contributions"
    body: dict[str, Any] = {"kind": "sponsorship", "opportunity": "job", "words": "Team lead in Lyon"}
    made = await world.post(path, pair.as_mentor, **body)
    await pair.ended()
    result = f"/contributions/{made['contribution_id']}/result"
    await world.post(result, world.tokens.person(uuid4()), 404, result="succeeded")
    assert (await world.post(result, pair.as_mentee, result="succeeded"))["result"] == "succeeded"
    await world.post(result, pair.as_mentee, 409, result="declined")
    async with tap(world.settings) as topics:

        def results() -> list[str]:
            said = [s.event for s in topics.seen if isinstance(s.event, SponsorshipRecorded)]
            return [event.result for event in said if event.contribution_id == UUID(made["contribution_id"])]

        await topics.until(lambda _: results() == ["open", "succeeded"])


async def test_after_the_end_people_still_thank_and_tell_of_successes_and_begin_nothing_new(world: World) -> None:
    pair = await world.pair()
    await pair.ended()
    path = f"/pairings/{pair.pairing_id}/contributions"
    await world.post(path, pair.as_mentee, kind="gratitude", words="For everything")
    await world.post(path, pair.as_mentee, kind="success", words="I was promoted")
    await world.post(path, pair.as_mentee, 409, kind="learning", source="book", words="A good one")


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "gratitude", "words": ""},
        {"kind": "gratitude", "words": "x" * 100_000},
        {"kind": "sponsorship", "words": "No opportunity named"},
        {"kind": "learning", "words": "x", "source": "dream"},
        {"kind": "bribe", "words": "x"},
        {"kind": "gratitude", "words": "To a stranger", "receiver_id": str(uuid4())},
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, body: dict[str, Any]) -> None:
    pair = await world.pair()
    await world.post(f"/pairings/{pair.pairing_id}/contributions", pair.as_mentee, 422, **body)
