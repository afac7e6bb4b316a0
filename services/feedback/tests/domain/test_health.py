"""The health of a relationship, computed by the rules that the documentation explains."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tandem_feedback.domain.health import (
    COUNTED,
    DEFAULT_WEIGHTS,
    Band,
    Evidence,
    Factor,
    GoalStanding,
    History,
    NothingWeighs,
    assess,
    check_weights,
)

MENTOR, MENTEE = uuid4(), uuid4()
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = BEGAN + timedelta(days=100)


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, 12, tzinfo=UTC)


def happened(
    event: str, at: datetime, *, subject: UUID | None = None, by: UUID | None = None, due: datetime | None = None
) -> Evidence:
    return Evidence(event, subject or uuid4(), at, event_id=uuid4(), person_id=by, due_at=due)


def held(at: datetime, items: int = 0, done: int = 0) -> Evidence:
    return Evidence("session.completed", uuid4(), at, event_id=uuid4(), amount=items, amount_done=done)


def relationship(*evidence: Evidence, goals: tuple[GoalStanding, ...] = (), began: datetime = BEGAN) -> History:
    return History(began, (MENTOR, MENTEE), timedelta(days=30), evidence, goals)


def test_the_documented_example_comes_out_as_worked_by_hand() -> None:
    applied, not_applied = uuid4(), uuid4()
    rounds = [(at, [uuid4(), uuid4()]) for at in (day(3, 20), day(4, 20), day(5, 25))]
    asked = [
        happened("feedback.requested", at, subject=request, due=at + timedelta(days=7))
        for at, requests in rounds
        for request in requests
    ]
    health = assess(
        relationship(
            held(day(3, 20), 2, 2),
            held(day(4, 20), 0, 0),
            held(day(5, 25), 4, 3),
            happened("session.cancelled", day(5, 10), by=MENTOR),
            happened("action_item.agreed", day(3, 20), subject=applied, due=day(4, 1)),
            happened("action_item.agreed", day(4, 20), subject=not_applied, due=day(5, 1)),
            Evidence("action_item.applied", applied, day(3, 30), person_id=MENTEE, amount=100),
            *asked,
            *(happened("feedback.submitted", day(6, 1), subject=one.subject_id) for one in asked[:4]),
            happened("gratitude.sent", day(5, 10), by=MENTEE),
            goals=(GoalStanding(uuid4(), 0.20, 0.40, day(4, 1)),),
        ),
        now=day(6, 9),
    )
    points = {reason.code: round(reason.points, 1) for reason in health.reasons}
    assert points == {
        Factor.CADENCE: 30.0,
        Factor.GOALS: 7.5,
        Factor.AGENDAS: 6.7,
        Factor.FOLLOWED: 8.3,
        Factor.ACTIONS: 5.0,
        Factor.FEEDBACK: 6.7,
        Factor.SESSIONS_KEPT: 5.0,
        Factor.RECIPROCITY: 2.5,
    }
    assert (health.score, health.band) == (72, Band.STEADY)
    assert health.reasons[0].code is Factor.GOALS
    assert health.suggested_step is not None
    assert health.suggested_step[0] == "review_goals"


def test_before_anything_can_be_measured_a_relationship_is_steady() -> None:
    health = assess(relationship(began=NOW), now=NOW)
    assert (health.score, health.band, health.reasons) == (60, Band.STEADY, ())
    assert health.suggested_step is None


def test_the_weights_of_what_can_be_measured_grow_to_a_hundred() -> None:
    health = assess(relationship(held(NOW, 1, 1), began=NOW - timedelta(days=1)), now=NOW)
    assert sum(reason.weight for reason in health.reasons) == pytest.approx(100)
    assert health.score == 100


@pytest.mark.parametrize(
    ("silent_days", "band"), [(59, Band.THRIVING), (61, Band.AT_RISK), (90, Band.AT_RISK), (91, Band.STALLED)]
)
def test_silence_caps_the_band_whatever_else_was_good(silent_days: int, band: Band) -> None:
    only_agendas = {**dict.fromkeys(Factor, 0), Factor.AGENDAS: 1}
    history = relationship(held(NOW - timedelta(days=silent_days), 3, 3), began=NOW - timedelta(days=200))
    health = assess(history, now=NOW, weights=only_agendas)
    assert (health.score, health.band) == (100, band)


def test_a_band_that_silence_caps_has_the_cadence_as_its_reason_whatever_else_costs_more() -> None:
    only_reciprocity = {**dict.fromkeys(Factor, 0), Factor.RECIPROCITY: 1, Factor.AGENDAS: 9}
    history = relationship(held(NOW - timedelta(days=61), 3, 3), began=NOW - timedelta(days=200))
    health = assess(history, now=NOW, weights=only_reciprocity)
    assert (health.score, health.band, health.capped_by_silence) == (90, Band.AT_RISK, True)
    assert health.reasons[0].code is Factor.RECIPROCITY
    assert health.weighing_most == (Factor.CADENCE, Factor.RECIPROCITY)
    assert health.suggested_step is not None
    assert health.suggested_step[0] == "book_a_session"
    sooner = assess(history, now=NOW - timedelta(days=2), weights=only_reciprocity)
    assert (sooner.band, sooner.capped_by_silence) == (Band.THRIVING, False)
    assert sooner.weighing_most == (Factor.RECIPROCITY,)


def test_where_nothing_happened_the_beginning_is_the_evidence() -> None:
    began = happened("pairing.created", BEGAN)
    health = assess(relationship(began), now=NOW)
    assert {reason.code for reason in health.reasons} == {Factor.CADENCE, Factor.RECIPROCITY}
    assert [reason.evidence for reason in health.reasons] == [(began,), (began,)]


def test_a_pair_that_agreed_on_a_slower_cadence_is_measured_by_it() -> None:
    history = relationship(held(NOW - timedelta(days=70)), began=NOW - timedelta(days=100))
    slower = replace(history, meeting_every=timedelta(days=90))
    assert assess(history, now=NOW).band is Band.AT_RISK
    assert assess(slower, now=NOW).band is not Band.AT_RISK


def test_sessions_cancelled_by_the_end_of_the_relationship_count_for_nobody() -> None:
    by_the_end = happened("session.cancelled", NOW)
    by_somebody = happened("session.cancelled", NOW, by=MENTEE)
    codes = {reason.code: reason for reason in assess(relationship(held(NOW), by_the_end), now=NOW).reasons}
    assert codes[Factor.SESSIONS_KEPT].lost == 0
    codes = {reason.code: reason for reason in assess(relationship(held(NOW), by_somebody), now=NOW).reasons}
    assert codes[Factor.SESSIONS_KEPT].points == 0


def test_a_request_that_is_not_due_yet_costs_nothing() -> None:
    open_request = happened("feedback.requested", NOW, due=NOW + timedelta(days=7))
    codes = {reason.code for reason in assess(relationship(held(NOW), open_request), now=NOW).reasons}
    assert Factor.FEEDBACK not in codes


def test_each_reason_rests_on_events_that_happened() -> None:
    evidence = [held(day(5, 25), 2, 1), happened("gratitude.sent", day(5, 26), by=MENTOR)]
    health = assess(relationship(*evidence), now=NOW)
    for reason in health.reasons:
        assert reason.evidence
        assert set(reason.evidence) <= set(evidence)


def test_what_happens_after_the_moment_or_after_the_end_does_not_count() -> None:
    first = held(day(3, 10))
    history = relationship(first, held(NOW + timedelta(days=1)))
    assert assess(history, now=day(3, 11)) == assess(relationship(first), now=day(3, 11))
    ended = replace(history, ended_at=day(3, 20))
    assert assess(ended, now=NOW + timedelta(days=400)).band is not Band.STALLED


def test_at_least_one_factor_must_weigh() -> None:
    with pytest.raises(NothingWeighs):
        check_weights(dict.fromkeys(Factor, 0))
    check_weights(DEFAULT_WEIGHTS)
    assert sum(DEFAULT_WEIGHTS.values()) == 100


def test_what_counts_is_exactly_what_the_factors_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: set[str] = set()

    def of(history: History, *events: str) -> list[Evidence]:
        looked_at.update(events)
        return [one for one in history.evidence if one.event in events]

    monkeypatch.setattr(History, "of", of)
    goal = GoalStanding(uuid4(), progress=0.5, time_gone=0.5, moved_at=NOW)
    assess(replace(relationship(held(NOW)), goals=[goal]), now=NOW)
    assert looked_at == COUNTED
