"""The sign-up sheets of a real program, matched: everybody gets a reason that a person understands."""

import csv
import re
from datetime import date
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from matching_scene import Scene, Somebody

from tandem_matching.domain.matching import match
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.rules import Rules

SHEETS = Path(__file__).parents[4] / "shared" / "data" / "signup"
GRADES = ("AA", "AO", "EO", "HEO", "SEO", "Grade 7", "Grade 6", "SCS1", "SCS2", "SCS3", "SCS4")


def pool(size: str) -> Pool:
    """The people of two sheets; who is both has one place and wants one mentor."""
    mentors: dict[UUID, Mentor] = {}
    mentees: dict[UUID, Mentee] = {}
    for sheet in ("mentors", "mentees"):
        with (SHEETS / f"{size}_{sheet}.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                one = Traits(
                    uuid5(NAMESPACE_URL, row["email address"]),
                    level=GRADES.index(row["grade"]) + 1,
                    level_name=row["grade"],
                    unit=row["organisation"],
                    profession=row["profession"],
                    confidential={
                        "characteristics": tuple(row.get("characteristics", "").split(", ")),
                        "match_with_similar_identity": row.get("match with similar identity") == "yes",
                        "identity_to_match": row.get("identity to match", ""),
                    },
                )
                both = row["both mentor and mentee"] == "yes"
                if sheet == "mentors" or both:
                    mentors[one.person_id] = Mentor(one, 1)
                if sheet == "mentees" or both:
                    mentees[one.person_id] = Mentee(one)
    return Pool(tuple(mentors.values()), tuple(mentees.values()))


@pytest.mark.skipif(not SHEETS.is_dir(), reason="the real sign-up sheets (../shared/data/signup) are not here")
@pytest.mark.parametrize(("size", "pairs"), [("small", 71), ("large", 707)])
def test_the_sheets_are_matched_with_reasons_that_people_understand(size: str, pairs: int) -> None:
    people = pool(size)
    found = match(people, Rules(), seed=0, on=date(2026, 3, 2))
    assert len(found.proposals) == pairs
    assert found.summary["proven_optimal"]
    by_id = {one.person_id: one.traits for one in people.mentors}
    by_id |= {one.person_id: one.traits for one in people.mentees}
    for pair in found.proposals:
        senior, junior = by_id[pair.mentor_id], by_id[pair.mentee_id]
        assert (senior.level or 0) > (junior.level or 0)
        assert senior.unit != junior.unit
        assert {reason.criterion for reason in pair.reasons} == {"profession", "level_gap"}
        assert all(reason.words.endswith(".") for reason in pair.reasons)
    everybody = {one.person_id for one in people.mentees} - {pair.mentee_id for pair in found.proposals}
    assert {one.person_id for one in found.unmatched if one.role == "mentee"} == everybody
    assert {one.rule for one in found.unmatched} <= {"level_gap", "unit", "places", "demand", "several"}
    told = str([(pair.reasons, one.words) for pair in found.proposals for one in found.unmatched[:1]]).lower()
    for identity in ("gay", "lesbian", "bisexual", "asexual", "transgender", "non-binary"):
        assert identity not in told


GRADE = r"(AA|AO|EO|HEO|SEO|Grade [67]|SCS[1-4])"
REASONS = (
    r"Both work in the profession [^.]+\.",
    r"The mentee's profession is [^.]+, the mentor's is [^.]+\.",
    rf"The mentor is (one level|\d+ levels) above the mentee \({GRADE} and {GRADE}\)\.",
)
"""What the managers of this program read about a pair: its two criteria are the profession and the level."""

ADVICE = (
    (
        r"(One mentor fits|\d+ mentors fit) you, and every place of theirs went to somebody else: "
        r"one more place there would match you\."
    ),
    (
        r"(One mentee fits you, who|\d+ mentees fit you, and each of them) was matched with somebody else or waits for "
        r"another mentor: one more such mentee would match you\."
    ),
    (
        r"Every (mentor|mentee) who would otherwise fit is in your own unit; if that were allowed, "
        r"(one|\d+) (mentor|mentee)s? would fit\."
    ),
    (
        r"No (mentor|mentee) who would otherwise fit is as many levels (above|below) you as the program asks "
        r"\(at least 1\); with a difference of -?\d+, (one|\d+) (mentor|mentee)s? would fit\."
    ),
    (
        r"No (mentor|mentee) satisfies the rule on levels and the rule on units at once; without these rules, "
        r"(one|\d+) (mentor|mentee)s? would fit\."
    ),
)


def somebodies(people: Pool) -> list[Somebody]:
    """The people of the sheets as profiles would tell of them."""
    mentors = {one.person_id: one for one in people.mentors}
    mentees = {one.person_id: one for one in people.mentees}
    traits = {one.person_id: one.traits for one in people.mentors}
    traits |= {one.person_id: one.traits for one in people.mentees}
    return [
        Somebody(
            person_id=person_id,
            level=one.level,
            unit=one.unit,
            profession=one.profession,
            places=1 if person_id in mentors else 0,
            wanted=1 if person_id in mentees else 0,
            confidential=one.confidential,
            traits={"level_name": one.level_name},
        )
        for person_id, one in traits.items()
    ]


@pytest.mark.skipif(not SHEETS.is_dir(), reason="the real sign-up sheets (../shared/data/signup) are not here")
async def test_the_large_sheets_run_through_the_service_with_sentences_that_managers_and_participants_read(
    scene: Scene,
) -> None:
    people = pool("large")
    program_id = await scene.program(*somebodies(people))
    run = await scene.run(program_id)
    assert (run["state"], run["summary"]["proposals"], run["summary"]["proven_optimal"]) == ("completed", 707, True)
    manager = scene.manager(program_id)
    pairs = await scene.all(f"/match-runs/{run['run_id']}/proposals", manager)
    for pair in pairs:
        assert len(pair["reasons"]) == 2
        assert all(any(re.fullmatch(words, reason["words"]) for words in REASONS) for reason in pair["reasons"]), pair
        assert abs(sum(reason["weight"] for reason in pair["reasons"]) - 1) < 0.001
    alone = await scene.all(f"/match-runs/{run['run_id']}/unmatched", manager)
    assert len(alone) == run["summary"]["unmatched_mentees"] + run["summary"]["unmatched_mentors"]
    strange = [one["words"] for one in alone if not any(re.fullmatch(words, one["words"]) for words in ADVICE)]
    assert strange == []
    assert (await scene.publish(run))["pairings"] == 707
    best, waits = pairs[0], next(one for one in alone if one["role"] == "mentee")
    mentee = scene.tokens.person(best["mentee_id"])
    (own,) = [
        one
        for one in (await scene.get("/me/pairings?status=active", mentee))["items"]
        if best["mentor_id"] in {member["person_id"] for member in one["members"]}
    ]
    (shown,) = (await scene.get(f"/pairings/{own['pairing_id']}/reasons", mentee))["items"]
    assert shown["reasons"] == best["reasons"], "a participant reads what the manager read"
    (place,) = (await scene.get("/me/waiting", scene.tokens.person(waits["person_id"])))["items"]
    assert place["words"] == waits["words"], "who waits is told the rule that bound and the change that would help"
    told = str([pairs, alone]).lower()
    for identity in ("gay", "lesbian", "bisexual", "asexual", "transgender", "non-binary"):
        assert identity not in told
