"""What the benchmark measures among: a million sessions of pairs, and groups of twelve with full calendars."""

import re
import time
from uuid import UUID

import asyncpg

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")
BUSY_SPANS = 400
"""How many spans of each person's six weeks are taken already."""
GROUPS, GROUP_SIZE = 40, 12

FILL = (
    "ALTER TABLE session_attendees DROP CONSTRAINT nobody_is_in_two_sessions_at_once",
    """
    CREATE TEMPORARY TABLE pairs AS
    SELECT number, md5('pairing' || number)::uuid AS pairing_id, md5('program' || number % 40)::uuid AS program_id,
           md5('mentor' || number / 2)::uuid AS mentor_id, md5('mentee' || number)::uuid AS mentee_id
    FROM generate_series(0, $1 - 1) AS number
    """,
    "ANALYZE pairs",
    """
    INSERT INTO pairings (pairing_id, program_id, format, created_at, completed_sessions, version)
    SELECT pairing_id, program_id, 'one_to_one', now() - interval '200 days', 5, 1 FROM pairs
    """,
    """
    INSERT INTO pairing_members (pairing_id, person_id, role)
    SELECT pairing_id, mentor_id, 'mentor' FROM pairs UNION ALL SELECT pairing_id, mentee_id, 'mentee' FROM pairs
    """,
    """
    INSERT INTO agreements
        (agreement_id, pairing_id, program_id, agreement_version, signed_version, signatures, version)
    SELECT md5('agreement' || number)::uuid, pairing_id, program_id, 1, 1, 2, 3 FROM pairs
    """,
    """
    INSERT INTO sessions
        (session_id, pairing_id, program_id, kind, state, starts_at, ends_at, time_zone, way_of_meeting,
         organizer_id, agenda_items, agenda_items_done, sequence, created_at, changed_at, version)
    SELECT md5('session' || number || '/' || meeting)::uuid, pairing_id, program_id, 'meeting',
           CASE WHEN begins < now() THEN 'completed' ELSE 'scheduled' END, begins, begins + interval '1 hour', 'UTC',
           'video', mentee_id, 1, 1, 0, now(), now(), 1
    FROM pairs CROSS JOIN generate_series(0, 9) AS meeting
    CROSS JOIN LATERAL (
        SELECT date_trunc('day', now()) + (meeting - 5) * interval '14 days' + number % 13 * interval '1 day'
               + interval '9 hours' + number % 2 * interval '2 hours' AS begins
    ) AS time
    """,
    "ANALYZE sessions, pairing_members",
    """
    INSERT INTO session_attendees (session_id, person_id, starts_at, ends_at, holds)
    SELECT session_id, person_id, starts_at, ends_at, true FROM sessions JOIN pairing_members USING (pairing_id)
    """,
    """
    ALTER TABLE session_attendees ADD CONSTRAINT nobody_is_in_two_sessions_at_once
        EXCLUDE USING gist (person_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (holds)
    """,
    "ANALYZE",
)

FILL_GROUPS = (
    """
    CREATE TEMPORARY TABLE seats AS
    SELECT md5('group' || one)::uuid AS pairing_id, md5('program' || one % 40)::uuid AS program_id,
           md5('seat' || one || '/' || seat)::uuid AS person_id, one, seat
    FROM generate_series(0, $groups - 1) AS one CROSS JOIN generate_series(0, $size - 1) AS seat
    """,
    """
    INSERT INTO pairings (pairing_id, program_id, format, created_at, completed_sessions, version)
    SELECT DISTINCT pairing_id, program_id, 'circle', now() - interval '200 days', 5, 1 FROM seats
    """,
    """
    INSERT INTO pairing_members (pairing_id, person_id, role)
    SELECT pairing_id, person_id, CASE WHEN seat < 3 THEN 'mentor' ELSE 'mentee' END FROM seats
    """,
    """
    INSERT INTO people (person_id, name, email, time_zone)
    SELECT person_id, 'Somebody', person_id || '@example.org', zones[1 + (one + seat) % cardinality(zones)]
    FROM seats CROSS JOIN (SELECT $zones::text[] AS zones) AS known
    """,
    """
    INSERT INTO availabilities (person_id, time_zone, hours, windows, holidays, exceptions, version)
    SELECT person_id, NULL, hours, '{}', 'DE-BE', '{}', 1
    FROM seats CROSS JOIN (
        SELECT jsonb_object_agg(day, '[[0, 1440]]'::jsonb) AS hours FROM generate_series(0, 6) AS day
    ) AS always
    """,
    """
    INSERT INTO busy_times (person_id, source, starts_at, ends_at)
    SELECT person_id, 'file', begins, begins + (300 + random() * 3300) * interval '1 second'
    FROM seats CROSS JOIN generate_series(0, $busy - 1) AS number
    CROSS JOIN LATERAL (
        SELECT date_trunc('day', now()) + (interval '42 days' / $busy)
               * (number + abs(hashtext(person_id::text || number)) % 100 / 250.0) AS begins
    ) AS time
    """,
    "ANALYZE",
)


async def fill(url: str, pairings: int) -> float:
    """Store ten sessions of each pairing; the answer is how many seconds it took."""
    began = time.perf_counter()
    connection = await asyncpg.connect(url)
    try:
        for statement in FILL:
            if "$1" in statement:
                await connection.execute(statement.replace("$1", str(pairings)))
            else:
                await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE session_attendees")
        await connection.execute("VACUUM ANALYZE sessions")
    finally:
        await connection.close()
    return time.perf_counter() - began


async def fill_groups(url: str) -> list[UUID]:
    """Store groups of twelve whose members live in six zones and have full calendars; the answer is their ids."""
    connection = await asyncpg.connect(url)
    try:
        sizes = {"$groups": GROUPS, "$size": GROUP_SIZE, "$busy": BUSY_SPANS, "$zones": f"'{{{','.join(ZONES)}}}'"}
        for statement in FILL_GROUPS:
            await connection.execute(re.sub(r"\$[a-z]+", lambda found: str(sizes[found[0]]), statement))
        rows = await connection.fetch("SELECT DISTINCT pairing_id FROM seats ORDER BY 1")
        return [row["pairing_id"] for row in rows]
    finally:
        await connection.close()
