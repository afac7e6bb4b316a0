"""Delegates: assistants who book and move for somebody."""

from uuid import UUID

from tandem_events.contracts.contract import Fact


class DelegateGranted(Fact, name="delegate.granted", sender="scheduling", subject="person_id"):
    """A person let somebody book and move sessions for them."""

    person_id: UUID
    delegate_id: UUID


class DelegateRevoked(Fact, name="delegate.revoked", sender="scheduling", subject="person_id"):
    """A person no longer lets somebody book for them."""

    person_id: UUID
    delegate_id: UUID
