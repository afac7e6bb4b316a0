"""People as matching sees them: what a rule or a criterion may look at, and nothing that names them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

Answer = str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that somebody wishes of the other side, such as another unit, or the same language."""

    attribute: str
    """What is compared, such as `unit`, `location`, `languages`, `level`."""
    wish: str
    """`same`, `different` or `higher` than one's own, or `is` or `is_not` the value."""
    value: str | None = None
    must: bool = False
    """Whether nobody else will do; otherwise it is nice to have."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What rules and criteria look at. What is not known is None or empty."""

    person_id: UUID
    level: int | None = None
    level_name: str | None = None
    unit: str | None = None
    profession: str | None = None
    manager_id: UUID | None = None
    location: str | None = None
    time_zone: str = "UTC"
    languages: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    """Skills offered, each at a level from 1 to 5."""
    needs: Mapping[str, int] = field(default_factory=dict)
    """Skills wanted, each at the level wanted."""
    confidential: Mapping[str, Answer] = field(default_factory=dict)
    """Answers that may be used and never shown."""
    open_answers: Mapping[str, Answer] = field(default_factory=dict)
    """Choices that everybody in the program may see."""
    preferred: tuple[UUID, ...] = ()
    """People this person hopes for, the most hoped for first."""
    excluded: tuple[UUID, ...] = ()
    """People with whom this person is never paired. Nobody is told."""
    wishes: tuple[Wish, ...] = ()
    """What this person wishes of the other side, as an enrollment's `preferences` say it."""


@dataclass(frozen=True, slots=True)
class Mentor:
    """Somebody with places for mentees."""

    traits: Traits
    places: int
    """How many more mentees this person may get now: in this program, and over all programs."""

    @property
    def person_id(self) -> UUID:
        """Who it is."""
        return self.traits.person_id


@dataclass(frozen=True, slots=True)
class Mentee:
    """Somebody who wants mentors."""

    traits: Traits
    wanted: int = 1
    """How many more mentors this person wants now."""
    first_in_line: bool = False
    """Whether their mentor left, so that they come before everybody else."""

    @property
    def person_id(self) -> UUID:
        """Who it is."""
        return self.traits.person_id


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a program's advisor says of a pair."""

    veto: bool = False
    value: float = 0.0
    """How much the pair is recommended, 0 to 1: counts with the weight that the program gives to its advisor."""
    words: str | None = None
    """The advisor's own sentence, for whoever reads the reasons."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Everybody who can be paired in a program now, and what is known of earlier pairs."""

    mentors: tuple[Mentor, ...]
    mentees: tuple[Mentee, ...]
    current_pairs: frozenset[tuple[UUID, UUID]] = frozenset()
    """Pairs (mentor, mentee) that exist now: nobody is paired twice with the same person."""
    past_pairs: frozenset[tuple[UUID, UUID]] = frozenset()
    """Pairs (mentor, mentee) that have ended."""
    forbidden_pairs: frozenset[tuple[UUID, UUID]] = frozenset()
    """Pairs (mentor, mentee) that a manager does not want in this run."""
    pinned_pairs: frozenset[tuple[UUID, UUID]] = frozenset()
    """Pairs (mentor, mentee) that a manager wants in this run, whatever the rules and weights say."""
    opinions: Mapping[tuple[UUID, UUID], Opinion] = field(default_factory=dict)
    """What the program's advisor says of pairs (mentor, mentee)."""
    earlier_pairs: frozenset[tuple[UUID, UUID]] = frozenset()
    """Pairs (mentor, mentee) that an earlier run proposed, for rules that want few of them to move."""
    accompanied: frozenset[UUID] = frozenset()
    """Mentees who have a mentor of the program, or one of its peer groups, now: no peer group is proposed to them."""
