"""The sheets of a real program are read as they arrive. They lie beside the project, and are no part of it."""

from collections import Counter
from pathlib import Path

import pytest

from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sign_up_sheets import Sheet, read_sheet
from tandem_profiles.sheet_mappings import shipped_mapping

SHEETS = Path(__file__).parents[5] / "shared" / "data" / "signup"

pytestmark = pytest.mark.skipif(not SHEETS.is_dir(), reason="the real sheets are not at ../shared/data/signup")


def real_sheet(size: str, role: Role) -> Sheet:
    """What is found in one of the four sheets."""
    return read_sheet((SHEETS / f"{size}_{role}s.csv").read_bytes(), shipped_mapping("civil_service"), role)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("size", "count"), [("small", 50), ("large", 500)])
def test_every_row_is_good(size: str, count: int, role: Role) -> None:
    found = real_sheet(size, role)
    assert (len(found.sign_ups), found.faults, found.ignored_columns) == (count, (), ())


@pytest.mark.parametrize(("role", "lowest", "highest"), [(Role.MENTOR, "EO", "SCS4"), (Role.MENTEE, "AA", "SCS2")])
def test_grades_become_ranks(role: Role, lowest: str, highest: str) -> None:
    by_rank = {person.level or 0: person.level_name for person in real_sheet("large", role).sign_ups}
    assert (by_rank[min(by_rank)], by_rank[max(by_rank)]) == (lowest, highest)


def test_those_who_take_both_roles_are_counted_in_both() -> None:
    for role, both in ((Role.MENTOR, 258), (Role.MENTEE, 242)):
        people = real_sheet("large", role).sign_ups
        assert Counter(person.roles for person in people) == {tuple(Role): both, (role,): 500 - both}
        assert all(person.mentor_places == (Role.MENTOR in person.roles) for person in people)
        assert all(person.wanted_mentors == (Role.MENTEE in person.roles) for person in people)


def test_confidential_answers_keep_their_form() -> None:
    mentors = real_sheet("large", Role.MENTOR).sign_ups
    assert sum("characteristics" in person.confidential_answers for person in mentors) == 500 - 264
    mentees = real_sheet("large", Role.MENTEE).sign_ups
    wishes = Counter(
        (person.confidential_answers["match_with_similar_identity"], "identity_to_match" in person.confidential_answers)
        for person in mentees
    )
    # Some ask for a similar mentor and don't say in what: odd, and no fault.
    assert wishes[True, False] > 0
    assert wishes[True, True] + wishes[True, False] == 262
    assert wishes[False, False] + wishes[True, False] == 76
