"""Health: how a relationship goes, as a number with its reasons, computed from what happened in it.

`docs/health-of-a-relationship.md` explains the formula with an example worked by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from uuid import UUID

from tandem_chassis.errors import Invalid

RECENT_SESSIONS = 5
RECENT_BOOKINGS = 6
RECENT_ROUNDS = 6
PERIODS_LOOKED_AT = 3
AT_RISK_AFTER_PERIODS = 2
STALLED_AFTER_PERIODS = 3
GIVING_WINDOW = timedelta(days=90)
UNDATED_ACTION_ALLOWANCE = timedelta(days=30)
SCORE_BEFORE_ANYTHING_CAN_BE_MEASURED = 60

GIVING = frozenset({"gratitude.sent", "contribution.logged", "introduction.made", "sponsorship.recorded"})
"""What one member does for another."""


COUNTED = GIVING | {
    "pairing.created",
    "session.completed",
    "session.cancelled",
    "session.missed",
    "action_item.agreed",
    "action_item.applied",
    "feedback.requested",
    "feedback.submitted",
    "goal.set",
    "goal.revised",
    "goal.recalibrated",
    "progress.posted",
}
"""Every kind of event that a factor looks at; a test holds this against the factors."""


class Band(StrEnum):
    """How a relationship goes, in a word."""

    THRIVING = "thriving"
    STEADY = "steady"
    AT_RISK = "at_risk"
    STALLED = "stalled"


class Factor(StrEnum):
    """What health is computed from. The names are the reasons' codes."""

    CADENCE = "cadence_kept"
    GOALS = "goals_moving"
    AGENDAS = "agendas_prepared"
    FOLLOWED = "agenda_followed"
    ACTIONS = "actions_applied"
    FEEDBACK = "feedback_both_ways"
    SESSIONS_KEPT = "sessions_kept"
    RECIPROCITY = "reciprocity"


DEFAULT_WEIGHTS: Mapping[Factor, int] = {
    Factor.CADENCE: 30,
    Factor.GOALS: 15,
    Factor.AGENDAS: 10,
    Factor.FOLLOWED: 10,
    Factor.ACTIONS: 10,
    Factor.FEEDBACK: 10,
    Factor.SESSIONS_KEPT: 10,
    Factor.RECIPROCITY: 5,
}

SUGGESTED_STEPS: Mapping[Factor, tuple[str, str]] = {
    Factor.CADENCE: ("book_a_session", "Book the next session now, and make it a recurring one."),
    Factor.GOALS: ("review_goals", "Look at the goals together: change the strategy, recalibrate, or let one go."),
    Factor.AGENDAS: ("prepare_an_agenda", "Send three questions before the next session."),
    Factor.FOLLOWED: ("shorten_the_agenda", "Put fewer items on the agenda, the most important one first."),
    Factor.ACTIONS: ("report_on_actions", "Report on what was agreed last time, also where it did not work out."),
    Factor.FEEDBACK: ("answer_feedback", "Answer the open request for feedback, and talk about it next time."),
    Factor.SESSIONS_KEPT: ("find_a_better_time", "Find a time that both can keep, and postpone rather than cancel."),
    Factor.RECIPROCITY: (
        "give_back",
        "Ask what the other would like to learn, or say thank you for something concrete.",
    ),
}
"""For each factor: the code and the words of what would help most."""


