"""A program's rules and weights: which pairs are allowed, and what makes one better than another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Literal

from tandem_chassis.errors import Fault
from tandem_matching.domain.refusals import SettingsMalformed


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
    circle: CircleTerms = CircleTerms()
    flash: FlashTerms = FlashTerms()

    def weight_points(self) -> dict[str, int]:
        """Weights as whole thousandths of their sum, so that scores are whole numbers and equal means equal."""
        total = sum(self.weights.values())
        return {name: round(1000 * weight / total) for name, weight in self.weights.items() if weight > 0}

    def as_document(self) -> dict[str, Any]:
        """The settings as a program keeps them; `rules_from` reads it back."""
        return {
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
            "circle": {
                "least": self.circle.least,
                "most": self.circle.most,
                "shared": self.circle.shared,
                "mix": self.circle.mix,
            },
            "flash": {"rounds": self.flash.rounds, "seats": self.flash.seats},
        }


class _Reading:
    """Reads a document strictly and collects every fault instead of stopping at the first."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, name: str, reason: str) -> None:
        self.faults.append(Fault(reason=reason, field=name))

    def section(self, document: Mapping[str, Any], name: str, path: str, known: tuple[str, ...]) -> Mapping[str, Any]:
        part = document.get(name, {})
        if not isinstance(part, Mapping):
            self.fault(path, "must be an object")
            return {}
        for unknown in sorted(set(part) - set(known)):
            self.fault(f"{path}.{unknown}", f"is not known; known are {', '.join(known)}")
        return part

    def number(self, part: Mapping[str, Any], name: str, path: str, default: float, most: float) -> float:
        value = part.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(path, "must be a number")
        elif not 0 <= value <= most:  # nor is NaN, and a whole number of any length can be compared
            self.fault(path, f"must be a number from 0 to {most:g}")
        else:
            return float(value)
        return default

    def gap(self, part: Mapping[str, Any], name: str, path: str, default: int | None) -> int | None:
        value = part.get(name, default)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not -100 <= value <= 100):
            self.fault(path, "must be a whole number from -100 to 100, or null")
            return default
        return value

    def flag(self, part: Mapping[str, Any], name: str, path: str, default: bool) -> bool:
        value = part.get(name, default)
        if not isinstance(value, bool):
            self.fault(path, "must be true or false")
            return default
        return value

    def place(self, part: Mapping[str, Any], name: str, path: str, default: Place) -> Place:
        value = part.get(name, default)
        if value == "any" or value == "same" or value == "other":
            return value  # type: ignore[no-any-return]
        self.fault(path, "must be any, same or other")
        return default

    def whole(self, part: Mapping[str, Any], name: str, path: str, default: int, least: int, most: int) -> int:
        value = part.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.fault(path, f"must be a whole number from {least} to {most}")
            return default
        return value

    def choice(self, part: Mapping[str, Any], name: str, path: str, default: Any, known: tuple[Any, ...]) -> Any:
        value = part.get(name, default)
        if (value is not None and not isinstance(value, str)) or value not in known:
            self.fault(path, f"must be {', '.join('null' if one is None else one for one in known)}")
            return default
        return value

    def answers(self, part: Mapping[str, Any], default: tuple[AnswerRule, ...]) -> tuple[AnswerRule, ...]:
        if "answers" not in part:
            return default
        value = part["answers"]
        if not isinstance(value, list) or len(value) > 20:
            self.fault("rules.answers", "must be a list of at most 20 objects")
            return default
        found = []
        for place, one in enumerate(value):
            path = f"rules.answers[{place}]"
            named = self.section({"one": one}, "one", path, ("question", "wish"))
            wish = self.choice(named, "wish", f"{path}.wish", "same", ("same", "different"))
            found.append(AnswerRule(self.word(named, "question", f"{path}.question", ""), wish))
        return tuple(found)

    def objective(self, part: Mapping[str, Any], default: Objective) -> Objective:
        value = part.get("objective", default)
        if value == "most" or value == "stable":
            return value  # type: ignore[no-any-return]
        self.fault("objective", "must be most or stable")
        return default

    def word(self, part: Mapping[str, Any], name: str, path: str, default: str) -> str:
        value = part.get(name, default)
        if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= 100:
            self.fault(path, "must be the name of an answer: 1 to 100 printable characters")
            return default
        return value


_RULES = (
    "level_gap",
    "unit",
    "location",
    "common_language",
    "common_hours",
    "reporting_line",
    "repeat_pairs",
    "answers",
    "boundary",
)


_SECTIONS = (
    "rules",
    "weights",
    "identity",
    "stickiness",
    "requests",
    "objective",
    "advisor",
    "questions",
    "circle",
    "flash",
)


def defaults_of(program_format: str) -> Rules:
    """The settings of a program that says nothing. In a reverse program juniors mentor seniors; peers are alike."""
    if program_format == "reverse":
        return Rules(level_gap_least=None, level_gap_most=-1, level_gap_best=-2)
    if program_format == "peer":
        return Rules(level_gap_least=-1, level_gap_most=1, level_gap_best=0, unit="any")
    return Rules()


