"""Whatever bytes somebody sends: an answer, never an accident."""

import json
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tandem_chassis.errors import Refusal
from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sample_sheets import mentor_sheet
from tandem_profiles.domain.sheet_mapping import MappingMalformed, SheetMapping
from tandem_profiles.domain.sheet_text import SheetIsWorkbook, SheetUnreadable
from tandem_profiles.domain.sign_up_sheets import Sheet, read_sheet
from tandem_profiles.sheet_mappings import shipped_mapping

MAPPING = shipped_mapping("civil_service")
SAMPLE = mentor_sheet(6, seed=1).encode()
HEADER = SAMPLE.split(b"\r\n")[0]

cells = st.one_of(
    st.sampled_from(["", "yes", "Grade 7", "=1", "-5", "a@example.org", '"', "\0", "\r", "\n", "\ufeff", "\x1a"]),
    st.text(max_size=12),
)
rows = st.lists(cells, max_size=12).map(lambda row: ",".join(row))
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def assert_sound(found: Sheet) -> None:
    """What holds for every sheet that is read at all."""
    assert found.fault_count >= len(found.faults)
    assert bool(found.sign_ups) or found.fault_count > 0
    good, bad = {person.row for person in found.sign_ups}, {fault.row for fault in found.faults}
    assert not good & bad
    assert len(good) == len(found.sign_ups) <= found.row_count
    assert len({person.email_key for person in found.sign_ups}) == len(found.sign_ups)
    # Every row is good or has a fault, as long as all faults are shown and the header is sound.
    if found.fault_count == len(found.faults) and 1 not in bad and found.row_count:
        assert good | bad >= set(range(2, max(good | bad) + 1))
    # Whatever was sent, the answer can be sent back and the people can be stored.
    for fault in found.faults:
        json.dumps([fault.column, fault.reason], ensure_ascii=False).encode()
    for person in found.sign_ups:
        said = f"{person.given_name}{person.family_name}{person.email}{person.biography}{person.confidential_answers}"
        said.encode()
        assert "\0" not in said


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=400), role=st.sampled_from(Role), encoding=st.none() | st.text(max_size=12))
@example(content=b"\xff\xfe\x00\xd8", role=Role.MENTOR, encoding=None)
@example(content=b"sep=;", role=Role.MENTOR, encoding="utf-16")
@example(content=b"", role=Role.MENTEE, encoding="a\0b")
def test_any_bytes_are_read_or_refused(content: bytes, role: Role, encoding: str | None) -> None:
    try:
        found = read_sheet(content, MAPPING, role, encoding=encoding)
    except Refusal:
        return
    assert_sound(found)


@settings(max_examples=300, deadline=None)
@given(body=st.lists(rows, max_size=8), line_end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_rows_below_a_good_header_are_read(body: list[str], line_end: str) -> None:
    content = HEADER + line_end.join(["", *body]).encode("utf-8", "surrogatepass")
    assert_sound(read_sheet(content, MAPPING, Role.MENTOR))


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(SAMPLE)), cut=st.integers(0, 40), put=st.binary(max_size=6))
def test_a_sheet_damaged_anywhere_is_read_as_far_as_it_is_sound(place: int, cut: int, put: bytes) -> None:
    content = SAMPLE[:place] + put + SAMPLE[place + cut :]
    # At the very beginning a few bytes make it another kind of file.
    with suppress(SheetIsWorkbook, SheetUnreadable):
        assert_sound(read_sheet(content, MAPPING, Role.MENTOR))


@settings(max_examples=300, deadline=None)
@given(document=jsons)
def test_any_json_is_a_mapping_or_refused(document: object) -> None:
    with suppress(MappingMalformed):
        SheetMapping.from_document(document)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_mapping_damaged_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(json.dumps(MAPPING.to_document()))
    place = document
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(jsons)
            break
        place = place[key]
    try:
        mapping = SheetMapping.from_document(document)
    except MappingMalformed:
        return
    assert SheetMapping.from_document(mapping.to_document()) == mapping
