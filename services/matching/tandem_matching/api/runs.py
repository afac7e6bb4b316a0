"""Match runs over HTTP: the pool, a run, what it proposes, its publication."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from tandem_chassis import idempotency, paging, preconditions
from tandem_chassis.app import Now
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_chassis.paging import Cursor, Limit, Page
from tandem_matching.api.positions import row_number
from tandem_matching.storage import runs as stored_runs
from tandem_matching.storage.tables import MatchRun, ProposedCircle
from tandem_matching.use_cases import publications, runs
from tandem_matching.use_cases.runs import Wishes

router = APIRouter(tags=["match runs"], route_class=idempotency.Route)

RunState = Literal["queued", "running", "completed", "published", "failed", "cancelled"]


AssumedWord = Annotated[str | None, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class PoolSize(BaseModel):
    """How many can be paired in a program now."""

    mentors: int = Field(description="Mentors with a free place.")
    mentees: int = Field(description="Mentees who want another mentor.")
    places: int
    wanted: int
    incomplete: int = Field(description="Approved people whose profile has not arrived yet.")


class PairNamed(BaseModel):
    """Two people."""

    mentor_id: UUID
    mentee_id: UUID


class PlacesAssumed(BaseModel):
    """Free places that a mentor is assumed to have."""

    person_id: UUID
    places: int = Field(ge=0, le=1000)


class PersonAssumed(BaseModel):
    """Somebody who is assumed to take part although they pause, or to be other than they are. Null: as they are."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    places: int | None = Field(default=None, ge=0, le=1000, description="Free places as a mentor.")
    wanted: int | None = Field(default=None, ge=0, le=1000, description="Mentors wanted.")
    level: int | None = Field(default=None, ge=0, le=100)
    unit: AssumedWord = None
    profession: AssumedWord = None
    location: AssumedWord = None
    time_zone: AssumedWord = None
    languages: list[Annotated[str, Field(min_length=1, max_length=35)]] | None = Field(default=None, max_length=50)


class NewRun(BaseModel):
    """What a run is asked for with. Everything but the seed is for looking what would be if."""

    model_config = ConfigDict(extra="forbid")

    seed: int = Field(default=0, ge=0, lt=2**63, description="Decides between matches that are equally good.")
    matching: dict[str, Any] = Field(
        default_factory=dict, description="Changes to the program's rules and weights, for this run only."
    )
    pinned: list[PairNamed] = Field(default=[], max_length=10_000, description="Pairs that are wanted.")
    forbidden: list[PairNamed] = Field(default=[], max_length=10_000, description="Pairs that are not wanted.")
    without: list[UUID] = Field(default=[], max_length=10_000, description="Assumed not to take part.")
    places: list[PlacesAssumed] = Field(default=[], max_length=10_000, description="Assumed to have so many places.")
    people: list[PersonAssumed] = Field(
        default=[],
        max_length=1000,
        description="Assumed to take part although they pause, or to be other than they are.",
    )
    compared_to: UUID | None = Field(default=None, description="An earlier run of the program.")
    costs: bool = Field(
        default=False,
        description="Whether the summary says what each rule costs (`rule_prices`) and which pairs would rather have "
        "each other (`blocking`).",
    )

    def wishes(self) -> Wishes:
        """What the manager wants of this run."""
        return Wishes(
            matching=self.matching,
            pinned=tuple((one.mentor_id, one.mentee_id) for one in self.pinned),
            forbidden=tuple((one.mentor_id, one.mentee_id) for one in self.forbidden),
            without=tuple(self.without),
            places={one.person_id: one.places for one in self.places},
            people={
                one.person_id: one.model_dump(mode="json", exclude={"person_id"}, exclude_none=True)
                for one in self.people
            },
            compared_to=self.compared_to,
            costs=self.costs,
        )


class Run(BaseModel):
    """A match run."""

    run_id: UUID
    program_id: UUID
    state: RunState
    progress: float = Field(ge=0, le=1)
    seed: int
    matching: dict[str, Any] = Field(description="The rules and weights that it follows.")
    compared_to: UUID | None
    wishes: dict[str, Any] = Field(description="What is pinned, forbidden, and assumed.")
    summary: dict[str, Any]
    fingerprint: str | None = Field(description="SHA-256 of snapshot, rules, seed and result.")
    reason: str | None = Field(description="Why it failed.")
    requested_at: datetime
    finished_at: datetime | None


class ReasonShown(BaseModel):
    """What one criterion says about a pair."""

    criterion: str
    value: float = Field(description="How far it is met, 0 to 1.")
    weight: float = Field(description="Its part of all weights, 0 to 1.")
    share: float = Field(description="Its part of this pair's score, 0 to 1.")
    words: str


