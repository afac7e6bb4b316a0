"""Erasures: each service confirms that it erased its own data about a person."""

from uuid import UUID

from tandem_events.contracts.contract import Fact


class MatchingErased(Fact, name="matching.erased", sender="matching", subject="person_id"):
    """Matching keeps no personal data of this person any more."""

    person_id: UUID


class SchedulingErased(Fact, name="scheduling.erased", sender="scheduling", subject="person_id"):
    """Scheduling keeps no personal data of this person any more."""

    person_id: UUID


class FeedbackErased(Fact, name="feedback.erased", sender="feedback", subject="person_id"):
    """Feedback keeps no personal data of this person any more."""

    person_id: UUID
