"""The plan: which faults strike when, drawn from a seed before the run begins."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """A kind of fault; the value is how the report calls it."""

    RELAY_KILLED = "relay killed (SIGKILL)"
    RELAY_TERMINATED = "relay stopped (SIGTERM)"
    RELAY_PAUSED = "relay paused (SIGSTOP)"
    RELAY_DEPOSED = "leading relay paused, deposed meanwhile, and woken"
    CONSUMER_KILLED = "consumer killed (SIGKILL)"
    CONSUMER_TERMINATED = "consumer stopped (SIGTERM)"
    CONSUMER_PAUSED = "consumer paused beyond its session (SIGSTOP)"
    WRITER_KILLED = "writer killed (SIGKILL)"
    BROKER_STOPPED = "broker stopped and started"
    BROKER_KILLED = "broker killed (SIGKILL) and started"
    BROKER_PAUSED = "broker paused (SIGSTOP)"
    RELAY_BACKENDS_ENDED = "relays' database connections ended"
    CONSUMER_BACKENDS_ENDED = "consumers' database connections ended"
    WRITER_BACKENDS_ENDED = "writers' database connections ended"
    DATABASE_CRASHED = "database crashed (a backend killed by SIGKILL)"
    DUPLICATES = "messages produced a second time"
    REFUSED = "poison: an event that the handler refuses"
    MALFORMED = "poison: a message that cannot be read"


WEIGHTS = {
    Kind.RELAY_KILLED: 14,
    Kind.RELAY_TERMINATED: 8,
    Kind.RELAY_PAUSED: 4,
    Kind.RELAY_DEPOSED: 5,
    Kind.CONSUMER_KILLED: 14,
    Kind.CONSUMER_TERMINATED: 9,
    Kind.CONSUMER_PAUSED: 6,
    Kind.WRITER_KILLED: 3,
    Kind.BROKER_STOPPED: 4,
    Kind.BROKER_KILLED: 4,
    Kind.BROKER_PAUSED: 2,
    Kind.RELAY_BACKENDS_ENDED: 7,
    Kind.CONSUMER_BACKENDS_ENDED: 7,
    Kind.WRITER_BACKENDS_ENDED: 4,
    Kind.DATABASE_CRASHED: 2,
    Kind.DUPLICATES: 6,
    Kind.REFUSED: 5,
    Kind.MALFORMED: 4,
}

PAUSE_SECONDS = (7.0, 10.0)
"""Longer than the session timeout of 6 s, so that the group goes on without the paused one."""

OUTAGE_SECONDS = (0.0, 6.0)
LONG_OUTAGE_SECONDS = 24.0
"""Longer than a producer waits for an answer; every eighth outage of a long plan."""

LONG_PLAN = 60
BEGIN, END = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it strikes when this share of the transactions is committed."""

    number: int
    share: float
    kind: Kind
    seconds: float
    choice: float
    """Between 0 and 1: which of several targets."""


def draw(seed: int, faults: int) -> tuple[Fault, ...]:
    """As many faults as asked for, in the order in which they strike; every kind is among them if there is room."""
    random = Random(seed)
    kinds = list(Kind)[:faults]
    kinds += random.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=faults - len(kinds))
    random.shuffle(kinds)
    shares = sorted(random.uniform(BEGIN, END) for _ in kinds)
    drawn = []
    outages = 0
    for number, (kind, share) in enumerate(zip(kinds, shares, strict=True), start=1):
        seconds = random.uniform(*OUTAGE_SECONDS)
        if kind in (Kind.CONSUMER_PAUSED, Kind.RELAY_PAUSED, Kind.BROKER_PAUSED):
            seconds = random.uniform(*PAUSE_SECONDS)
        if kind in (Kind.BROKER_STOPPED, Kind.BROKER_KILLED):
            outages += 1
            if faults >= LONG_PLAN and outages % 8 == 1:
                seconds = LONG_OUTAGE_SECONDS
        drawn.append(Fault(number=number, share=share, kind=kind, seconds=seconds, choice=random.random()))
    return tuple(drawn)
