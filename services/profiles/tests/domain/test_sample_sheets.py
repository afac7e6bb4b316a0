"""Sample sheets are of the form that organisers use, full of invented people, and the same for everybody."""

import csv
import io
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sample_sheets import mentee_sheet, mentor_sheet
from tandem_profiles.domain.sign_up_sheets import read_sheet
from tandem_profiles.sheet_mappings import shipped_mapping

MAPPING = shipped_mapping("civil_service")


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 300), seed=st.integers())
def test_every_row_of_a_sample_sheet_is_good(count: int, seed: int) -> None:
    for role, written in ((Role.MENTOR, mentor_sheet(count, seed)), (Role.MENTEE, mentee_sheet(count, seed))):
        found = read_sheet(written.encode(), MAPPING, role)
        assert found.faults == ()
        assert found.ignored_columns == ()
        assert len(found.sign_ups) == count


def test_what_is_written_is_what_is_read() -> None:
    written = mentor_sheet(200, seed=3)
    read = read_sheet(written.encode(), MAPPING, Role.MENTOR).sign_ups
    for row, person in zip(csv.DictReader(io.StringIO(written, newline="")), read, strict=True):
        assert person.given_name == row["first name"]
        assert person.family_name == row["last name"]
        assert person.email == row["email address"]
        assert (Role.MENTEE in person.roles) == (row["both mentor and mentee"] == "yes")
        assert person.level_name == row["grade"]
        assert person.unit == row["organisation"]
        assert person.profession == row["profession"]
        assert ", ".join(person.confidential_answers.get("characteristics", ())) == row["characteristics"]  # type: ignore[arg-type]
        assert person.biography == row["biography"]


def test_one_seed_gives_one_sheet_and_another_seed_another() -> None:
    assert mentor_sheet(50, seed=1) == mentor_sheet(50, seed=1)
    assert mentor_sheet(50, seed=1) != mentor_sheet(50, seed=2)
    # A longer sheet of the same seed begins with the same people.
    assert mentee_sheet(60, seed=1).startswith(mentee_sheet(50, seed=1))


def test_the_first_people_stay_the_same_from_release_to_release() -> None:
    first = mentor_sheet(1, seed=1).splitlines()[1]
    assert first.startswith("Anaïs,Farrugia,anais.farrugia@example.org,no,Bridge engineer,Grade 6,Bureau of Weights")


def test_nobody_shares_an_address_even_where_names_run_out_and_across_both_sheets() -> None:
    mentors = read_sheet(mentor_sheet(6_000, seed=1).encode(), MAPPING, Role.MENTOR).sign_ups
    mentees = read_sheet(mentee_sheet(6_000, seed=2).encode(), MAPPING, Role.MENTEE).sign_ups
    assert len({person.email_key for person in (*mentors, *mentees)}) == 12_000


def test_addresses_are_reserved_for_examples() -> None:
    assert all(
        row.split(",")[2].endswith("@example.org") for row in mentor_sheet(100, seed=5).splitlines() if "@" in row
    )


def test_a_sample_program_has_mentors_above_mentees_and_answers_of_every_sort() -> None:
    mentors = read_sheet(mentor_sheet(100, seed=1).encode(), MAPPING, Role.MENTOR).sign_ups
    mentees = read_sheet(mentee_sheet(100, seed=1).encode(), MAPPING, Role.MENTEE).sign_ups
    assert sum(person.level or 0 for person in mentors) > sum(person.level or 0 for person in mentees) + 200
    assert len(Counter(person.unit for person in mentors)) == 8
    assert any(not person.given_name.isascii() for person in mentors)
    assert any("\n" in (person.biography or "") for person in mentors)
    assert any(person.roles == (Role.MENTOR, Role.MENTEE) for person in mentors)
    assert any(len(person.confidential_answers.get("characteristics", ())) == 2 for person in mentors)  # type: ignore[arg-type]
    assert {person.confidential_answers["match_with_similar_identity"] for person in mentees} == {True, False}
