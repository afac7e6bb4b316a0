"""Pairings: the relationships themselves, from beginning to end."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from tandem_events.contracts.contract import Fact, Member, State
from tandem_events.contracts.programs import Format

EndReason = Literal["completed", "no_fault_rematch", "left", "misconduct", "program_closed"]
"""Why a relationship ended. `misconduct` is never sent: matching says `left` and keeps the true reason to itself."""


class PairingCreated(Fact, name="pairing.created", sender="matching", subject="pairing_id"):
    """People were paired: scheduling proposes an agreement, feedback follows the relationship."""

    pairing_id: UUID
    program_id: UUID
    format: Format
    members: tuple[Member, ...] = Field(min_length=2)
    run_id: UUID | None = Field(default=None, description="The match run that proposed it, where there was one.")


class PairingEnded(Fact, name="pairing.ended", sender="matching", subject="pairing_id"):
    """A relationship came to its end: future sessions are cancelled, a closing reflection is due."""

    pairing_id: UUID
    program_id: UUID
    members: tuple[Member, ...] = Field(min_length=2)
    reason: EndReason


class PairingMemberLeft(Fact, name="pairing.member_left", sender="matching", subject="pairing_id"):
    """Somebody left a relationship of several people, which goes on without them."""

    pairing_id: UUID
    program_id: UUID
    person_id: UUID
    members: tuple[Member, ...] = Field(min_length=2, description="Who is left.")


class PairingTransferred(Fact, name="pairing.transferred", sender="matching", subject="pairing_id"):
    """Another mentor took over: this relationship ended, and the one that goes on began, in the same moment."""

    pairing_id: UUID
    program_id: UUID
    continued_as: UUID = Field(description="The relationship that goes on.")
    from_mentor_id: UUID
    to_mentor_id: UUID


class RematchRequested(Fact, name="rematch.requested", sender="matching", subject="pairing_id"):
    """Somebody asked, without blame, to be paired anew: the relationship ends in the same moment."""

    pairing_id: UUID
    program_id: UUID
    requested_by: UUID | None = Field(default=None, description="Null where a manager who is no member asked.")


class PairingState(State, name="pairing.state", sender="matching", topic="tandem.pairings", subject="pairing_id"):
    """A relationship as it is now."""

    pairing_id: UUID
    program_id: UUID
    format: Format
    members: tuple[Member, ...] = Field(min_length=2)
    status: Literal["active", "ended"]
    end_reason: EndReason | None = None
