"""The calendar text: two libraries read it, and it expands to the same instants everywhere."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
import vobject
from icalendar import Calendar

from tandem_scheduling.domain.calendars.invitations import Calendars, Guest, Occasion, Serial
from tandem_scheduling.domain.calendars.replies import NotAReply, ReplyTooLarge, read_reply
from tandem_scheduling.domain.calendars.zone_rules import rules_between
from tandem_scheduling.domain.recurrence import Recurrence, starts

WRITER = Calendars(domain="tandem.test")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata")
MARA, NOOR = Guest(name='Mara "M" Öz', email="mara@example.org"), Guest(name="Noor", email="noor@example.org")
STAMP = datetime(2027, 1, 1, tzinfo=UTC)


def occasion(begins: datetime, zone: str = "Europe/Berlin", **more: object) -> Occasion:
    plain = Occasion(
        session_id=uuid4(),
        starts_at=begins,
        ends_at=begins + timedelta(hours=1),
        zone_name=zone,
        summary="Mentoring: Pilot, part 2; really",
        place="Café Noir\nback room",
        organizer=MARA,
        guests=(MARA, NOOR),
        sequence=0,
        changed_at=STAMP,
        cancelled=False,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def serial(zone: str, recurrence: Recurrence, local: datetime, series_id: UUID | None = None) -> Serial:
    instants = starts(recurrence, local, ZoneInfo(zone))
    return Serial(
        series_id=series_id or uuid4(),
        local_start=local,
        minutes=60,
        zone_name=zone,
        place="Café Noir\nback room",
        recurrence=recurrence,
        sequence=0,
        changed_at=STAMP,
        occasions=tuple(occasion(begins, zone, original_starts_at=begins) for begins in instants),
    )


def elsewhere(zone: str) -> str:
    """A name for a zone that no library knows."""
    return "X-" + zone.replace("/", "-")


def expanded(text: str) -> list[datetime]:
    """Every instant at which a calendar program would show something."""
    calendar = Calendar.from_ical(text)
    found = recurring_ical_events.of(calendar).between(
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2034, 1, 1, tzinfo=UTC)
    )
    return sorted(event["DTSTART"].dt.astimezone(UTC) for event in found)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("known_to_the_reader", [True, False])
def test_five_years_of_a_series_expand_to_the_same_instants(zone: str, known_to_the_reader: bool) -> None:
    weekly = Recurrence(frequency="weekly", until=date(2032, 2, 27), except_dates=(date(2027, 3, 9), date(2030, 11, 5)))
    made = serial(zone, weekly, datetime(2027, 3, 2, 10, 0))  # noqa: DTZ001 - a wall clock
    assert len(made.occasions) == 259
    moved = made.occasions[4]
    made = replace(
        made,
        occasions=(
            *made.occasions[:4],
            replace(moved, starts_at=moved.starts_at + timedelta(days=1), ends_at=moved.ends_at + timedelta(days=1)),
            replace(made.occasions[5], cancelled=True),
            *made.occasions[6:],
        ),
    )
    text = WRITER.feed([], [made], name="Mentoring")
    if not known_to_the_reader:
        # Under a name that no library knows, the reader must follow the VTIMEZONE block itself.
        text = text.replace(zone, elsewhere(zone))
    wanted = sorted(one.starts_at for one in made.occasions if not one.cancelled)
    assert expanded(text) == wanted


@pytest.mark.parametrize("zone", ZONES)
def test_a_second_library_reads_the_same_instants_from_our_time_zone_block(zone: str) -> None:
    monthly = Recurrence(frequency="monthly", count=60)
    made = serial(zone, monthly, datetime(2027, 3, 2, 10, 0))  # noqa: DTZ001 - a wall clock
    text = WRITER.feed([], [made], name="Mentoring").replace(zone, elsewhere(zone))
    calendar = vobject.readOne(text)
    found: list[datetime] = []
    for event in calendar.vevent_list:
        begins = event.dtstart.value
        recurring = event.getrruleset()
        if recurring is None:
            found.append(begins.astimezone(UTC))
        else:
            walls = [one.replace(tzinfo=None) for one in recurring]
            found += [wall.replace(tzinfo=begins.tzinfo).astimezone(UTC) for wall in walls]
    assert sorted(found) == [one.starts_at for one in made.occasions]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_series_keeps_its_instants_when_its_zone_changes_its_law_after_it_was_booked(hours: int) -> None:
    weekly = Recurrence(frequency="weekly", count=12, except_dates=(date(2027, 5, 4),))
    made = serial("Europe/Berlin", weekly, datetime(2027, 3, 2, 10, 0))  # noqa: DTZ001 - a wall clock
    law = datetime(2027, 4, 1, tzinfo=UTC)

    def before_the_law(one: Occasion) -> Occasion:
        """As it was booked, when the clocks of the zone were still to show something else from April on."""
        shift = timedelta(hours=hours if one.starts_at > law else 0)
        begins = one.starts_at + shift
        return replace(one, starts_at=begins, ends_at=one.ends_at + shift, original_starts_at=begins)

    made = replace(made, occasions=tuple(map(before_the_law, made.occasions)))
    text = WRITER.feed([], [made], name="Mentoring")
    assert expanded(text) == [one.starts_at for one in made.occasions]
    assert text.count("RECURRENCE-ID") == len([one for one in made.occasions if one.starts_at > law])
    gone = replace(
        made, occasions=(*made.occasions[:9], replace(made.occasions[9], cancelled=True), *made.occasions[10:])
    )
    assert len(expanded(WRITER.feed([], [gone], name="Mentoring"))) == 10
    event: Any = Calendar.from_ical(WRITER.invitation(gone.occasions[9], gone)[1]).walk("VEVENT")[0]
    assert event["recurrence-id"].dt.astimezone(UTC) == made.occasions[9].starts_at - timedelta(hours=hours)


def test_a_series_shows_an_answer_that_somebody_gave_to_every_session() -> None:
    made = serial("Europe/Berlin", Recurrence(frequency="weekly", count=3), datetime(2027, 3, 2, 10, 0))  # noqa: DTZ001

    def standings(*answers: str | None) -> list[str]:
        occasions = [
            replace(one, guests=(MARA, replace(NOOR, answer=answer)))
            for one, answer in zip(made.occasions, answers, strict=True)
        ]
        text = WRITER.series_invitation(replace(made, occasions=tuple(occasions)))[1]
        event: Any = Calendar.from_ical(text).walk("VEVENT")[0]
        return [one.params["PARTSTAT"] for one in event["attendee"]]

    assert standings("accepted", "accepted", "accepted") == ["NEEDS-ACTION", "ACCEPTED"]
    assert standings("accepted", None, None) == ["NEEDS-ACTION", "NEEDS-ACTION"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Africa/Casablanca"])
def test_every_change_of_a_series_raises_the_sequence_of_its_sessions(zone: str) -> None:
    made = serial(zone, Recurrence(frequency="weekly", count=3), datetime(2027, 3, 2, 10, 0))  # noqa: DTZ001
    changed = replace(made, sequence=2, occasions=(replace(made.occasions[0], sequence=1), *made.occasions[1:]))
    for occasion, sequence in zip(changed.occasions, (3, 2, 2), strict=True):
        event: Any = Calendar.from_ical(WRITER.invitation(occasion, changed)[1]).walk("VEVENT")[0]
        assert int(event["sequence"]) == sequence
    events: list[Any] = Calendar.from_ical(WRITER.series_invitation(changed)[1]).walk("VEVENT")
    assert {int(event["sequence"]) for event in events} <= {2, 3}


def test_zones_have_a_block_with_yearly_rules_and_casablanca_is_written_in_utc() -> None:
    berlin = WRITER.invitation(occasion(datetime(2027, 6, 1, 10, tzinfo=UTC)), None)[1]
    assert "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3" in berlin
    assert "DTSTART;TZID=Europe/Berlin:20270601T120000" in berlin
    casablanca = WRITER.invitation(occasion(datetime(2027, 6, 1, 10, tzinfo=UTC), "Africa/Casablanca"), None)[1]
    assert "VTIMEZONE" not in casablanca
    assert "DTSTART:20270601T100000Z" in casablanca


def test_yearly_rules_agree_with_every_zone_that_has_them_and_changed_rules_have_none() -> None:
    assert rules_between("America/New_York", 2005, 2009) is None, "its rules changed in 2007"
    assert rules_between("America/New_York", 2008, 2040) is not None
    for name in ("Europe/Dublin", "Asia/Jerusalem", "America/Santiago", "Pacific/Chatham", "America/Nuuk", "Asia/Gaza"):
        rules_between(name, 2027, 2032)
    assert rules_between("Asia/Jerusalem", 2027, 2032) is not None
    assert rules_between("Europe/Dublin", 2027, 2032) is not None
    assert rules_between("America/Nuuk", 2027, 2032) is not None


def test_an_invitation_is_an_itip_request_and_its_cancellation_bears_the_same_uid() -> None:
    meeting = occasion(datetime(2027, 6, 1, 10, tzinfo=UTC))
    method, text = WRITER.invitation(meeting, None)
    event: Any = Calendar.from_ical(text).walk("VEVENT")[0]
    assert (method, str(Calendar.from_ical(text)["method"])) == ("REQUEST", "REQUEST")
    assert str(event["uid"]) == f"{meeting.session_id}@tandem.test"
    assert (str(event["organizer"]), event["organizer"].params["CN"]) == ("mailto:mara@example.org", "Mara  M  Öz")
    assert [str(one) for one in event["attendee"]] == ["mailto:mara@example.org", "mailto:noor@example.org"]
    assert event["attendee"][1].params["PARTSTAT"] == "NEEDS-ACTION"
    assert (str(event["summary"]), str(event["location"])) == (meeting.summary, meeting.place)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    cancelled = WRITER.invitation(replace(meeting, cancelled=True, sequence=2), None)
    after: Any = Calendar.from_ical(cancelled[1]).walk("VEVENT")[0]
    assert (cancelled[0], str(after["status"]), int(after["sequence"])) == ("CANCEL", "CANCELLED", 2)
    assert after["uid"] == event["uid"]
    assert vobject.readOne(cancelled[1]).vevent.uid.value == str(event["uid"])


def test_one_session_of_a_series_is_cancelled_by_its_recurrence_id() -> None:
    made = serial("Europe/Berlin", Recurrence(frequency="weekly", count=3), datetime(2027, 3, 2, 10, 0))  # noqa: DTZ001
    gone = replace(made.occasions[1], cancelled=True, sequence=1)
    method, text = WRITER.invitation(gone, made)
    event: Any = Calendar.from_ical(text).walk("VEVENT")[0]
    assert (method, str(event["uid"])) == ("CANCEL", f"{made.series_id}@tandem.test")
    assert event["recurrence-id"].dt.astimezone(UTC) == gone.starts_at
    whole = replace(made, occasions=tuple(replace(one, cancelled=True) for one in made.occasions))
    assert WRITER.series_invitation(whole)[0] == "CANCEL"
    assert expanded(WRITER.feed([], [whole], name="Mentoring")) == []


def test_an_unknown_or_malicious_address_writes_no_line_of_its_own() -> None:
    sly = Guest(name="Eve\r\nATTENDEE:mailto:x@y.z", email="eve@x.y\r\nX-SLY:1")
    text = WRITER.invitation(occasion(datetime(2027, 6, 1, 10, tzinfo=UTC), organizer=sly), None)[1]
    assert not any(line.startswith(("X-SLY", "ATTENDEE:mailto:x")) for line in text.split("\r\n"))
    assert "mailto:unknown@invalid" in text


REPLY = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Somebody//EN\r
METHOD:REPLY\r
BEGIN:VEVENT\r
UID:{uid}@tandem.test\r
SEQUENCE:1\r
DTSTAMP:20270601T100000Z\r
ATTENDEE;PARTSTAT=TENTATIVE:MAILTO:Noor@Example.org\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_a_reply_is_read() -> None:
    uid = uuid4()
    reply = read_reply(REPLY.format(uid=uid).encode())
    assert (reply.uid, reply.email, reply.answer, reply.sequence) == (uid, "noor@example.org", "tentative", 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        REPLY.format(uid="not-an-id"),
        REPLY.format(uid=uuid4()).replace("REPLY", "REQUEST"),
        REPLY.format(uid=uuid4()).replace("PARTSTAT=TENTATIVE", "PARTSTAT=DELEGATED"),
        REPLY.format(uid=uuid4()).replace("ATTENDEE;PARTSTAT=TENTATIVE:MAILTO:Noor@Example.org\r\n", ""),
        REPLY.format(uid=uuid4()).replace("SEQUENCE:1", "SEQUENCE:many"),
        REPLY.format(uid=uuid4()).replace("SEQUENCE:1", "RECURRENCE-ID;VALUE=DATE:20270601"),
        REPLY.format(uid=uuid4()).replace("END:VEVENT", "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nEND:VEVENT"),
    ],
)
def test_what_is_no_reply_is_refused(text: str) -> None:
    with pytest.raises(NotAReply):
        read_reply(text.encode())


def test_a_reply_that_is_too_large_or_no_text_is_refused() -> None:
    with pytest.raises(ReplyTooLarge):
        read_reply(b"x" * 100_001)
    with pytest.raises(NotAReply):
        read_reply(b"\xff\xfe\x00")
