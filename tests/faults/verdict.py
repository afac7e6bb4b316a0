"""The verdict: what happened against what must have happened. Pure, so that it can itself be tested."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from uuid import UUID

from tests.faults.topic import Message


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as the oracle was told of it, in the transaction that made it."""

    entry: UUID
    ledger: UUID
    book: str
    version: int
    refused: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect, in the order in which effects happened."""

    ledger: UUID
    version: int
    entry: UUID
    event: UUID


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was seen when the dust had settled."""

    oracle: Sequence[Told]
    topic: Sequence[Message]
    """In topic order within each book."""

    effects: Sequence[Effect]
    parked_entries: Set[UUID]
    parked_tokens: Set[str]
    injected_tokens: Set[str]


@dataclass(slots=True)
class Verdict:
    """What is wrong, by kind; all empty is as it must be."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    inverted: list[str] = field(default_factory=list)
    parked_wrongly: list[str] = field(default_factory=list)
    not_parked: list[str] = field(default_factory=list)
    not_on_topic: list[str] = field(default_factory=list)
    inverted_on_topic: list[str] = field(default_factory=list)
    duplicates_on_topic: int = 0
    expected_parked: int = 0

    def faults(self) -> Mapping[str, list[str]]:
        """The kinds of wrong, each with what was found, where anything was found."""
        kinds = {
            "lost": self.lost,
            "doubled": self.doubled,
            "invented": self.invented,
            "inverted": self.inverted,
            "parked wrongly": self.parked_wrongly,
            "not parked": self.not_parked,
            "not on the topic": self.not_on_topic,
            "inverted on the topic": self.inverted_on_topic,
        }
        return {kind: found for kind, found in kinds.items() if found}

    def held(self) -> bool:
        """Whether everything is as it must be."""
        return not self.faults()


def judge(facts: Facts) -> Verdict:
    """Compare what happened with the oracle.

    Nothing is lost: each entry has an effect or is parked. None is doubled: one effect at most, and none beside being
    parked. None is inverted: a ledger's effects come in the order of its versions, and a book's in the order of the
    topic. Parked is exactly what the topic demands: in each book, the first poison and all that first came after it.
    """
    verdict = Verdict()
    told = {one.entry: one for one in facts.oracle}
    effects = Counter(effect.entry for effect in facts.effects)
    for one in facts.oracle:
        name = f"ledger {one.ledger} version {one.version}"
        times = effects[one.entry]
        if times == 0 and one.entry not in facts.parked_entries:
            verdict.lost.append(name)
        if times > 1:
            verdict.doubled.append(f"{name}: {times} effects")
        elif times and one.entry in facts.parked_entries:
            verdict.doubled.append(f"{name}: an effect, and parked as well")
    verdict.invented += [f"effect of entry {entry}" for entry in effects if entry not in told]
    verdict.invented += [f"parked entry {entry}" for entry in facts.parked_entries if entry not in told]
    first_comings, verdict.duplicates_on_topic = _first_comings(facts.topic)
    verdict.invented += [
        f"entry {message.entry} on the topic"
        for message in first_comings
        if message.entry and message.entry not in told
    ]
    on_topic = {message.entry for message in first_comings if message.entry}
    on_topic_tokens = {message.token for message in first_comings if message.token}
    verdict.not_on_topic += [
        f"ledger {one.ledger} version {one.version}" for one in facts.oracle if one.entry not in on_topic
    ]
    verdict.not_on_topic += sorted(facts.injected_tokens - on_topic_tokens)
    verdict.inverted_on_topic = _descents(
        (change.ledger, change.version)
        for message in first_comings
        if message.entry and (change := told.get(message.entry))
    )
    verdict.inverted = _descents((effect.ledger, effect.version) for effect in facts.effects)
    verdict.inverted += _against_the_topic(facts.effects, first_comings, told)
    _compare_parked(verdict, facts, first_comings, told)
    return verdict


def _first_comings(topic: Iterable[Message]) -> tuple[list[Message], int]:
    seen: set[UUID | str | None] = set()
    first: list[Message] = []
    duplicates = 0
    for message in topic:
        name = message.event or message.token
        if name in seen:
            duplicates += 1
        else:
            seen.add(name)
            first.append(message)
    return first, duplicates


def _descents(changes: Iterable[tuple[UUID, int]]) -> list[str]:
    last: dict[UUID, int] = {}
    found = []
    for ledger, version in changes:
        if version <= last.get(ledger, 0):
            found.append(f"ledger {ledger}: version {version} after {last[ledger]}")
        last[ledger] = version
    return found


def _against_the_topic(
    effects: Iterable[Effect], first_comings: Iterable[Message], told: Mapping[UUID, Told]
) -> list[str]:
    place = {message.entry: number for number, message in enumerate(first_comings)}
    last: dict[str, int] = {}
    found = []
    for effect in effects:
        one, now = told.get(effect.entry), place.get(effect.entry)
        if one is None or now is None:
            continue
        if now < last.get(one.book, -1):
            found.append(f"book {one.book}: ledger {one.ledger} version {one.version} against the topic's order")
        last[one.book] = now
    return found


def _compare_parked(
    verdict: Verdict, facts: Facts, first_comings: Iterable[Message], told: Mapping[UUID, Told]
) -> None:
    poisoned: set[str] = set()
    entries: set[UUID] = set()
    tokens: set[str] = set()
    for message in first_comings:
        known = told.get(message.entry) if message.entry else None
        if message.token or (known and known.refused):
            poisoned.add(message.book)
        if message.book in poisoned:
            if message.token:
                tokens.add(message.token)
            elif message.entry:
                entries.add(message.entry)
    verdict.expected_parked = len(entries) + len(tokens)
    verdict.parked_wrongly += [f"entry {entry}" for entry in facts.parked_entries - entries]
    verdict.parked_wrongly += sorted(facts.parked_tokens - tokens)
    verdict.not_parked += [f"entry {entry}" for entry in entries - facts.parked_entries]
    verdict.not_parked += sorted(tokens - facts.parked_tokens)


def judge_released(facts: Facts) -> Verdict:
    """The same after the poison was released: each entry has exactly one effect, in order, and nothing is parked."""
    verdict = Verdict()
    effects = Counter(effect.entry for effect in facts.effects)
    for one in facts.oracle:
        name = f"ledger {one.ledger} version {one.version}"
        if effects[one.entry] == 0:
            verdict.lost.append(name)
        if effects[one.entry] > 1:
            verdict.doubled.append(name)
    told = {one.entry: one for one in facts.oracle}
    verdict.invented += [f"effect of entry {entry}" for entry in effects if entry not in told]
    first_comings, verdict.duplicates_on_topic = _first_comings(facts.topic)
    verdict.inverted = _descents((effect.ledger, effect.version) for effect in facts.effects)
    verdict.inverted += _against_the_topic(facts.effects, first_comings, told)
    verdict.parked_wrongly += [f"entry {entry}" for entry in facts.parked_entries]
    verdict.parked_wrongly += sorted(facts.parked_tokens)
    return verdict