class NothingWeighs(Invalid):
    """Every weight is 0, so nothing could be computed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that happened in a relationship, as the event that told of it.

    `amount` and `amount_done` count what the event counts: the items of an agenda, and how many were done; of an
    action item, how many percent were applied.
    """

    event: str
    subject_id: UUID
    occurred_at: datetime
    event_id: UUID | None = None
    person_id: UUID | None = None
    amount: int = 0
    amount_done: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GoalStanding:
    """How far an active goal is, and how far its time is; both from 0 to 1."""

    goal_id: UUID
    progress: float
    time_gone: float
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a relationship when its health is computed. Evidence is in the order in which it happened."""

    began_at: datetime
    members: tuple[UUID, ...]
    meeting_every: timedelta
    evidence: Sequence[Evidence]
    goals: Sequence[GoalStanding] = ()
    ended_at: datetime | None = None

    def of(self, *events: str) -> list[Evidence]:
        """The evidence of these kinds, in order."""
        return [one for one in self.evidence if one.event in events]


@dataclass(frozen=True, slots=True)
class Measure:
    """How good one factor is, from 0 to 1, in words, and from which evidence."""

    value: float
    words: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """What a factor contributes: `points` out of `weight`. The weights of all reasons add up to 100."""

    code: Factor
    words: str
    points: float
    weight: float
    evidence: tuple[Evidence, ...]

    @property
    def lost(self) -> float:
        """How many points are missing."""
        return self.weight - self.points


@dataclass(frozen=True, slots=True)
class Health:
    """How a relationship goes: 0 to 100, the band, and the reasons, the one that costs most first."""

    score: int
    band: Band
    reasons: tuple[Reason, ...]
    capped_by_silence: bool = False
    """The score alone would give a better band: there was no session for too long."""

    @property
    def weighing_most(self) -> tuple[Factor, ...]:
        """The factors that cost points, the one that costs most first; before all of them the cadence that caps."""
        costing = [reason.code for reason in self.reasons if reason.lost > 0]
        if not self.capped_by_silence:
            return tuple(costing)
        return (Factor.CADENCE, *(code for code in costing if code is not Factor.CADENCE))

    @property
    def suggested_step(self) -> tuple[str, str] | None:
        """The code and the words of what would help most; nothing where nothing weighs."""
        return SUGGESTED_STEPS[self.weighing_most[0]] if self.weighing_most else None


def assess(history: History, *, now: datetime, weights: Mapping[Factor, int] = DEFAULT_WEIGHTS) -> Health:
    """The health of a relationship at a moment.

    A factor that cannot be measured yet (no agenda before the first session, say) takes no part, and the weights of the
    others grow to 100 together. Where nothing can be measured yet the score is 60. A long silence caps the band,
    whatever the score: more than two meeting periods without a session is at risk at best, more than three is stalled.
    """
    at = min(now, history.ended_at) if history.ended_at else now
    seen = History(
        history.began_at,
        history.members,
        history.meeting_every,
        [one for one in history.evidence if one.occurred_at <= at],
        history.goals,
        history.ended_at,
    )
    measured = {
        factor: measure
        for factor, measuring in MEASURES.items()
        if weights.get(factor, 0) > 0 and (measure := measuring(seen, at)) is not None
    }
    total = sum(weights[factor] for factor in measured)
    reasons = sorted(
        (
            Reason(
                factor,
                measure.words,
                points=100 * weights[factor] * measure.value / total,
                weight=100 * weights[factor] / total,
                evidence=measure.evidence,
            )
            for factor, measure in measured.items()
        ),
        key=lambda reason: (-reason.lost, reason.code),
    )
    exact = sum(reason.points for reason in reasons) if reasons else SCORE_BEFORE_ANYTHING_CAN_BE_MEASURED
    score = int(exact + 0.5)
    band = _band(score, _silence(seen, at), history.meeting_every)
    by_score = _band(score, timedelta(), history.meeting_every)
    return Health(score, band, tuple(reasons), capped_by_silence=band is not by_score)


def _band(score: int, silence: timedelta, period: timedelta) -> Band:
    if silence > STALLED_AFTER_PERIODS * period or score < 25:
        return Band.STALLED
    if silence > AT_RISK_AFTER_PERIODS * period or score < 50:
        return Band.AT_RISK
    return Band.STEADY if score < 75 else Band.THRIVING


def check_weights(weights: Mapping[Factor, int]) -> None:
    """Raises `NothingWeighs` unless something counts."""
    if not any(weight > 0 for weight in weights.values()):
        raise NothingWeighs("Give at least one factor a weight above 0.")


def is_worrying(band: Band | None) -> bool:
    """Whether somebody should do something about it."""
    return band in (Band.AT_RISK, Band.STALLED)


def _silence(history: History, at: datetime) -> timedelta:
    held = history.of("session.completed")
    return at - max((one.occurred_at for one in held), default=history.began_at)


def _cadence(history: History, at: datetime) -> Measure | None:
    """Sessions held in the last three meeting periods, against those that were due in them."""
    window_began = max(history.began_at, at - PERIODS_LOOKED_AT * history.meeting_every)
    due = int((at - window_began) / history.meeting_every)
    held = [one for one in history.of("session.completed") if one.occurred_at >= window_began]
    if due == 0 and not held:
        return None
    days = round((at - window_began) / timedelta(days=1))
    words = f"{_times(len(held), 'session')} held in the last {days} days, {max(due, 1)} expected."
    return Measure(min(1.0, len(held) / max(due, 1)), words, tuple(held or _beginning(history)))


def _agendas(history: History, at: datetime) -> Measure | None:
    """How many of the last sessions had an agenda."""
    del at
    held = history.of("session.completed")[-RECENT_SESSIONS:]
    if not held:
        return None
    prepared = [one for one in held if one.amount > 0]
    words = f"{len(prepared)} of the last {_times(len(held), 'session')} had an agenda."
    return Measure(len(prepared) / len(held), words, tuple(held))


def _followed(history: History, at: datetime) -> Measure | None:
    """How many agenda items of the last sessions were done."""
    del at
    held = [one for one in history.of("session.completed")[-RECENT_SESSIONS:] if one.amount > 0]
    if not held:
        return None
    items, done = sum(one.amount for one in held), sum(min(one.amount_done, one.amount) for one in held)
    return Measure(done / items, f"{done} of {_times(items, 'agenda item')} done.", tuple(held))


def _actions(history: History, at: datetime) -> Measure | None:
    """How many of the action items that are due, or reported on before that, were applied; partly counts half."""
    applied = {one.subject_id: one for one in history.of("action_item.applied")}
    agreed = [
        one
        for one in history.of("action_item.agreed")
        if one.subject_id in applied or (one.due_at or one.occurred_at + UNDATED_ACTION_ALLOWANCE) <= at
    ]
    if not agreed:
        return None
    evidence = tuple(applied.get(one.subject_id, one) for one in agreed)
    done = [one for one in evidence if one.event == "action_item.applied" and one.amount > 0]
    words = f"{len(done)} of {_times(len(agreed), 'action item')} applied."
    return Measure(sum(one.amount for one in done) / (100 * len(agreed)), words, evidence)


def _goals(history: History, at: datetime) -> Measure | None:
    """The mean over the active goals of progress against time, each at most 1."""
    if not history.goals:
        return None
    standings = [min(1.0, goal.progress / goal.time_gone) if goal.time_gone > 0 else 1.0 for goal in history.goals]
    on_time = sum(standing >= 1.0 for standing in standings)
    ids = {goal.goal_id for goal in history.goals}
    told = history.of("goal.set", "progress.posted", "goal.revised", "goal.recalibrated")
    latest = {one.subject_id: one for one in told if one.subject_id in ids and one.occurred_at <= at}
    words = f"{on_time} of {_times(len(standings), 'goal')} moving as fast as time goes."
    return Measure(sum(standings) / len(standings), words, tuple(latest.values()))


def _feedback(history: History, at: datetime) -> Measure | None:
    """How many of the last requests for feedback that are due, or answered before that, were answered."""
    answered = {one.subject_id: one for one in history.of("feedback.submitted")}
    asked = [
        one
        for one in history.of("feedback.requested")
        if one.subject_id in answered or (one.due_at is not None and one.due_at <= at)
    ][-RECENT_ROUNDS:]
    if not asked:
        return None
    given = sum(one.subject_id in answered for one in asked)
    evidence = tuple(answered.get(one.subject_id, one) for one in asked)
    return Measure(
        given / len(asked), f"{given} of the last {_times(len(asked), 'request')} for feedback answered.", evidence
    )


def _sessions_kept(history: History, at: datetime) -> Measure | None:
    """How few of the last bookings were cancelled or missed; every one counts twice."""
    del at
    kept_or_not = ("session.completed", "session.cancelled", "session.missed")
    outcomes = [
        one for one in history.of(*kept_or_not) if one.event != "session.cancelled" or one.person_id is not None
    ][-RECENT_BOOKINGS:]
    if not outcomes:
        return None
    lost = sum(one.event != "session.completed" for one in outcomes)
    words = f"{lost} of the last {_times(len(outcomes), 'booking')} cancelled or missed."
    return Measure(max(0.0, 1 - 2 * lost / len(outcomes)), words, tuple(outcomes))


def _reciprocity(history: History, at: datetime) -> Measure | None:
    """The share of members who gave something to another in the last 90 days; measured from the 90th day on."""
    given = [one for one in history.of(*GIVING) if one.occurred_at > at - GIVING_WINDOW]
    if not given and at - history.began_at < GIVING_WINDOW:
        return None
    givers = {one.person_id for one in given} & set(history.members)
    latest = [list(ones)[-1] for _, ones in groupby(sorted(given, key=_by_giver), key=_by_giver)]
    words = f"{len(givers)} of {len(history.members)} members gave thanks, help or an opportunity in the last 90 days."
    return Measure(len(givers) / len(history.members), words, tuple(latest or _beginning(history)))


def _beginning(history: History) -> list[Evidence]:
    """What tells since when nothing happened."""
    return history.of("pairing.created")


def _by_giver(one: Evidence) -> str:
    return str(one.person_id)


def _times(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


MEASURES: Mapping[Factor, Callable[[History, datetime], Measure | None]] = {
    Factor.CADENCE: _cadence,
    Factor.GOALS: _goals,
    Factor.AGENDAS: _agendas,
    Factor.FOLLOWED: _followed,
    Factor.ACTIONS: _actions,
    Factor.FEEDBACK: _feedback,
    Factor.SESSIONS_KEPT: _sessions_kept,
    Factor.RECIPROCITY: _reciprocity,
}
"""What is measured for each factor; nothing where it cannot be measured yet."""
