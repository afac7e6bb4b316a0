"""The rules of a program as its settings document says them: read whole, with every fault named."""

from collections.abc import Mapping
from typing import Any

from tandem_chassis.errors import Fault
from tandem_matching.domain.refusals import SettingsMalformed
from tandem_matching.domain.rules import (
    CIRCLE,
    CRITERIA,
    LARGEST_WEIGHT,
    LEAST_ALIKE,
    PEER,
    ROTATION,
    AdvisorTerms,
    AnswerRule,
    CircleTerms,
    FlashTerms,
    IdentityQuestions,
    MeetingTerms,
    Objective,
    PeerGroupTerms,
    Place,
    Rules,
)


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

    def likeness(self, part: Mapping[str, Any], name: str, path: str, default: float | None) -> float | None:
        value = part.get(name, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not LEAST_ALIKE <= value <= 1:
            self.fault(path, f"must be a number from {LEAST_ALIKE:g} to 1, or null")
            return default
        return float(value)

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

    def meeting(self, part: Mapping[str, Any], default: MeetingTerms | None) -> MeetingTerms | None:
        if "meeting" not in part:
            return default
        if part["meeting"] is None:
            return None
        named = self.section(part, "meeting", "rules.meeting", ("question", "in_person", "virtually"))
        if not isinstance(part["meeting"], Mapping):
            return default
        question = self.word(named, "question", "rules.meeting.question", "")
        in_person = self.words(named, "in_person", "rules.meeting.in_person")
        virtually = self.words(named, "virtually", "rules.meeting.virtually")
        if in_person and {one.casefold() for one in in_person} == {one.casefold() for one in virtually}:
            self.fault("rules.meeting", "in_person and virtually are the same answers: they must tell people apart")
        return MeetingTerms(question, in_person, virtually)

    def words(self, part: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
        value = part.get(name)
        if not isinstance(value, list) or not 1 <= len(value) <= 20:
            self.fault(path, "must be a list of 1 to 20 answers")
            return ()
        for place, one in enumerate(value):
            if not isinstance(one, str) or not one.isprintable() or not 1 <= len(one.strip()) <= 200:
                self.fault(f"{path}[{place}]", "must be an answer in the form: 1 to 200 printable characters")
        return tuple(one.strip() for one in value if isinstance(one, str))

    def peer_group(self, top: Mapping[str, Any], program_format: str) -> PeerGroupTerms | None:
        if top.get("fallback") is None:
            return None
        fallback = self.section(top, "fallback", "fallback", ("peer_group",))
        if fallback.get("peer_group") is None:
            return None
        path, default = "fallback.peer_group", PeerGroupTerms()
        if program_format in (PEER, CIRCLE, ROTATION):
            self.fault(path, f"is for programs of mentors and their mentees, and this one's format is {program_format}")
            return None
        part = self.section(fallback, "peer_group", path, ("least", "most", "level_gap"))
        sizes = SMALLEST_GROUP, LARGEST_GROUP
        least = self.whole(part, "least", f"{path}.least", default.least, *sizes)
        most = self.whole(part, "most", f"{path}.most", max(least, default.most), *sizes)
        if least > most:
            self.fault(path, f"least ({least}) is more than most ({most}): no group could be made")
        level_gap = part.get("level_gap", default.level_gap)
        if level_gap is not None:
            level_gap = self.whole(part, "level_gap", f"{path}.level_gap", 1, 0, 100)
        return PeerGroupTerms(least, most, level_gap)

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
    "meeting",
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
    "skills",
    "circle",
    "flash",
    "fallback",
)

SMALLEST_GROUP, LARGEST_GROUP = 2, 8
"""Of how many people a peer group may be: who sits in a larger one seldom gets a word in."""


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
    skills = reading.section(top, "skills", "skills", ("alike",))
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
        skills_alike=reading.likeness(skills, "alike", "skills.alike", default.skills_alike),
        meeting=reading.meeting(rules, default.meeting),
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
        peer_group=reading.peer_group(top, program_format),
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
