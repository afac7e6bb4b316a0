"""What the engine does besides a match from scratch: a match again, the other formats, and the reasons."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

import numpy as np

from tandem_matching.domain.assignment import Round, Warm, assign, best_round
from tandem_matching.domain.encoded import FULL, Encoded, Features
from tandem_matching.domain.encoding import encode
from tandem_matching.domain.engine import threads
from tandem_matching.domain.matching import match
from tandem_matching.domain.meetings import assign_meetings
from tandem_matching.domain.peers import assign_peers
from tandem_matching.domain.people import Mentee, Mentor, Pool, Traits
from tandem_matching.domain.reasons import explain
from tandem_matching.domain.rules import Rules
from tandem_matching.domain.seating import seat

from .instances import instance
from .judging import AGAIN_TIMES, REASONS_SECONDS, judged

Found = TypeVar("Found")


def side_by_side(times: int, *solves: Callable[[], Found]) -> list[tuple[Found, str, float]]:
    """What each found, by turns; its quickest time in words; and its processor seconds."""
    found: list[Found] = []
    seconds, used = [float("inf")] * len(solves), [float("inf")] * len(solves)
    for _ in range(times):
        found.clear()
        for place, solve in enumerate(solves):
            began, before = time.perf_counter(), time.process_time()
            found.append(solve())
            seconds[place] = min(seconds[place], time.perf_counter() - began)
            used[place] = min(used[place], time.process_time() - before)
    words = [f"{one:.3f} s ({its:.3f} s of processor time)" for one, its in zip(seconds, used, strict=True)]
    return list(zip(found, words, used, strict=True))


def quickest(times: int, solve: Callable[[], Found]) -> tuple[Found, str, float]:
    """What was found; the quickest time in words; and its processor seconds."""
    return side_by_side(times, solve)[0]


def _compiled() -> None:
    """What was compiled is loaded before anything is measured."""
    small = instance(300, 120, scarce=True)
    everybody = np.ones(300, np.bool_)
    first = best_round(small, everybody, small.places, dense_cells=0)
    best_round(small, everybody, small.places, warm=Warm(first, everybody, np.ones(120, np.bool_)), dense_cells=0)


def after_changes(mentees: int, mentors: int) -> list[str]:
    """A match again after one in a hundred changed, from scratch and from the match before."""
    _compiled()
    pool, draw = instance(mentees, mentors), np.random.default_rng(1)
    everybody = np.ones(mentees, np.bool_)
    before = best_round(pool, everybody, pool.places)
    of_mentees, of_mentors = np.zeros(mentees, np.bool_), np.zeros(mentors, np.bool_)
    of_mentees[draw.choice(mentees, mentees // 100, replace=False)] = True
    of_mentors[draw.choice(mentors, mentors // 100, replace=False)] = True
    tables = []
    for table in pool.tables:
        ours, theirs = table.mentee_codes.copy(), table.mentor_codes.copy()
        ours[of_mentees] = draw.integers(0, table.points.shape[0], int(of_mentees.sum()))
        theirs[of_mentors] = draw.integers(0, table.points.shape[1], int(of_mentors.sum()))
        tables.append(replace(table, mentee_codes=ours, mentor_codes=theirs))
    places = pool.places.copy()
    places[of_mentors] = draw.integers(1, 6, int(of_mentors.sum()))
    later = replace(pool, tables=tuple(tables), places=places)
    lines = []
    for stickiness in (0.0, 0.1, 0.5):
        sticky, warm = _sticky(later, before, stickiness), Warm(before, of_mentees, of_mentors)

        def from_scratch(pool: Encoded = sticky) -> Round:
            return best_round(pool, everybody, places)

        def begun_warm(pool: Encoded = sticky, warm: Warm = warm) -> Round:
            return best_round(pool, everybody, places, warm=warm)

        # Judged on one thread, where processor time is time; on two, a match from scratch gains more than one again.
        with _threads(1):
            on_one = side_by_side(10, from_scratch, begun_warm)
        (cold, cold_words, cold_seconds), (again, words, seconds) = on_one
        (_, cold_on_two, _), (_, again_on_two, _) = side_by_side(10, from_scratch, begun_warm)
        verdict = "proven, the same total" if again.total == again.bound == cold.total else "NOT THE SAME TOTAL"
        moved = int((again.match != before.match)[~of_mentees].sum())
        line = (
            f"1 % changed, {mentees:,} x {mentors:,}, stickiness {stickiness:g}, on one thread: {words}, from scratch "
            f"{cold_words}: {cold_seconds / seconds:.1f} times as fast; {moved} unchanged mentees moved; {verdict}; "
            f"on two threads: {again_on_two}, from scratch {cold_on_two}"
        )
        lines.append(judged(line, cold_seconds / seconds, least=AGAIN_TIMES))
    return lines


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """The engine uses so many threads."""
    usual, threads.THREADS = threads.THREADS, number
    try:
        yield
    finally:
        threads.THREADS = usual


def _sticky(pool: Encoded, before: Round, stickiness: float) -> Encoded:
    """The pool in which it is worth something to stay with the mentor of before."""
    if not stickiness:
        return pool
    matched = np.flatnonzero(before.match >= 0)
    counts = np.bincount(matched, minlength=len(before.match))
    stability = Features(
        "stability",
        round(1000 * stickiness),
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.arange(len(matched), dtype=np.int32),
        np.arange(len(matched) + 1, dtype=np.int64),
        before.match[matched].astype(np.int32),
        np.full(len(matched), FULL, np.int32),
    )
    return replace(pool, features=(*pool.features, stability))


def rotations(mentees: int, mentors: int) -> list[str]:
    """Five rounds of meetings, three mentees at a mentor's table."""
    _compiled()
    small = instance(300, 120)
    assign_meetings(small, 5, seats=np.full(120, 3), dense_cells=0)
    pool = instance(mentees, mentors)
    found, words, _ = quickest(1, lambda: assign_meetings(pool, 5, seats=np.full(mentors, 3)))
    verdict = "proven" if found.total == found.bound else "NOT PROVEN"
    return [f"flash, {mentees:,} x {mentors:,}, 5 rounds: {words}, {len(found.mentees):,} meetings, {verdict}"]


