"""Calendars that people let us follow: looked at from time to time, by one replica, and never from anywhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from scheduling_scene import MONDAY, Pair, Scheduling, beginning, knows, own_settings, sign, started

from tandem_chassis.testing import Tokens
from tandem_events.testing import eventually, publish

CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//X//EN\r\nBEGIN:VEVENT\r\nUID:1{own}\r\nDTSTAMP:20270101T000000Z\r\n"
    "SUMMARY:Dentist\r\nDTSTART:20270301T{hour}0000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


@dataclass
class Place:
    """A place where calendars stand: what it answers, and what it was asked."""

    status: str = "200 OK"
    text: bytes = b""
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[1])
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.text)}\r\nLocation: /elsewhere\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + self.text)
        writer.close()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    async with await asyncio.start_server(made.answer, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


@asynccontextmanager
async def following(
    new_database: Any, template: str, broker: Any, tokens: Tokens, place: Place
) -> AsyncIterator[tuple[Scheduling, Pair]]:
    """Two replicas that may ask this place, and a pair."""
    more = {"busy_feed_origins": (f"http://127.0.0.1:{place.port}",), "busy_feed_poll_milliseconds": 20}
    settings = own_settings(new_database, template, broker, **more)
    pair = Pair()
    async with started(settings, tokens) as first, started(settings, tokens) as second:
        second.clock = first.clock
        second.app.state.clock = first.clock
        await publish(settings, *beginning(pair))
        await eventually(lambda: knows(first, pair))
        await sign(first, pair)
        yield first, pair


async def test_a_calendar_is_followed_by_its_address_until_it_is_forgotten(
    new_database: Any, template: str, broker: Any, tokens: Tokens, place: Place
) -> None:
    async with following(new_database, template, broker, tokens, place) as (scheduling, pair):
        path = "/me/busy-feed"
        place.text = CALENDAR.format(hour="09", own="").encode()
        address = f"http://127.0.0.1:{place.port}/private/secret.ics"

        async def free() -> list[str]:
            suggestions = f"/pairings/{pair.pairing_id}/time-suggestions"
            found = await scheduling.ask("POST", suggestions, pair.mentee, json={"minutes": 60, "most": 2})
            return [one["starts_at"][11:16] for one in found["items"]]

        async def looked(minutes: int, fault: str | None) -> dict[str, Any]:
            scheduling.clock.at = MONDAY + timedelta(minutes=minutes)
            times = len(place.asked)

            async def again() -> bool:
                known = await scheduling.ask("GET", path, pair.mentor)
                # What is read is kept a moment after it was asked for: only then the clock may go on.
                kept = fault or datetime.fromisoformat(known["fetched_at"]) == scheduling.clock.at
                return len(place.asked) > times and known["fault"] == fault and bool(kept)

            await eventually(again)
            known: dict[str, Any] = await scheduling.ask("GET", path, pair.mentor)
            return known

        assert await free() == ["09:00", "10:00"]
        await scheduling.ask("GET", path, pair.mentor, status=404)
        followed = await scheduling.ask("PUT", path, pair.mentor, json={"address": address})
        assert followed == {"host": "127.0.0.1", "fetched_at": None, "fault": None}

        async def read() -> bool:
            return (await scheduling.ask("GET", path, pair.mentor))["fetched_at"] is not None

        await eventually(read)
        assert await free() == ["10:00", "11:00"]
        assert place.asked == ["/private/secret.ics"], "by one replica, once"

        place.text = CALENDAR.format(hour="10", own="").encode()
        await looked(30, None)
        place.text, faults = b"BEGIN:nothing", []
        faults.append((await looked(60, "not_a_calendar"))["fetched_at"])
        place.text = b"x" * 3_000_000
        faults.append((await looked(120, "too_large"))["fetched_at"])
        place.text, place.status = b"", "302 Found"
        faults.append((await looked(240, "refused"))["fetched_at"])
        assert set(faults) == {"2027-03-01T09:30:00Z"}
        assert set(place.asked) == {"/private/secret.ics"}, "where it sends us to is not asked"
        scheduling.clock.at = MONDAY
        assert await free() == ["09:00", "11:00"], "what was read at last stays until it can be read again"
        place.text, place.status = CALENDAR.format(hour="09", own="@tandem.example").encode(), "200 OK"
        await looked(480, None)
        scheduling.clock.at = MONDAY
        assert await free() == ["09:00", "10:00"], "our own sessions take no time twice"

        place.text = CALENDAR.format(hour="09", own="").encode()
        await looked(510, None)
        scheduling.clock.at = MONDAY
        await scheduling.ask("DELETE", path, pair.mentor, status=204)
        assert await free() == ["09:00", "10:00"], "what was read in it is forgotten"
        await scheduling.ask("DELETE", path, pair.mentor, status=404)


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/a.ics",
        "http://calendar.google.com/a.ics",
        "https://calendar.google.com:8443/a.ics",
        "https://calendar.google.com@elsewhere.example/a.ics",
        "https://user:word@calendar.google.com/a.ics",
        "https://calendar.google.com.elsewhere.example/a.ics",
        "http://169.254.169.254/latest",
        "http://[::1/a.ics",
        "https://calendar.google.com:port/a.ics",
        "file:///etc/passwd",
    ],
)
async def test_calendars_of_places_that_the_operators_did_not_name_are_not_followed(
    scheduling: Scheduling, address: str
) -> None:
    person = Pair().mentor
    await scheduling.ask("PUT", "/me/busy-feed", person, status=422, json={"address": address})
    await scheduling.ask("GET", "/me/busy-feed", person, status=404)
