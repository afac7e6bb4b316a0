"""Match runs: their queue, their claims, and what they found."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from tandem_matching.domain.advice import Unmatched as Told
from tandem_matching.domain.matching import Match
from tandem_matching.domain.reasons import Reason
from tandem_matching.domain.relationships import Arrangement
from tandem_matching.domain.rules import FACILITATOR, PEER
from tandem_matching.storage.arrays import among
from tandem_matching.storage.tables import MatchRun, Proposal, ProposedCircle, Table, Unmatched


async def find_run(session: AsyncSession, run_id: UUID, *, lock: bool = False) -> MatchRun | None:
    """The run, or nothing; locked until the transaction ends where that is asked for."""
    return await session.get(MatchRun, run_id, with_for_update=True if lock else None)


async def claim_run(session: AsyncSession, worker: UUID, *, now: datetime, claim: timedelta) -> MatchRun | None:
    """The oldest run that waits, or whose worker has been silent for too long, claimed for this worker."""
    run = await session.scalar(
        sa.select(MatchRun)
        .where(
            MatchRun.state.in_(("queued", "running")),
            sa.or_(MatchRun.claimed_until.is_(None), MatchRun.claimed_until < now),
        )
        .order_by(MatchRun.requested_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if run is not None:
        run.takeovers += run.state == "running"
        run.state = "running"
        run.claimed_by = worker
        run.claimed_until = now + claim
        run.progress = 0.0
        await session.flush()
    return run


async def keep_claim(session: AsyncSession, run_id: UUID, worker: UUID, *, until: datetime, progress: float) -> bool:
    """Say that the run is still being worked on, and how far it is. False: it is no longer this worker's."""
    kept = await session.execute(
        sa.update(MatchRun)
        .where(MatchRun.run_id == run_id, MatchRun.claimed_by == worker, MatchRun.state == "running")
        .values(claimed_until=until, progress=progress, version=MatchRun.version + 1)
        .returning(MatchRun.run_id)
    )
    return kept.first() is not None


async def give_back_claim(session: AsyncSession, run_id: UUID, worker: UUID) -> None:
    """Let another worker take the run at once."""
    await session.execute(
        sa.update(MatchRun)
        .where(MatchRun.run_id == run_id, MatchRun.claimed_by == worker, MatchRun.state == "running")
        .values(state="queued", claimed_by=None, claimed_until=None, progress=0.0, version=MatchRun.version + 1)
    )


async def store_match(session: AsyncSession, run_id: UUID, match: Match) -> None:
    """Keep what a run found. The run must be locked by this transaction."""
    await _copy(
        session,
        Proposal,
        _PAIR_COLUMNS,
        (
            (
                run_id,
                position,
                uuid7(),
                one.mentor_id,
                one.mentee_id,
                one.score,
                _written(one.reasons),
                one.pinned,
                None,
            )
            for position, one in enumerate(match.proposals, start=1)
        ),
    )
    await _copy(
        session,
        ProposedCircle,
        (*_CIRCLE_COLUMNS, "fallback"),
        (
            (
                *(run_id, position, uuid7(), list(one.members), [PEER] * len(one.members)),
                *(one.score, _written(one.reasons), True),
            )
            for position, one in enumerate(match.peer_groups, start=1)
        ),
    )
    await _store_unmatched(session, run_id, match.unmatched)


async def store_arrangement(session: AsyncSession, run_id: UUID, arrangement: Arrangement) -> None:
    """Keep what a run of peers, circles or a rotation found. The run must be locked by this transaction."""
    numbered = list(enumerate(arrangement.relationships, start=1))
    await _copy(
        session,
        Proposal,
        _PAIR_COLUMNS,
        (
            (
                *(run_id, position, uuid7(), one.members[0][0], one.members[1][0]),
                *(one.score, _written(one.reasons), one.pinned, one.turn),
            )
            for position, one in numbered
            if one.members[0][1] != FACILITATOR
        ),
    )
    await _copy(
        session,
        ProposedCircle,
        _CIRCLE_COLUMNS,
        (
            (
                *(run_id, position, uuid7(), [person for person, _ in one.members]),
                *([role for _, role in one.members], one.score, _written(one.reasons)),
            )
            for position, one in numbered
            if one.members[0][1] == FACILITATOR
        ),
    )
    await _store_unmatched(session, run_id, arrangement.unmatched)


