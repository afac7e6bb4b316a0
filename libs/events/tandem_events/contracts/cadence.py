"""Cadence: whether people meet as often as they agreed, and what else keeps them in touch."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from tandem_events.contracts.contract import Fact

Channel = Literal["email", "chat", "phone", "video", "in_person"]


class TouchpointLogged(Fact, name="touchpoint.logged", sender="scheduling", subject="touchpoint_id", key="pairing_id"):
    """Members were in touch outside a session."""

    touchpoint_id: UUID
    pairing_id: UUID
    program_id: UUID
    person_id: UUID
    channel: Channel
    happened_at: AwareDatetime
    counts_as_meeting: bool = Field(description="Whether the program lets it count for the cadence.")


class CadenceLapsed(Fact, name="cadence.lapsed", sender="scheduling", subject="pairing_id"):
    """The members did not meet by when they had agreed to."""

    pairing_id: UUID
    program_id: UUID
    expected_by: AwareDatetime
    last_contact_at: AwareDatetime | None = None
