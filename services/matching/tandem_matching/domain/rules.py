"""A program's rules and weights: which pairs are allowed, and what makes one better than another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Literal


class Rule(IntFlag):
    """A hard rule, as a bit: a pair is allowed if it violates none."""

    LEVEL_GAP = 1
    UNIT = 2
    LANGUAGE = 4
    HOURS = 8
    LOCATION = 16
    SAME_PERSON = 32
    REPORTING_LINE = 64
    CURRENT_PAIR = 128
    PAST_PAIR = 256
    FORBIDDEN = 512
    EXCLUDED = 1024
    ADVISOR = 2048
    ANSWERS = 4096
    BOUNDARY = 8192
    WISHES = 16384
    MEETING = 32768


PEER, CIRCLE, ROTATION = "peer", "circle", "flash"
"""The formats that are no pairs of a mentor and a mentee with a place."""

FACILITATOR = "facilitator"

Place = Literal["any", "same", "other"]
Objective = Literal["most", "stable"]
Boundary = Literal["any", "inside", "outside"]
Trait = Literal["unit", "profession", "location", "level"]

CRITERIA = (
    "preferences",
    "skills",
    "profession",
    "level_gap",
    "unit",
    "location",
    "languages",
    "hours",
    "wishes",
    "reciprocity",
    "advisor",
    "identity",
    "interests",
    "load",
)
"""What a weight can be given to, in the order in which reasons are listed where their shares are equal."""

CONFIDENTIAL_CRITERIA = frozenset({"identity", "interests"})
"""Used, never shown: neither among the reasons nor in the score that people see."""

STABILITY = "stability"
"""That a pair of the run before stays. It speaks for keeping the pair, not for the two suiting each other."""

LOAD = "load"
"""That mentees are spread over mentors. It speaks for a mentor with few mentees, not for the two suiting each other."""

UNSAID = CONFIDENTIAL_CRITERIA | {STABILITY, LOAD}
"""Criteria that decide and are no part of a pair's score or reasons."""

LARGEST_WEIGHT = 1000.0

LEAST_ALIKE = 0.3
"""Skills that are less alike than this are alike by chance."""


@dataclass(frozen=True, slots=True)
class IdentityQuestions:
    """The names of the confidential answers that say whether somebody wishes a mentor of a similar identity."""

    asked: str = "match_with_similar_identity"
    wish: str = "identity_to_match"
    offer: str = "characteristics"


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """That a pair's answers to a question of the program's form are the same, or different."""

    question: str
    wish: Literal["same", "different"]


@dataclass(frozen=True, slots=True)
class MeetingTerms:
    """That a pair can meet: in which question people say how they can, and what its answers mean."""

    question: str
    in_person: tuple[str, ...]
    """The answers of whoever can meet in person."""
    virtually: tuple[str, ...]
    """The answers of whoever can meet virtually. Who can meet either way gives an answer of both, or one in both."""


@dataclass(frozen=True, slots=True)
class CircleTerms:
    """How circles are made: of how many people, who share what, mixed by what."""

    least: int = 4
    most: int = 8
    """People in a circle, its facilitator among them."""
    shared: Trait | None = None
    """What all people of a circle have in common; None: nothing needs to be."""
    mix: Trait | None = "unit"
    """What is spread evenly over circles; None: nothing."""


@dataclass(frozen=True, slots=True)
class FlashTerms:
    """How rotations are made."""

    rounds: int = 5
    seats: int = 1
    """How many mentees a mentor meets at a time."""


@dataclass(frozen=True, slots=True)
class PeerGroupTerms:
    """How peer groups are made of mentees whom a run leaves without a mentor."""

    least: int = 3
    most: int = 5
    """Mentees in a group."""
    level_gap: int | None = 1
    """By how many levels people of a group differ at most, so that nobody sits with seniors; None: does not matter."""


