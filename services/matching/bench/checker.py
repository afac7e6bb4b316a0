"""The checker: every pair looked at anew, by code that shares nothing with the solvers."""

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from tandem_matching.domain.encoded import Encoded

from .instances import SKILLS, WANTED

Numbers = npt.NDArray[np.int64]


def check(
    pool: Encoded, match: Numbers, *, proof: tuple[Numbers, Numbers, Numbers] | None = None
) -> tuple[int, int, str]:
    """Pairs, points, and a verdict: whether the match is feasible, and with a proof, whether nothing is better.

    `proof`: gains of mentees, prices of mentors, stakes. It holds where no allowed pair at all is worth more than its
    gain and its price together, and all gains and prices together are exactly what the match is worth.
    """
    if (np.bincount(match[match >= 0], minlength=len(pool.places)) > pool.places).any():
        return 0, 0, "MORE THAN PLACES"
    real = np.flatnonzero(match >= 0)
    points = _points(pool, real, match[real])
    if (points < 0).any():
        return 0, 0, "FORBIDDEN PAIR"
    pairs, total = len(real), int(points.sum())
    if proof is None:
        return pairs, total, "feasible"
    gains, prices, stake = proof
    bound = sum(gains.tolist()) + sum((prices * pool.places).tolist())
    worth = total + sum(stake[real].tolist())
    exceeded: int = _exceeded(*_arrays(pool), gains - stake, prices)  # type: ignore[call-arg]
    whole = bound == worth and bool((prices >= 0).all() and (gains >= 0).all())
    return pairs, total, "proven" if whole and not exceeded else "NOT PROVEN"


def _arrays(pool: Encoded) -> tuple[Numbers, ...]:
    """What people are, and tables with -1 where a rule forbids, all of one size, and who has which skill how well."""
    widest = max(max(table.points.shape) for table in pool.tables)
    tables = np.full((len(pool.tables), widest, widest), -1, np.int64)
    for number, table in enumerate(pool.tables):
        rows, columns = table.points.shape
        tables[number, :rows, :columns] = np.where(table.violated != 0, -1, table.points)
    skills = pool.features[0]
    has = np.zeros((len(pool.places), SKILLS), np.int64)
    for skill in range(SKILLS):
        span = slice(skills.index_starts[skill], skills.index_starts[skill + 1])
        has[skills.index_mentors[span], skill] = skills.weight * skills.index_parts[span].astype(np.int64) // WANTED
    mentees = np.stack([table.mentee_codes for table in pool.tables], 1).astype(np.int64)
    mentors = np.stack([table.mentor_codes for table in pool.tables], 1).astype(np.int64)
    return tables, mentees, mentors, skills.wanted.reshape(-1, WANTED).astype(np.int64), has


def _points(pool: Encoded, rows: Numbers, columns: Numbers) -> Numbers:
    """The points of these pairs, -1 where one is forbidden."""
    tables, mentees, mentors, wanted, has = _arrays(pool)
    points = np.zeros(len(rows), np.int64)
    forbidden = np.zeros(len(rows), np.bool_)
    for number, table in enumerate(tables):
        cell = table[mentees[rows, number], mentors[columns, number]]
        forbidden |= cell < 0
        points += cell
    points += has[columns[:, None], wanted[rows]].sum(axis=1)
    return np.where(forbidden, -1, points)


@njit(parallel=True, cache=True)
def _exceeded(tables, mentees, mentors, wanted, has, keeps, prices):  # type: ignore[no-untyped-def]
    """How many mentees have an allowed pair that is worth more than what they keep and the mentor costs."""
    exceeded = 0
    for mentee in prange(mentees.shape[0]):
        worse = 0
        for mentor in range(mentors.shape[0]):
            points = 0
            for number in range(tables.shape[0]):
                cell = tables[number, mentees[mentee, number], mentors[mentor, number]]
                if cell < 0:
                    points = -1
                    break
                points += cell
            if points < 0:
                continue
            for want in range(wanted.shape[1]):
                points += has[mentor, wanted[mentee, want]]
            if points > keeps[mentee] + prices[mentor]:
                worse = 1
        exceeded += worse
    return exceeded
