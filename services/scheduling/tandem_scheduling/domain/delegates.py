"""Delegates: assistants who book and move sessions for somebody, and see nothing else."""

from uuid import UUID

from tandem_chassis.errors import Conflict, Fault, Invalid, NotFound


class NotADelegate(Invalid):
    """Nobody is their own assistant."""


class NoSuchDelegate(NotFound):
    """Somebody who does not book for the caller."""


class NamedInProfile(Conflict):
    """Somebody who books because the caller's profile says that they keep the calendar."""


def require_somebody_else(person_id: UUID, delegate_id: UUID) -> None:
    """A delegate is another person.

    Raises:
        NotADelegate: it is the same person.
    """
    if person_id == delegate_id:
        sentence = "You book for yourself already. Name somebody else."
        raise NotADelegate(sentence, faults=[Fault(sentence, field="delegate_id")])