@dataclass(frozen=True, slots=True)
class AdvisorTerms:
    """Whether a service of the platform team is asked about pairs, and what happens when it does not answer."""

    ask: bool = False
    fail_unheard: bool = False
    """Whether a run fails without an answer; otherwise it goes on without one, and says so."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a program's matching. The defaults suit a program across departments, mentors above mentees."""

    level_gap_least: int | None = 1
    """The mentor's level less the mentee's is at least this; None: does not matter."""
    level_gap_most: int | None = None
    unit: Place = "other"
    location: Place = "any"
    common_language: bool = False
    common_hours: float = 0.0
    """Working hours of a day that both share, at least."""
    reporting_line: bool = True
    """Whether one's own manager or report is kept apart."""
    repeat_pairs: bool = False
    """Whether people who were paired before may be paired again."""
    level_gap_best: int = 2
    """The gap that scores highest."""
    level_gap_fall: float = 0.2
    """The part of that which each level off costs: 1, and no other gap counts; 0, and all count alike."""
    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "preferences": 20.0,
            "skills": 40.0,
            "profession": 30.0,
            "level_gap": 10.0,
            "identity": 20.0,
        }
    )
    identity: IdentityQuestions = IdentityQuestions()
    requests_at_most: int = 3
    """How many mentors a mentee may ask at a time, one after the other; 0: nobody is asked by name."""
    requests_first: bool = False
    """Whether a run leaves those alone who asked mentors by name and wait for an answer."""
    request_days: float = 7.0
    """How long a mentor has for an answer."""
    stickiness: float = 0.0
    """What it is worth that a pair of the run before stays, in parts of a perfect pair's points: 0 to 1."""
    objective: Objective = "most"
    """`most`: as many pairs as possible, then the most points. `stable`: no two people would rather have each other."""
    advisor: AdvisorTerms = AdvisorTerms()
    answers: tuple[AnswerRule, ...] = ()
    boundary: Boundary = "any"
    """Whether mentors come from inside or outside the organisation, as they say in the form."""
    guest_question: str = "guest"
    interests_question: str = "interests"
    skills_alike: float | None = None
    """How alike a skill offered must be written to serve for one that is wanted, 0 to 1; None: the same."""
    meeting: MeetingTerms | None = None
    """Whether a pair must share a way of meeting; None: it does not matter."""
    circle: CircleTerms = CircleTerms()
    flash: FlashTerms = FlashTerms()
    peer_group: PeerGroupTerms | None = None
    """The fallback for mentees whom a run leaves without a mentor; None: they only wait."""

    def weight_points(self) -> dict[str, int]:
        """Weights as whole thousandths of their sum, so that scores are whole numbers and equal means equal."""
        total = sum(self.weights.values())
        return {name: round(1000 * weight / total) for name, weight in self.weights.items() if weight > 0}

    def as_document(self) -> dict[str, Any]:
        """The settings as a program keeps them; `rules_from` reads it back."""
        document: dict[str, Any] = {
            "rules": {
                "level_gap": {
                    "least": self.level_gap_least,
                    "most": self.level_gap_most,
                    "best": self.level_gap_best,
                    "fall": self.level_gap_fall,
                },
                "unit": self.unit,
                "location": self.location,
                "common_language": self.common_language,
                "common_hours": self.common_hours,
                "reporting_line": self.reporting_line,
                "repeat_pairs": self.repeat_pairs,
                "answers": [{"question": one.question, "wish": one.wish} for one in self.answers],
                "boundary": self.boundary,
                **self._meeting_document(),
            },
            "weights": dict(self.weights),
            "stickiness": self.stickiness,
            "requests": {
                "at_most": self.requests_at_most,
                "days": self.request_days,
                "first": self.requests_first,
            },
            "objective": self.objective,
            "advisor": {"ask": self.advisor.ask, "fail_unheard": self.advisor.fail_unheard},
            "identity": {"asked": self.identity.asked, "wish": self.identity.wish, "offer": self.identity.offer},
            "questions": {"guest": self.guest_question, "interests": self.interests_question},
            **({} if self.skills_alike is None else {"skills": {"alike": self.skills_alike}}),
            "circle": {
                "least": self.circle.least,
                "most": self.circle.most,
                "shared": self.circle.shared,
                "mix": self.circle.mix,
            },
            "flash": {"rounds": self.flash.rounds, "seats": self.flash.seats},
        }
        if self.peer_group is not None:
            # Only where it is set: the fingerprints of programs without it stay what they were before it existed.
            terms = self.peer_group
            document["fallback"] = {
                "peer_group": {"least": terms.least, "most": terms.most, "level_gap": terms.level_gap}
            }
        return document

    def _meeting_document(self) -> dict[str, Any]:
        """Nothing where the program says nothing, so that its runs have the fingerprints that they always had."""
        if self.meeting is None:
            return {}
        return {
            "meeting": {
                "question": self.meeting.question,
                "in_person": list(self.meeting.in_person),
                "virtually": list(self.meeting.virtually),
            }
        }
