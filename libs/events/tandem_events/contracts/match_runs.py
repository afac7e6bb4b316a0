"""Match runs: what came of matching a program's pool."""

from uuid import UUID

from pydantic import Field

from tandem_events.contracts.contract import Code, Fact


class MatchRunPublished(Fact, name="match_run.published", sender="matching", subject="run_id", key="program_id"):
    """A program manager published a run: each of its pairs is also said as `pairing.created`."""

    run_id: UUID
    program_id: UUID
    pairings: int = Field(ge=0)
    unmatched_mentees: int = Field(ge=0)
    fingerprint: Code = Field(description="SHA-256 of snapshot, rules, seed and result.")


class MenteeWaitlisted(Fact, name="mentee.waitlisted", sender="matching", subject="enrollment_id"):
    """A mentee waits for a mentor, at this place in the line, because of this rule."""

    enrollment_id: UUID
    program_id: UUID
    person_id: UUID
    position: int = Field(ge=1)
    reason: Code