def peers(people: int) -> list[str]:
    """Pairs within one pool."""
    _compiled()
    assign_peers(_one_pool(800))
    pool = _one_pool(people)
    found, words, _ = quickest(1, lambda: assign_peers(pool))
    verdict = "proven" if all(one.total == one.bound for one in found.rounds) else "NOT PROVEN"
    return [f"peers, {people:,}: {words}, {len(found.first):,} pairs, {verdict}"]


def _one_pool(people: int) -> Encoded:
    """A pool of which everybody is on both sides, at most a level apart, in other units."""
    pool = instance(people, people)
    gap = abs(np.arange(10)[None, :] - np.arange(10)[:, None])
    level, *others = pool.tables
    near = replace(
        level,
        points=(150_000 - 100_000 * gap.clip(0, 1)).astype(np.int32),
        violated=(gap > 1).astype(np.int32),
    )
    tables = tuple(replace(one, mentor_codes=one.mentee_codes) for one in (near, *others))
    return replace(pool, mentor_ids=pool.mentee_ids, places=pool.wanted, tables=tables)


def circles(mentees: int) -> list[str]:
    """People seated in circles of eight, evenly mixed by their units."""
    draw, number = np.random.default_rng(2), mentees // 8
    points, kinds = draw.integers(0, 1_000_000, (mentees, number)), draw.integers(0, 12, mentees)
    allowed = draw.random(points.shape) < 0.8
    sizes = np.full(number, 8)
    found, words, _ = quickest(1, lambda: seat(points, allowed, sizes, kinds))
    sits = int((found.circles >= 0).sum())
    verdict = "proven" if found.proven else "NOT PROVEN"
    return [f"circles, {mentees:,} people in {number}: {words}, {sits:,} sit, {found.uneven} uneven, {verdict}"]