class ProposalShown(BaseModel):
    """Two people who should be paired. In a peer program both are peers, and no order is meant."""

    proposal_id: UUID
    mentor_id: UUID
    mentee_id: UUID
    score: float = Field(description="0 to 100.")
    reasons: list[ReasonShown]
    pinned: bool = Field(description="Whether a manager wanted it so.")
    turn: int | None = Field(description="The round in which the two meet, in a rotation.")


class Seat(BaseModel):
    """Somebody in a circle."""

    person_id: UUID
    role: Literal["facilitator", "mentor", "mentee"]


class CircleShown(BaseModel):
    """People who should sit in one circle."""

    proposal_id: UUID
    members: list[Seat]
    score: float = Field(description="0 to 100.")
    reasons: list[ReasonShown]


class PeerGroupShown(BaseModel):
    """Mentees without a mentor who should learn together until they have one."""

    proposal_id: UUID
    fallback: Literal[True] = Field(default=True, description="It takes nobody's place in the line for a mentor.")
    member_ids: list[UUID]
    score: float = Field(description="0 to 100: how alike they are.")
    reasons: list[ReasonShown]


class DifferenceShown(BaseModel):
    """What a run would change for a mentee, against another run."""

    mentee_id: UUID
    mentor_before: UUID | None
    mentor_after: UUID | None
    score_before: float | None
    score_after: float | None
    gain: float = Field(description="Of the score; to be matched or not counts as from or to 0.")


class ComparisonShown(BaseModel):
    """A run beside another, in sum. A mentee's scores are 0 to 100 for each mentor, and 0 without one."""

    compared_to: UUID
    mentees_changed: int
    gaining: int
    losing: int
    newly_matched: int
    no_longer_matched: int
    gained: float
    lost: float
    change: float


class UnmatchedShown(BaseModel):
    """Somebody whom the run leaves alone, the rule that bound, and the smallest change that would match them."""

    person_id: UUID
    role: Literal["mentor", "mentee", "peer"]
    rule: str
    words: str
    would_fit: int
    meanwhile: str | None = Field(
        description="What the program's fallback offers until then, or why it offers nothing; null where it has none."
    )


class PublicationAsked(BaseModel):
    """How to publish."""

    leave_out_changed: bool = Field(
        default=False, description="Publish the pairs that still hold, where others no longer do."
    )
    leave_out: list[UUID] = Field(
        default=[], max_length=10_000, description="Ids of proposals that are not to become pairs."
    )


class Published(BaseModel):
    """What came of a publication."""

    pairings: int
    unmatched_mentees: int
    left_out: int


def _shown(run: MatchRun) -> Run:
    return Run(**{name: getattr(run, name) for name in Run.model_fields})


@router.get("/programs/{program_id}/pool")
async def show_pool(program_id: UUID, caller: CurrentCaller, session: Transaction) -> PoolSize:
    """How many a match run would find now."""
    caller.require_manager(program_id)
    counted = await runs.count_pool(session, program_id)
    return PoolSize(**{name: getattr(counted, name) for name in PoolSize.model_fields})


@router.post("/programs/{program_id}/match-runs", status_code=202)
async def request_run(
    program_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    now: Now,
    response: Response,
    body: NewRun | None = None,
) -> Run:
    """Ask for a match run; it is computed in the background."""
    caller.require_manager(program_id)
    asked = body or NewRun()
    run = await runs.request_run(session, program_id, seed=asked.seed, wishes=asked.wishes(), caller=caller, at=now)
    response.headers["Location"] = f"/match-runs/{run.run_id}"
    return _shown(run)


@router.get("/match-runs/{run_id}")
async def show_run(run_id: UUID, caller: CurrentCaller, session: Transaction, response: Response) -> Run:
    """How far a run is, and what it found in sum."""
    run = await runs.find_run(session, run_id, caller)
    preconditions.tag(response, run.version)
    return _shown(run)


