"""Tables: what matching keeps of the world of others, and what it decides itself."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """What all tables have in common."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: sa.DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(sa.Text),
        list[UUID]: ARRAY(sa.Uuid),
        str: sa.Text,
    }


class Person(Table):
    """What matching knows of a person: nothing that names them."""

    __tablename__ = "people"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    known: Mapped[bool]
    level: Mapped[int | None]
    level_name: Mapped[str | None]
    unit: Mapped[str | None]
    profession: Mapped[str | None]
    manager_id: Mapped[UUID | None]
    location: Mapped[str | None]
    time_zone: Mapped[str]
    languages: Mapped[list[str]]
    skills: Mapped[dict[str, Any]]
    confidential: Mapped[dict[str, Any]]
    open_answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    departed_on: Mapped[date | None]
    said_at: Mapped[datetime]


class Program(Table):
    """What matching knows of a program."""

    __tablename__ = "programs"
    program_id: Mapped[UUID] = mapped_column(primary_key=True)
    format: Mapped[str]
    status: Mapped[str]
    matching: Mapped[dict[str, Any]]


class MentorPlaces(Table):
    """A mentor's line in the ledger: places and how many are taken, over all programs."""

    __tablename__ = "mentor_places"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    places: Mapped[int]
    taken: Mapped[int]
    version: Mapped[int]


class Enrollment(Table):
    """Somebody's part in a program, with what is taken of their places and wishes there."""

    __tablename__ = "enrollments"
    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    person_id: Mapped[UUID]
    status: Mapped[str]
    is_mentor: Mapped[bool]
    is_mentee: Mapped[bool]
    mentor_places: Mapped[int]
    mentor_taken: Mapped[int]
    wanted_mentors: Mapped[int]
    wanted_taken: Mapped[int]
    needs: Mapped[dict[str, Any]]
    paused: Mapped[bool] = mapped_column(default=False)
    preferences: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    preferred: Mapped[list[UUID]]
    excluded: Mapped[list[UUID]]
    said_at: Mapped[datetime]


class MatchRun(Table):
    """One computation of pairs for a program, from its request to its publication."""

    __tablename__ = "match_runs"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    state: Mapped[str]
    seed: Mapped[int] = mapped_column(sa.BigInteger)
    matching: Mapped[dict[str, Any]]
    compared_to: Mapped[UUID | None]
    wishes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    progress: Mapped[float] = mapped_column(default=0.0)
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fingerprint: Mapped[str | None]
    reason: Mapped[str | None]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    claimed_by: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None]
    takeovers: Mapped[int] = mapped_column(default=0)
    """How often it was taken over from a worker that had fallen silent."""
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - as SQLAlchemy declares it


class Proposal(Table):
    """A pair that a run proposes."""

    __tablename__ = "proposals"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[UUID]
    mentor_id: Mapped[UUID]
    mentee_id: Mapped[UUID]
    score: Mapped[float]
    reasons: Mapped[list[dict[str, Any]]]
    pinned: Mapped[bool]
    turn: Mapped[int | None]
    """The round of a rotation."""


class ProposedCircle(Table):
    """A circle that a run proposes, or a peer group."""

    __tablename__ = "proposed_circles"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[UUID]
    people: Mapped[list[UUID]]
    roles: Mapped[list[str]]
    score: Mapped[float]
    reasons: Mapped[list[dict[str, Any]]]
    fallback: Mapped[bool] = mapped_column(default=False)
    """Whether it is a peer group of mentees whom the run leaves without a mentor."""


class Unmatched(Table):
    """Somebody whom a run leaves alone, and why."""

    __tablename__ = "unmatched"
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    role: Mapped[str]
    rule: Mapped[str]
    words: Mapped[str]
    would_fit: Mapped[int]
    meanwhile: Mapped[str | None]
    """What the program's fallback offers until then, or why it offers nothing."""


class Pairing(Table):
    """A relationship."""

    __tablename__ = "pairings"
    pairing_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    format: Mapped[str]
    run_id: Mapped[UUID | None]
    status: Mapped[str]
    end_reason: Mapped[str | None]
    """The true reason. What others are told is `told_reason` of it."""
    continued_as: Mapped[UUID | None]
    turn: Mapped[int | None]
    fallback: Mapped[bool] = mapped_column(default=False)
    """Whether it is a peer group of mentees who wait for a mentor: it takes nobody's place, and is nobody's history."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - as SQLAlchemy declares it


class PairingMember(Table):
    """Somebody in a relationship, and as what."""

    __tablename__ = "pairing_members"
    pairing_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]
    program_id: Mapped[UUID]
    left_at: Mapped[datetime | None]


class WaitingMentee(Table):
    """A mentee in a program's line."""

    __tablename__ = "waiting_mentees"
    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    person_id: Mapped[UUID]
    first_in_line: Mapped[bool]
    waiting_since: Mapped[datetime]
    reason: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    version: Mapped[int]


class MatchRequest(Table):
    """A mentee's wish for a mentor by name."""

    __tablename__ = "match_requests"
    match_request_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    mentee_id: Mapped[UUID]
    mentor_id: Mapped[UUID]
    rank: Mapped[int]
    state: Mapped[str]
    message: Mapped[str | None]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    words: Mapped[str | None]
    referred_to: Mapped[UUID | None]
    referral: Mapped[str | None]
    """What the colleague answered who was named: `agreed`, `declined`; None: nothing yet."""
    referral_until: Mapped[datetime | None]
    pairing_id: Mapped[UUID | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - as SQLAlchemy declares it


class MentorOffer(Table):
    """A mentor's offer to a mentee."""

    __tablename__ = "mentor_offers"
    mentor_offer_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    mentor_id: Mapped[UUID]
    mentee_id: Mapped[UUID]
    state: Mapped[str]
    message: Mapped[str | None]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    pairing_id: Mapped[UUID | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - as SQLAlchemy declares it
