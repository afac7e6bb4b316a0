"""The verdict of the fault run sees every kind of wrong, and a seed draws the same faults again."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from tests.faults.plan import LONG_OUTAGE_SECONDS, PAUSE_SECONDS, Kind, draw
from tests.faults.topic import Message, token_of
from tests.faults.verdict import Effect, Facts, Told, judge, judge_released

BOOK, OTHER_BOOK = str(uuid4()), str(uuid4())
LEDGER, SECOND, OTHER = uuid4(), uuid4(), uuid4()


def told(ledger: UUID, version: int, *, book: str = BOOK, refused: bool = False) -> Told:
    return Told(uuid4(), ledger, book, version, refused)


ENTRIES = (told(LEDGER, 1), told(SECOND, 1), told(LEDGER, 2), told(OTHER, 1, book=OTHER_BOOK))


def message(one: Told) -> Message:
    return Message(book=one.book, entry=one.entry, event=UUID(int=one.entry.int ^ 1))


def effect(one: Told) -> Effect:
    return Effect(one.ledger, one.version, one.entry, UUID(int=one.entry.int ^ 1))


def facts(entries: tuple[Told, ...] = ENTRIES) -> Facts:
    """What there is when everything went as it must."""
    return Facts(
        oracle=entries,
        topic=tuple(message(one) for one in entries),
        effects=tuple(effect(one) for one in entries),
        parked_entries=frozenset(),
        parked_tokens=frozenset(),
        injected_tokens=frozenset(),
    )


def poisoned() -> Facts:
    """The second of a book's three entries is refused: it and the third are parked, the other book goes on."""
    first, second, third, other = ENTRIES
    refused = replace(second, refused=True)
    return replace(
        facts((first, refused, third, other)),
        effects=(effect(first), effect(other)),
        parked_entries=frozenset({second.entry, third.entry}),
    )


def test_what_went_as_it_must_has_no_fault() -> None:
    assert judge(facts()).held()
    assert judge(poisoned()).held()
    assert judge_released(facts()).held()


def test_duplicates_on_the_topic_are_counted_and_are_no_fault() -> None:
    right = facts()
    verdict = judge(replace(right, topic=(*right.topic, right.topic[0], right.topic[2])))
    assert verdict.held()
    assert verdict.duplicates_on_topic == 2


def swapped(right: Facts) -> Facts:
    first, second, third, other = right.effects
    return replace(right, effects=(third, second, first, other))


def swapped_over_ledgers(right: Facts) -> Facts:
    first, second, third, other = right.effects
    return replace(right, effects=(second, first, third, other))


def swapped_on_topic(right: Facts) -> Facts:
    first, second, third, other = right.topic
    return replace(right, topic=(third, second, first, other), effects=right.effects)


WRONGS: dict[str, tuple[str, Callable[[], Facts]]] = {
    "an effect is missing": ("lost", lambda: replace(facts(), effects=facts().effects[1:])),
    "an entry never reached the topic": ("not on the topic", lambda: replace(facts(), topic=facts().topic[:3])),
    "an entry has two effects": ("doubled", lambda: replace(facts(), effects=(*facts().effects, facts().effects[1]))),
    "a parked entry has an effect": (
        "doubled",
        lambda: replace(facts(), parked_entries=frozenset({ENTRIES[0].entry})),
    ),
    "an effect of what was rolled back": ("invented", lambda: replace(facts(), oracle=ENTRIES[:3])),
    "a ledger's effects in the wrong order": ("inverted", lambda: swapped(facts())),
    "a book's effects against the topic's order": ("inverted", lambda: swapped_over_ledgers(facts())),
    "a ledger's events in the wrong order on the topic": ("inverted on the topic", lambda: swapped_on_topic(facts())),
    "something is parked without poison": (
        "parked wrongly",
        lambda: replace(facts(), effects=facts().effects[:3], parked_entries=frozenset({ENTRIES[3].entry})),
    ),
    "a follower took effect before the poison": (
        "not parked",
        lambda: replace(
            poisoned(),
            effects=(*poisoned().effects, effect(ENTRIES[2])),
            parked_entries=frozenset({ENTRIES[1].entry}),
        ),
    ),
    "a malformed message was dropped": (
        "not parked",
        lambda: replace(
            facts(),
            topic=(*facts().topic, Message(book=BOOK, token="malformed-1")),
            injected_tokens=frozenset({"malformed-1"}),
        ),
    ),
    "a malformed message never reached the topic": (
        "not on the topic",
        lambda: replace(facts(), injected_tokens=frozenset({"malformed-1"})),
    ),
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_planted_wrong_is_found(wrong: str) -> None:
    kind, plant = WRONGS[wrong]
    assert kind in judge(plant()).faults()


def test_after_the_release_nothing_may_be_missing_or_parked() -> None:
    assert "lost" in judge_released(replace(facts(), effects=facts().effects[1:])).faults()
    assert "doubled" in judge_released(replace(facts(), effects=(*facts().effects, *facts().effects))).faults()
    assert "inverted" in judge_released(swapped(facts())).faults()
    assert "parked wrongly" in judge_released(replace(facts(), parked_tokens=frozenset({"malformed-1"}))).faults()


def test_a_seed_draws_the_same_faults_again_and_another_seed_others() -> None:
    assert draw(7, 200) == draw(7, 200)
    assert draw(7, 200) != draw(8, 200)


def test_a_plan_has_every_kind_of_fault_in_the_order_of_their_moments() -> None:
    for faults in (20, 200):
        plan = draw(7, faults)
        assert len(plan) == faults
        assert {fault.kind for fault in plan} == set(Kind)
        assert [fault.share for fault in plan] == sorted(fault.share for fault in plan)


def test_pauses_outlast_a_session_and_a_long_plan_has_an_outage_that_outlasts_a_producer() -> None:
    plan = draw(7, 200)
    assert all(fault.seconds >= PAUSE_SECONDS[0] for fault in plan if fault.kind is Kind.CONSUMER_PAUSED)
    assert any(fault.seconds == LONG_OUTAGE_SECONDS for fault in plan)


def test_a_malformed_message_is_known_by_its_token_wherever_that_is() -> None:
    assert token_of({"x-token": b"malformed-12"}, None) == "malformed-12"
    assert token_of({}, b'{"ledger_id": "malformed-3') == "malformed-3"
    assert token_of({}, b"{}") is None