def rules_from(document: Mapping[str, Any], *, program_format: str = "one_to_one") -> Rules:
    """The settings that a program's `matching` document says; what it leaves out has its format's default.

    Raises:
        SettingsMalformed: something is unknown, of the wrong kind, out of range, or contradicts itself.
    """
    reading, default = _Reading(), defaults_of(program_format)
    top = reading.section({"matching": document}, "matching", "matching", _SECTIONS)
    rules = reading.section(top, "rules", "rules", _RULES)
    gap = reading.section(rules, "level_gap", "rules.level_gap", ("least", "most", "best", "fall"))
    least = reading.gap(gap, "least", "rules.level_gap.least", default.level_gap_least)
    most = reading.gap(gap, "most", "rules.level_gap.most", default.level_gap_most)
    best = reading.gap(gap, "best", "rules.level_gap.best", default.level_gap_best)
    if least is not None and most is not None and least > most:
        reading.fault("rules.level_gap", f"least ({least}) is more than most ({most}): no pair could be allowed")
    identity = reading.section(top, "identity", "identity", ("asked", "wish", "offer"))
    requests = reading.section(top, "requests", "requests", ("at_most", "days", "first"))
    advisor = reading.section(top, "advisor", "advisor", ("ask", "fail_unheard"))
    questions = reading.section(top, "questions", "questions", ("guest", "interests"))
    circle = reading.section(top, "circle", "circle", ("least", "most", "shared", "mix"))
    flash = reading.section(top, "flash", "flash", ("rounds", "seats"))
    traits = (None, "unit", "profession", "location", "level")
    smallest = reading.whole(circle, "least", "circle.least", default.circle.least, 2, 100)
    largest = reading.whole(circle, "most", "circle.most", max(smallest, default.circle.most), 2, 100)
    if smallest > largest:
        reading.fault("circle", f"least ({smallest}) is more than most ({largest}): no circle could be made")
    made = Rules(
        level_gap_least=least,
        level_gap_most=most,
        level_gap_best=default.level_gap_best if best is None else best,
        level_gap_fall=reading.number(gap, "fall", "rules.level_gap.fall", default.level_gap_fall, 1),
        unit=reading.place(rules, "unit", "rules.unit", default.unit),
        location=reading.place(rules, "location", "rules.location", default.location),
        common_language=reading.flag(rules, "common_language", "rules.common_language", default.common_language),
        common_hours=reading.number(rules, "common_hours", "rules.common_hours", default.common_hours, 24),
        reporting_line=reading.flag(rules, "reporting_line", "rules.reporting_line", default.reporting_line),
        repeat_pairs=reading.flag(rules, "repeat_pairs", "rules.repeat_pairs", default.repeat_pairs),
        weights=_weights(reading, top, default),
        requests_at_most=int(reading.number(requests, "at_most", "requests.at_most", default.requests_at_most, 20)),
        requests_first=reading.flag(requests, "first", "requests.first", default.requests_first),
        request_days=reading.number(requests, "days", "requests.days", default.request_days, 90),
        stickiness=reading.number(top, "stickiness", "stickiness", default.stickiness, 1),
        objective=reading.objective(top, default.objective),
        advisor=AdvisorTerms(
            ask=reading.flag(advisor, "ask", "advisor.ask", default.advisor.ask),
            fail_unheard=reading.flag(advisor, "fail_unheard", "advisor.fail_unheard", default.advisor.fail_unheard),
        ),
        answers=reading.answers(rules, default.answers),
        boundary=reading.choice(rules, "boundary", "rules.boundary", default.boundary, ("any", "inside", "outside")),
        guest_question=reading.word(questions, "guest", "questions.guest", default.guest_question),
        interests_question=reading.word(questions, "interests", "questions.interests", default.interests_question),
        circle=CircleTerms(
            least=smallest,
            most=largest,
            shared=reading.choice(circle, "shared", "circle.shared", default.circle.shared, traits),
            mix=reading.choice(circle, "mix", "circle.mix", default.circle.mix, traits),
        ),
        flash=FlashTerms(
            rounds=reading.whole(flash, "rounds", "flash.rounds", default.flash.rounds, 1, 50),
            seats=reading.whole(flash, "seats", "flash.seats", default.flash.seats, 1, 50),
        ),
        identity=IdentityQuestions(
            asked=reading.word(identity, "asked", "identity.asked", default.identity.asked),
            wish=reading.word(identity, "wish", "identity.wish", default.identity.wish),
            offer=reading.word(identity, "offer", "identity.offer", default.identity.offer),
        ),
    )
    if reading.faults:
        raise SettingsMalformed(
            "The program's matching settings cannot be used; correct what is named.", faults=reading.faults
        )
    return made


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A settings document with changes laid over it: objects are merged, everything else is replaced."""
    merged = dict(document)
    for name, value in changes.items():
        before = merged.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[name] = changed(before, value) if both else value  # type: ignore[arg-type]
    return merged


def _weights(reading: _Reading, top: Mapping[str, Any], default: Rules) -> dict[str, float]:
    """The weights of the document; those it does not name weigh nothing, once it names any."""
    if "weights" not in top:
        return dict(default.weights)
    part = reading.section(top, "weights", "weights", CRITERIA)
    weights = {
        name: reading.number(part, name, f"weights.{name}", 0.0, LARGEST_WEIGHT) for name in CRITERIA if name in part
    }
    if not any(weights.values()) and not reading.faults:
        reading.fault("weights", "are all zero: give at least one criterion a weight, so that pairs differ")
    return weights