def reasons(mentees: int, mentors: int) -> list[str]:
    """The reasons of every pair of a match, in words."""
    pool = _people(mentees, mentors, seed=3)
    rules, at = _RULES, datetime(2026, 3, 2, tzinfo=UTC)
    encoded, encoding, _ = quickest(1, lambda: encode(pool, rules, at=at))
    _compiled()
    found, matching, _ = quickest(1, lambda: assign(encoded))
    told, words, seconds = quickest(1, lambda: explain(pool, encoded, rules, found.mentees, found.mentors, at=at))
    sentences = sum(len(one.reasons) for one in told)
    line = f"reasons of {len(told):,} pairs, {sentences:,} sentences: {words} (at most {REASONS_SECONDS:g} s)"
    return [
        f"arrays of {mentees:,} x {mentors:,} people: {encoding}; match: {matching}",
        judged(line, seconds, most=REASONS_SECONDS),
    ]


def whole_again(mentees: int, mentors: int) -> list[str]:
    """A whole match, from people to pairs with reasons and advice, again after one in a hundred changed."""
    _compiled()
    on, pool, draw = date(2026, 3, 2), _people(mentees, mentors, seed=3), np.random.default_rng(4)
    before = match(pool, _RULES, seed=0, on=on, keep_memory=True)
    other = _people(mentees, mentors, seed=5)
    of_mentees = set(draw.choice(mentees, mentees // 100, replace=False).tolist())
    of_mentors = set(draw.choice(mentors, mentors // 100, replace=False).tolist())
    later = Pool(
        tuple((other if one in of_mentors else pool).mentors[one] for one in range(mentors)),
        tuple((other if one in of_mentees else pool).mentees[one] for one in range(mentees)),
    )
    (cold, cold_words, cold_seconds), (warm, words, seconds) = side_by_side(
        2,
        lambda: match(later, _RULES, seed=0, on=on),
        lambda: match(later, _RULES, seed=0, on=on, memory=before.memory),
    )
    same = cold.summary["total_points"] == warm.summary["total_points"]
    verdict = "the same total" if same and warm.summary["proven_optimal"] else "NOT THE SAME TOTAL"
    line = (
        f"a whole match with its reasons after 1 % changed, {mentees:,} x {mentors:,}: {words}, from scratch "
        f"{cold_words}: {cold_seconds / seconds:.1f} times as fast; {verdict}"
    )
    return [line]


_RULES = Rules(weights={"skills": 4, "profession": 3, "level_gap": 1, "hours": 1})


def _people(mentees: int, mentors: int, *, seed: int) -> Pool:
    """Invented people, the same numbers of mentees and mentors whatever the seed."""
    draw = np.random.default_rng(seed)
    zones = ("Europe/London", "Europe/Berlin", "America/New_York", "Asia/Tokyo")

    def somebody(number: int, level: int) -> Traits:
        some = draw.choice(60, 8, replace=False).tolist()
        return Traits(
            UUID(int=number),
            level=level,
            unit=f"Unit {draw.integers(0, 40)}",
            profession=f"Profession {draw.integers(0, 12)}",
            time_zone=zones[draw.integers(0, 4)],
            languages=("en",),
            skills={f"skill {one}": int(draw.integers(1, 6)) for one in some[:5]},
            needs={f"skill {one}": int(draw.integers(1, 6)) for one in some[5:]},
        )

    return Pool(
        tuple(
            Mentor(somebody(10**6 + one, int(draw.integers(2, 10))), int(draw.integers(1, 6))) for one in range(mentors)
        ),
        tuple(Mentee(somebody(one, int(draw.integers(1, 8)))) for one in range(mentees)),
    )
