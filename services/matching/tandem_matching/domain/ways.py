"""Ways of meeting: how people can meet, by what they answered, and whether two of them share a way."""

from collections.abc import Iterable
from dataclasses import dataclass

from tandem_matching.domain.answers import words
from tandem_matching.domain.people import Traits
from tandem_matching.domain.rules import MeetingTerms


@dataclass(frozen=True, slots=True)
class Ways:
    """How somebody can meet, and where in person."""

    in_person: bool
    virtually: bool
    place: str | None
    """Where they can meet in person; None where they cannot, or it is not known."""


def ways_of(people: Iterable[Traits], terms: MeetingTerms) -> list[Ways | None]:
    """How each of these people can meet; None of whoever answered nothing that the program's terms know."""
    in_person, virtually = _known(terms.in_person), _known(terms.virtually)
    found: list[Ways | None] = []
    for one in people:
        answer = one.confidential.get(terms.question, one.open_answers.get(terms.question))
        # An answer may have a comma in it; as a list it has one between its parts.
        given = words(answer) | (_known((answer,)) if isinstance(answer, str) else frozenset())
        here = bool(given & in_person)
        known = here or bool(given & virtually)
        found.append(Ways(here, bool(given & virtually), one.location if here else None) if known else None)
    return found


def _known(answers: Iterable[str]) -> frozenset[str]:
    return frozenset(answer.strip().casefold() for answer in answers)


def share_place(one: Ways, other: Ways) -> bool:
    """Whether two people can meet in person; where one of their places is not known, they may."""
    unknown = one.place is None or other.place is None
    return one.in_person and other.in_person and (unknown or one.place == other.place)


def keeps_apart(one: Ways | None, other: Ways | None) -> bool:
    """Whether two people share no way of meeting. Who said nothing is kept from nobody."""
    if one is None or other is None:
        return False
    return not (one.virtually and other.virtually) and not share_place(one, other)


def told_ways(one: Traits, other: Traits, terms: MeetingTerms) -> str | None:
    """How two people can meet, in words for both; None where one of them said nothing, or in confidence."""
    if terms.question not in one.open_answers or terms.question not in other.open_answers:
        return None
    ours, theirs = ways_of((one, other), terms)
    if ours is None or theirs is None or keeps_apart(ours, theirs):
        return None
    virtually = ours.virtually and theirs.virtually
    if not share_place(ours, theirs):
        return "Both can meet virtually."
    if ours.place is None or ours.place != theirs.place:
        return f"Both can meet {'virtually or ' if virtually else ''}in person."
    return f"Both are in {ours.place} and can meet there in person{', or virtually' if virtually else ''}."
