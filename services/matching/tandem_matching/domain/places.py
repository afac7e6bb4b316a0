"""Places: what relationships take of mentors, mentees and peers, by the program's format."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tandem_matching.domain.rules import CIRCLE, FACILITATOR, PEER, ROTATION


@dataclass(frozen=True, slots=True)
class Taken:
    """How many places of mentors, wishes of mentees, and either of peers are taken."""

    by_mentor: Counter[UUID]
    by_mentee: Counter[UUID]
    by_peer: Counter[UUID]

    def given_back(self) -> "Taken":
        """The same, the other way round."""
        return Taken(*(Counter({who: -number for who, number in each.items()}) for each in self._all()))

    def less(self, rest: "Taken") -> "Taken":
        """What is given back when only the rest is still taken: negative numbers."""
        pairs = zip(self._all(), rest._all(), strict=True)
        return Taken(
            *(Counter({who: left[who] - n for who, n in each.items() if left[who] != n}) for each, left in pairs)
        )

    def _all(self) -> tuple[Counter[UUID], Counter[UUID], Counter[UUID]]:
        return self.by_mentor, self.by_mentee, self.by_peer


def places_taken(
    relationships: Iterable[Iterable[tuple[UUID, str]]], *, program_format: str, fallback: bool = False
) -> Taken:
    """What these relationships (person and role of each member) take.

    A mentor gives a place to each mentee, but one to a circle, however many sit in it. The short meetings of a rotation
    take nothing, nor does a fallback: who sits in such a peer group wants the same mentors as before.
    """
    taken = Taken(Counter(), Counter(), Counter())
    if fallback or program_format == ROTATION:
        return taken
    for members in relationships:
        listed = list(members)
        mentees = [person for person, role in listed if role == "mentee"]
        each = 1 if program_format == CIRCLE else len(mentees)
        for person, role in listed:
            if role in ("mentor", FACILITATOR):
                taken.by_mentor[person] += each
            elif role == PEER:
                taken.by_peer[person] += 1
        taken.by_mentee.update(mentees)
    return taken


def goes_on_without(leaver: UUID, members: Iterable[tuple[UUID, str]]) -> bool:
    """Whether a relationship goes on without somebody: a group without a mentee, circles and peers without anybody.

    It needs a mentor or facilitator and a mentee, or two peers, and whom it loses must be one of several.
    """
    listed = list(members)
    rest = [role for person, role in listed if person != leaver]
    led = "mentee" in rest and ("mentor" in rest or FACILITATOR in rest)
    return len(rest) < len(listed) and (led or rest.count(PEER) > 1)