_PAIR_COLUMNS = ("run_id", "position", "proposal_id", "mentor_id", "mentee_id", "score", "reasons", "pinned", "turn")
_CIRCLE_COLUMNS = ("run_id", "position", "proposal_id", "people", "roles", "score", "reasons")


def _written(reasons: Iterable[Reason]) -> str:
    return json.dumps([reason.as_document() for reason in reasons], separators=(",", ":"))


async def _store_unmatched(session: AsyncSession, run_id: UUID, unmatched: Iterable[Told]) -> None:
    await _copy(
        session,
        Unmatched,
        ("run_id", "position", "person_id", "role", "rule", "words", "would_fit", "meanwhile"),
        (
            (run_id, position, one.person_id, one.role, one.rule, one.words, one.would_fit, one.meanwhile)
            for position, one in enumerate(unmatched, start=1)
        ),
    )


async def _copy(session: AsyncSession, table: type[Table], columns: Sequence[str], rows: Iterable[Any]) -> None:
    """Add rows by COPY, many times as fast as by statements. The transaction must have begun: a statement came before.

    JSON is given as text.
    """
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    await driver.copy_records_to_table(table.__tablename__, records=rows, columns=columns)


async def list_proposals(
    session: AsyncSession, run_id: UUID, *, after: int = 0, limit: int | None = None
) -> Sequence[Proposal]:
    """The run's proposals from a position on, the best score first."""
    rows = await session.scalars(
        sa.select(Proposal)
        .where(Proposal.run_id == run_id, Proposal.position > after)
        .order_by(Proposal.position)
        .limit(limit)
    )
    return rows.all()


async def list_circles(
    session: AsyncSession, run_id: UUID, *, fallback: bool = False, after: int = 0, limit: int | None = None
) -> Sequence[ProposedCircle]:
    """The circles that a run proposes, or the peer groups as a fallback, the best score first."""
    rows = await session.scalars(
        sa.select(ProposedCircle)
        .where(ProposedCircle.run_id == run_id, ProposedCircle.position > after, ProposedCircle.fallback.is_(fallback))
        .order_by(ProposedCircle.position)
        .limit(limit)
    )
    return rows.all()


async def circle_of(session: AsyncSession, run_id: UUID, people: Collection[UUID]) -> ProposedCircle | None:
    """The proposed circle, or peer group, that one of these people sits in."""
    found: ProposedCircle | None = await session.scalar(
        sa.select(ProposedCircle)
        .where(ProposedCircle.run_id == run_id, ProposedCircle.people.overlap(list(people)))
        .order_by(ProposedCircle.position)
        .limit(1)
    )
    return found


async def proposed_pairs(session: AsyncSession, run_id: UUID) -> list[tuple[UUID, UUID]]:
    """The run's pairs (mentor, mentee), the best score first."""
    rows: Any = await session.execute(
        sa.select(Proposal.mentor_id, Proposal.mentee_id).where(Proposal.run_id == run_id).order_by(Proposal.position)
    )
    return [(mentor, mentee) for mentor, mentee in rows]


@dataclass(frozen=True, slots=True)
class ProposedPair:
    """A proposal without its reasons."""

    proposal_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    turn: int | None


async def proposed_ids(session: AsyncSession, run_id: UUID) -> list[ProposedPair]:
    """The run's pairs without their reasons, the best score first."""
    rows = await session.execute(
        sa.select(Proposal.proposal_id, Proposal.mentor_id, Proposal.mentee_id, Proposal.turn)
        .where(Proposal.run_id == run_id)
        .order_by(Proposal.position)
    )
    return [ProposedPair(*row) for row in rows]


async def proposals_among(
    session: AsyncSession, run_id: UUID, people: Iterable[UUID], *, of: UUID | None
) -> Sequence[Proposal]:
    """The run's proposals among these people, or only those of one of them, the best score first."""
    listed = list(people)
    query = sa.select(Proposal).where(
        Proposal.run_id == run_id, among(Proposal.mentor_id, listed), among(Proposal.mentee_id, listed)
    )
    if of is not None:
        query = query.where(sa.or_(Proposal.mentor_id == of, Proposal.mentee_id == of))
    return (await session.scalars(query.order_by(Proposal.position))).all()


