"""A sheet mapping says how a program's sheets are read; one that can't be meant so is refused with every reason."""

from typing import Any

import pytest

from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sheet_columns import Email, ListOf, OneOf, Option, Text, WholeNumber, YesNo
from tandem_profiles.domain.sheet_mapping import Constants, MappingMalformed, SheetMapping
from tandem_profiles.sheet_mappings import SHIPPED, shipped_mapping

PERSON = [
    {"column": "first name", "field": "given_name", "kind": "text"},
    {"column": "last name", "field": "family_name", "kind": "text"},
    {"column": "email", "field": "email", "kind": "email"},
]


def document(*columns: object, **entries: object) -> dict[str, Any]:
    """A mapping of mentors' sheets with these columns besides name and address."""
    return {"version": 1, "mentor": {"columns": [*PERSON, *columns]}, **entries}


def faults(wrong: object) -> dict[str | None, str]:
    """Why this document is refused, by path."""
    with pytest.raises(MappingMalformed) as refused:
        SheetMapping.from_document(wrong, time_zones={"UTC", "Europe/Berlin"})
    return {fault.field: fault.reason for fault in refused.value.faults}


def test_every_kind_of_column_is_read_and_written_back_the_same() -> None:
    written = {
        "version": 1,
        "levels": ["Junior", {"name": "Senior", "also": ["Sr"]}],
        "mentor": {
            "columns": [
                {"column": "Vorname", "field": "given_name", "kind": "text", "required": True, "longest": 80},
                {"column": "Nachname", "field": "family_name", "kind": "text"},
                {"column": "E-Mail", "field": "email", "kind": "email"},
                {"column": "Stufe", "field": "level", "kind": "one_of"},
                {
                    "column": "Ort",
                    "field": "unit",
                    "kind": "one_of",
                    "options": ["Bonn", {"name": "Köln", "also": ["K"]}],
                },
                {"column": "beides", "field": "takes_other_role", "kind": "yes_no", "yes": ["ja"], "no": ["nein"]},
                {"column": "Plätze", "field": "mentor_places", "kind": "whole_number", "lowest": 1, "highest": 4},
                {"column": "Sprachen", "field": "languages", "kind": "list", "separator": ";"},
                {"column": "privat", "field": "confidential.private", "kind": "text", "several_lines": True},
            ],
            "constants": {
                "mentor_places": 2,
                "wanted_mentors": 1,
                "time_zone": "Europe/Berlin",
                "languages": ["de", "pt-BR"],
            },
        },
    }
    mapping = SheetMapping.from_document(written)
    levels = OneOf((Option("Junior"), Option("Senior", ("Sr",))))
    assert [column.kind for column in mapping.part(Role.MENTOR).columns] == [
        Text(longest=80),
        Text(),
        Email(),
        levels,
        OneOf((Option("Bonn"), Option("Köln", ("K",)))),
        YesNo(("ja",), ("nein",)),
        WholeNumber(1, 4),
        ListOf(";"),
        Text(several_lines=True),
    ]
    assert mapping.part(Role.MENTOR).constants == Constants(2, 1, "Europe/Berlin", ("de", "pt-BR"))
    assert mapping.to_document() == written
    assert SheetMapping.from_document(mapping.to_document()) == mapping


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mapping_is_well_formed_and_written_back_the_same(name: str) -> None:
    mapping = shipped_mapping(name)
    assert SheetMapping.from_document(mapping.to_document()) == mapping


def test_civil_service_grades_are_in_order() -> None:
    levels = shipped_mapping("civil_service").levels
    assert levels is not None
    assert [option.name for option in levels.options] == [
        *("AA", "AO", "EO", "HEO", "SEO", "Grade 7", "Grade 6"),
        *("SCS1", "SCS2", "SCS3", "SCS4"),
    ]
    assert levels.rank(levels.read("grade  7")) == levels.rank(levels.read("G7")) == 6


def test_a_mapping_that_does_not_ship_is_not_found() -> None:
    with pytest.raises(KeyError):
        shipped_mapping("../secrets")


