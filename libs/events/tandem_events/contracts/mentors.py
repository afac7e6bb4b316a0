"""Mentors: how much they carry over all programs, and who could become one."""

from uuid import UUID

from tandem_events.contracts.contract import Fact, Places


class MentorCapacityChanged(Fact, name="mentor_capacity.changed", sender="matching", subject="person_id"):
    """A mentor has more or fewer places than before, or more or fewer of them taken, over all programs."""

    person_id: UUID
    places: Places
    taken: Places


class MentorCandidateSuggested(Fact, name="mentor_candidate.suggested", sender="matching", subject="person_id"):
    """A mentee saw a relationship through to its end, and could be a mentor next."""

    person_id: UUID
    program_id: UUID
    pairing_id: UUID