@dataclass(frozen=True, slots=True)
class Difference:
    """What another run would change for a mentee."""

    mentee_id: UUID
    mentor_before: UUID | None
    mentor_after: UUID | None
    score_before: float | None
    score_after: float | None


_DIFFERENCES = sa.text(
    """
    SELECT coalesce(new.mentee_id, old.mentee_id) AS mentee_id, old.mentor_id AS mentor_before,
           new.mentor_id AS mentor_after, old.score AS score_before, new.score AS score_after
    FROM (SELECT *, row_number() OVER (PARTITION BY mentee_id ORDER BY mentor_id) AS number
          FROM proposals WHERE run_id = :before
            AND (mentor_id, mentee_id) NOT IN (SELECT mentor_id, mentee_id FROM proposals WHERE run_id = :after)) old
    FULL JOIN
         (SELECT *, row_number() OVER (PARTITION BY mentee_id ORDER BY mentor_id) AS number
          FROM proposals WHERE run_id = :after
            AND (mentor_id, mentee_id) NOT IN (SELECT mentor_id, mentee_id FROM proposals WHERE run_id = :before)) new
      ON old.mentee_id = new.mentee_id AND old.number = new.number
    WHERE CAST(:person AS uuid) IS NULL OR coalesce(new.mentee_id, old.mentee_id) > CAST(:person AS uuid)
    ORDER BY 1, coalesce(new.number, old.number)
    LIMIT :limit
    """
)


async def list_differences(
    session: AsyncSession, *, before: UUID, after: UUID, beyond: UUID | None = None, limit: int | None = None
) -> list[Difference]:
    """Where two runs differ, by mentee. A mentee's differences are never cut in two by `beyond`."""
    rows = await session.execute(_DIFFERENCES, {"before": before, "after": after, "person": beyond, "limit": limit})
    return [Difference(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side, in sum. Scores are 0 to 100 for each pair."""

    mentees_changed: int
    gaining: int
    losing: int
    newly_matched: int
    no_longer_matched: int
    gained: float
    lost: float


_COMPARISON = sa.text(
    """
    WITH before AS (SELECT mentee_id, sum(score) AS score, array_agg(mentor_id ORDER BY mentor_id) AS mentors
                    FROM proposals WHERE run_id = :before GROUP BY 1),
         after AS (SELECT mentee_id, sum(score) AS score, array_agg(mentor_id ORDER BY mentor_id) AS mentors
                   FROM proposals WHERE run_id = :after GROUP BY 1),
         changes AS (
             SELECT before.mentors AS old, after.mentors AS new,
                    round((coalesce(after.score, 0) - coalesce(before.score, 0))::numeric, 2) AS gain
             FROM before FULL JOIN after USING (mentee_id)
         )
    SELECT count(*) FILTER (WHERE old IS DISTINCT FROM new),
           count(*) FILTER (WHERE gain > 0), count(*) FILTER (WHERE gain < 0),
           count(*) FILTER (WHERE old IS NULL), count(*) FILTER (WHERE new IS NULL),
           coalesce(sum(gain) FILTER (WHERE gain > 0), 0)::float8,
           coalesce(-sum(gain) FILTER (WHERE gain < 0), 0)::float8
    FROM changes
    """
)


async def compare(session: AsyncSession, *, before: UUID, after: UUID) -> Comparison:
    """How many mentees gain or lose by the second run against the first, and how much in all."""
    row = (await session.execute(_COMPARISON, {"before": before, "after": after})).one()
    return Comparison(*row)


async def list_unmatched(
    session: AsyncSession, run_id: UUID, *, after: int = 0, limit: int | None = None, role: str | None = None
) -> Sequence[Unmatched]:
    """Whom the run left alone, mentees before mentors."""
    query = sa.select(Unmatched).where(Unmatched.run_id == run_id, Unmatched.position > after)
    if role is not None:
        query = query.where(Unmatched.role == role)
    rows = await session.scalars(query.order_by(Unmatched.position).limit(limit))
    return rows.all()