@pytest.mark.parametrize(
    ("column", "path", "reason"),
    [
        (
            {"column": "x", "field": "shoe_size", "kind": "text"},
            "field",
            "“shoe_size” is not known; known are given_name",
        ),
        ({"column": "x", "field": "confidential.No!", "kind": "text"}, "field", "“confidential.No!” is not known"),
        (
            {"column": "x", "field": "unit", "kind": "colour"},
            "kind",
            "must be one of text, email, yes_no, one_of, list",
        ),
        ({"column": "x", "field": "unit"}, "kind", "must be one of text"),
        ({"column": "x", "field": "biography", "kind": "yes_no"}, "kind", "biography is filled by text, not by yes_no"),
        ({"column": "x", "field": "unit", "kind": "text", "longest": 0}, "longest", "must be from 1 to 20000, not 0"),
        (
            {"column": "x", "field": "unit", "kind": "text", "longest": True},
            "longest",
            "must be a whole number, not true",
        ),
        ({"column": "x", "field": "unit", "kind": "text", "max": 3}, "max", "is not known here"),
        (
            {"column": "x", "field": "unit", "kind": "text", "required": "yes"},
            "required",
            "must be true or false, not a text",
        ),
        ({"column": "x", "field": "unit", "kind": "one_of"}, "options", "must be a list, not null"),
        ({"column": "x", "field": "unit", "kind": "one_of", "options": []}, "options", "must not be empty"),
        ({"column": "x", "field": "unit", "kind": "one_of", "options": ["A", "a"]}, "options[1]", "“a” is there twice"),
        (
            {"column": "x", "field": "languages", "kind": "list", "separator": ""},
            "separator",
            "must be a text of 1 to 5",
        ),
        ({"column": " ", "field": "unit", "kind": "text"}, "column", "must not be empty"),
        ({"column": 7, "field": "unit", "kind": "text"}, "column", "must be a text, not a number"),
        ({"column": "x", "field": "email", "kind": "email"}, "field", "email is filled by another column already"),
        ({"column": "E-MAIL", "field": "unit", "kind": "text"}, None, ""),
        ({"column": "Email", "field": "unit", "kind": "text"}, "column", "“Email” is mapped already"),
        ({"column": "x", "field": "takes_other_role", "kind": "yes_no", "yes": []}, "yes", "must not be empty"),
    ],
)
def test_a_column_that_cannot_be_meant_so_is_refused(column: dict[str, Any], path: str | None, reason: str) -> None:
    if path is None:
        SheetMapping.from_document(document(column))
        return
    found = faults(document(column))
    assert found.keys() == {f"mentor.columns[3].{path}"}
    assert found[f"mentor.columns[3].{path}"].startswith(reason)


def test_words_that_mean_yes_and_no_are_refused() -> None:
    column = {"column": "x", "field": "takes_other_role", "kind": "yes_no", "yes": ["da"], "no": ["DA"]}
    assert faults(document(column)) == {"mentor.columns[3]": "“da” means both yes and no"}


def test_bounds_the_wrong_way_round_are_refused() -> None:
    column = {"column": "x", "field": "mentor_places", "kind": "whole_number", "lowest": 5, "highest": 2}
    assert faults(document(column)) == {"mentor.columns[3]": "has its lowest above its highest"}


def test_a_level_needs_the_levels_of_the_whole_mapping() -> None:
    column = {"column": "grade", "field": "level", "kind": "one_of", "options": ["A"]}
    assert faults(document(column)) == {
        "mentor.columns[3].options": "belongs into levels, which hold for both roles",
        "levels": "must list the levels, lowest first: mentor.columns[3].column needs them",
    }


def test_every_fault_is_named_in_one_go() -> None:
    wrong = {
        "version": 2,
        "levels": ["A", {"name": "B", "colour": "red"}],
        "mentor": {
            "columns": [PERSON[0], "last name"],
            "constants": {"mentor_places": -1, "time_zone": "Europe/Lodnon", "languages": ["English"], "wanted": 1},
        },
        "mentee": [],
        "peer": {},
    }
    assert set(faults(wrong)) == {
        "version",
        "peer",
        "levels[1].colour",
        "mentor.columns[1]",
        "mentor.columns",
        "mentor.constants.mentor_places",
        "mentor.constants.time_zone",
        "mentor.constants.languages",
        "mentor.constants.wanted",
        "mentee",
        "mentee.columns",
    }


@pytest.mark.parametrize("wrong", [None, [], "civil_service", 7, {}, {"version": 1}])
def test_what_is_no_mapping_at_all_is_refused(wrong: object) -> None:
    assert None in faults(wrong)
