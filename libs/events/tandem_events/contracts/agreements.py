"""Agreements: how two people want to work together, signed by both."""

from uuid import UUID

from pydantic import Field

from tandem_events.contracts.contract import Fact


class AgreementProposed(Fact, name="agreement.proposed", sender="scheduling", subject="agreement_id", key="pairing_id"):
    """A version of the agreement waits for its signatures."""

    agreement_id: UUID
    pairing_id: UUID
    program_id: UUID
    agreement_version: int = Field(ge=1)
    meeting_every_days: int = Field(ge=1)
    meeting_minutes: int = Field(ge=1)


class AgreementSigned(Fact, name="agreement.signed", sender="scheduling", subject="agreement_id", key="pairing_id"):
    """A member signed; `complete` once every member has.

    Where the only signature that was missing is of a member who left, the last one is said once more, complete.
    """

    agreement_id: UUID
    pairing_id: UUID
    program_id: UUID
    person_id: UUID
    agreement_version: int = Field(ge=1)
    complete: bool


class AgreementAmended(Fact, name="agreement.amended", sender="scheduling", subject="agreement_id", key="pairing_id"):
    """A member changed the terms in writing: a new version waits for signatures, the signed one stays in force."""

    agreement_id: UUID
    pairing_id: UUID
    program_id: UUID
    agreement_version: int = Field(ge=2)
    amended_by: UUID
    meeting_every_days: int = Field(ge=1)
    meeting_minutes: int = Field(ge=1)
