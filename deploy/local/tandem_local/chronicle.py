"""The chronicle of one relationship: what every service said of it, with causes before effects, in words."""

import heapq
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from tandem_events.contracts import CONTRACTS
from tandem_events.contracts.contract import Event
from tandem_local.refusals import NotAnswering, Refused

FARTHEST_CAUSE = 6
"""So many steps back are followed to causes that lie outside of the relationship, such as a person's departure."""

MOST_IDS_ASKED = 50
NOT_TOLD = frozenset({"pairing_id", "program_id", "occurred_at"})

Ask = Callable[..., Iterable[Mapping[str, Any]]]
"""A service's archive, narrowed by parameters, as `GET /operations/archive` answers."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as a service's archive tells it. `outside` is one of another story that led to one of this."""

    id: str
    type: str
    service: str
    subject: str
    key: str
    time: datetime
    correlation_id: str
    causation_id: str | None
    aggregate_version: int
    sequence: int
    data: Any
    gone: bool
    outside: bool = False

    @property
    def name(self) -> str:
        """The event's name without prefix and version, such as `pairing.created`."""
        return self.type.removeprefix("tandem.").rpartition(".v")[0] or self.type

    @property
    def is_state(self) -> bool:
        """Whether it tells how things are, as opposed to what happened."""
        contract = _contracts().get(self.type)
        return contract is not None and contract.contract.compacted


@dataclass(frozen=True, slots=True)
class Chronicle:
    """Everything that is known, in causal order, and what is missing: by service, the reason in words."""

    happenings: Sequence[Happening]
    missing: Mapping[str, Exception]

    def shown(self) -> list[Happening]:
        """What a person wants to read: states are left out where nothing came of them."""
        causes = {happening.causation_id for happening in self.happenings}
        return [one for one in self.happenings if not one.is_state or one.id in causes]


def gather(ask: Ask, key: str, services: Sequence[str]) -> Chronicle:
    """Ask every service for what it said under this key, and for the causes outside of it.

    A service that refuses or does not answer is missing in the result, and everything else is there.
    """
    found: dict[str, Happening] = {}
    missing: dict[str, Exception] = {}

    def take(service: str, *, outside: bool, **narrowed: Any) -> None:
        if service in missing:
            return
        try:
            for sequence, entry in enumerate(ask(service, **narrowed)):
                happening = _happening(service, entry, sequence=sequence, outside=outside)
                found.setdefault(happening.id, happening)
        except (NotAnswering, Refused) as away:
            missing[service] = away

    for service in services:
        take(service, outside=False, key=key)
    asked: set[str] = set()
    for _ in range(FARTHEST_CAUSE):
        unknown = sorted({one.causation_id for one in found.values() if one.causation_id} - found.keys() - asked)
        if not unknown:
            break
        asked.update(unknown)
        for begin in range(0, len(unknown), MOST_IDS_ASKED):
            for service in services:
                take(service, outside=True, id=unknown[begin : begin + MOST_IDS_ASKED])
    return Chronicle(happenings=in_causal_order(found.values()), missing=missing)


def in_causal_order(happenings: Iterable[Happening]) -> list[Happening]:
    """A cause before its effect, and what one service said of one thing as it said it, whatever the clocks say.

    Otherwise by time. Where an archive is damaged so that things cause each other, time alone decides.
    """
    given = {happening.id: happening for happening in happenings}
    before: dict[str, set[str]] = {identity: set() for identity in given}
    last_of: dict[tuple[str, str, bool], str] = {}
    for one in sorted(given.values(), key=lambda one: one.sequence):
        if one.causation_id in given and one.causation_id != one.id:
            before[one.id].add(str(one.causation_id))
        thing = (one.service, one.subject, one.outside)
        if thing in last_of:
            before[one.id].add(last_of[thing])
        last_of[thing] = one.id
    after: dict[str, list[str]] = {identity: [] for identity in given}
    for identity, earlier in before.items():
        for cause in earlier:
            after[cause].append(identity)

    def place(identity: str) -> tuple[datetime, str, int, str]:
        one = given[identity]
        return one.time, one.service, one.sequence, one.id

    ready = [place(identity) for identity, earlier in before.items() if not earlier]
    heapq.heapify(ready)
    ordered: dict[str, Happening] = {}
    while len(ordered) < len(given):
        identity = heapq.heappop(ready)[-1] if ready else min(given.keys() - ordered.keys(), key=place)
        if identity in ordered:
            continue
        ordered[identity] = given[identity]
        for effect in after[identity]:
            before[effect].discard(identity)
            if not before[effect] and effect not in ordered:
                heapq.heappush(ready, place(effect))
    return list(ordered.values())


def depths(happenings: Sequence[Happening]) -> dict[str, int]:
    """How many causes lie before each of these, by id; they come in causal order."""
    found: dict[str, int] = {}
    for one in happenings:
        found[one.id] = found.get(str(one.causation_id), -1) + 1
    return found


def words(happening: Happening) -> str:
    """What happened, as its contract says it; the event's name where there is none (any more)."""
    contract = _contracts().get(happening.type)
    if contract is None:
        return happening.name
    sentence = " ".join((contract.__doc__ or "").split())
    said = re.split(r"[.:;,](?:\s|$)", sentence, maxsplit=1)[0]
    return f"{said} (it is gone)" if happening.gone else said


def details(happening: Happening) -> str:
    """The fields that tell more, without the ids that the whole story shares."""
    if not isinstance(happening.data, dict):
        return ""
    told = [
        f"{name.removesuffix('_id').replace('_', ' ')} {_value(value)}"
        for name, value in happening.data.items()
        if name not in NOT_TOLD and value not in (None, [], "")
    ]
    return ", ".join(told)


def short(identity: str) -> str:
    """The end of an id: that is where ids made at about the same time differ."""
    try:
        return f"…{str(UUID(identity))[-8:]}"
    except ValueError:
        return identity


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " + ".join(_value(one) for one in value)
    if isinstance(value, dict):
        # A member reads as "mentor …1234abcd".
        return " ".join(_value(one) for _, one in sorted(value.items(), reverse=True) if one is not None)
    if isinstance(value, str):
        moment = re.match(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)", value)
        return f"{moment[1]} {moment[2]}" if moment else short(value)
    return str(value)


def _happening(service: str, entry: Mapping[str, Any], *, sequence: int, outside: bool) -> Happening:
    return Happening(
        id=entry["id"],
        type=entry["type"],
        service=service,
        subject=entry["subject"],
        key=entry["key"],
        time=_moment(entry["time"]) or _moment(entry["recorded_at"]) or datetime.min.replace(tzinfo=UTC),
        correlation_id=entry["correlation_id"] or "",
        causation_id=entry["causation_id"],
        aggregate_version=entry["aggregate_version"],
        sequence=sequence,
        data=entry["data"],
        gone=entry["gone"],
        outside=outside,
    )


def _moment(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@cache
def _contracts() -> dict[str, type[Event]]:
    return {event.contract.type: event for event in CONTRACTS}