@router.get("/match-runs/{run_id}/proposals")
async def list_proposals(
    run_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[ProposalShown]:
    """The pairs that a run proposes, the best score first, each with its reasons."""
    await runs.find_run(session, run_id, caller)
    rows = await stored_runs.list_proposals(
        session, run_id, after=paging.after(cursor, row_number) or 0, limit=limit + 1
    )
    return paging.page(
        rows, limit, lambda row: ProposalShown.model_validate(row, from_attributes=True), by=lambda row: row.position
    )


@router.get("/match-runs/{run_id}/circles")
async def list_circles(
    run_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[CircleShown]:
    """The circles that a run of a circle program proposes, the best score first."""
    await runs.find_run(session, run_id, caller)
    rows = await stored_runs.list_circles(session, run_id, after=paging.after(cursor, row_number) or 0, limit=limit + 1)
    return paging.page(rows, limit, _circle, by=lambda row: row.position)


def _circle(row: ProposedCircle) -> CircleShown:
    members = [{"person_id": person, "role": role} for person, role in zip(row.people, row.roles, strict=True)]
    shown = {"proposal_id": row.proposal_id, "members": members, "score": row.score, "reasons": row.reasons}
    return CircleShown.model_validate(shown)


@router.get("/match-runs/{run_id}/peer-groups")
async def list_peer_groups(
    run_id: UUID, caller: CurrentCaller, session: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[PeerGroupShown]:
    """The peer groups that a run proposes to mentees without a mentor, where the program has that fallback."""
    await runs.find_run(session, run_id, caller)
    rows = await stored_runs.list_circles(
        session, run_id, fallback=True, after=paging.after(cursor, row_number) or 0, limit=limit + 1
    )
    return paging.page(rows, limit, _peer_group, by=lambda row: row.position)


def _peer_group(row: ProposedCircle) -> PeerGroupShown:
    shown = {"proposal_id": row.proposal_id, "member_ids": row.people, "score": row.score, "reasons": row.reasons}
    return PeerGroupShown.model_validate(shown)


@router.get("/match-runs/{run_id}/unmatched")
async def list_unmatched(
    run_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    limit: Limit = 50,
    cursor: Cursor = None,
    role: Annotated[Literal["mentor", "mentee", "peer"] | None, Query()] = None,
) -> Page[UnmatchedShown]:
    """Whom a run leaves alone, mentees first, each with the rule that bound."""
    await runs.find_run(session, run_id, caller)
    rows = await stored_runs.list_unmatched(
        session, run_id, after=paging.after(cursor, row_number) or 0, limit=limit + 1, role=role
    )
    return paging.page(
        rows, limit, lambda row: UnmatchedShown.model_validate(row, from_attributes=True), by=lambda row: row.position
    )


@router.get("/match-runs/{run_id}/differences")
async def list_differences(
    run_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    to: Annotated[UUID | None, Query(description="Against this run; else against the one it was compared to.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DifferenceShown]:
    """Who gains and who loses, and how much: the pairs in which two runs differ."""
    rows = await runs.list_differences(
        session, run_id, caller, to=to, beyond=paging.after(cursor, UUID), limit=limit + 1
    )
    shown = [
        DifferenceShown(
            mentee_id=row.mentee_id,
            mentor_before=row.mentor_before,
            mentor_after=row.mentor_after,
            score_before=row.score_before,
            score_after=row.score_after,
            gain=round((row.score_after or 0.0) - (row.score_before or 0.0), 2),
        )
        for row in rows
    ]
    if len(shown) <= limit:
        return Page(items=shown)
    # A mentee with several changed pairs stays on one page, so the page ends before the one that is cut.
    last = shown[-1].mentee_id
    whole = [one for one in shown if one.mentee_id != last] or shown
    return Page(items=whole, next_cursor=paging.encode(whole[-1].mentee_id))


@router.get("/match-runs/{run_id}/comparison")
async def compare_runs(
    run_id: UUID,
    caller: CurrentCaller,
    session: Transaction,
    to: Annotated[UUID | None, Query(description="Against this run; else against the one it was compared to.")] = None,
) -> ComparisonShown:
    """How many gain and how many lose by this run, and how much in all."""
    other, found = await runs.compare_runs(session, run_id, caller, to=to)
    own = {name: getattr(found, name) for name in ComparisonShown.model_fields if hasattr(found, name)}
    return ComparisonShown(compared_to=other, change=round(found.gained - found.lost, 2), **own)


@router.post("/match-runs/{run_id}/publication")
async def publish_run(
    run_id: UUID, caller: CurrentCaller, session: Transaction, now: Now, body: PublicationAsked | None = None
) -> Published:
    """Make a run's pairs real, all at once. The other services hear of each as `pairing.created`."""
    asked = body or PublicationAsked()
    done = await publications.publish_run(
        session, run_id, caller, leave_out_changed=asked.leave_out_changed, unwanted=asked.leave_out, at=now
    )
    return Published(pairings=done.pairings, unmatched_mentees=done.unmatched_mentees, left_out=done.left_out)


@router.post("/match-runs/{run_id}/cancellation")
async def cancel_run(run_id: UUID, caller: CurrentCaller, session: Transaction, now: Now) -> Run:
    """Give a run up."""
    return _shown(await runs.cancel_run(session, run_id, caller, at=now))
