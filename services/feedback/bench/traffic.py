"""Events of whole programs for benchmarks: people sign up, are paired, sign, and meet again and again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from tandem_events.contracts import (
    ActionItemAgreed,
    ActionItemApplied,
    AgendaPrepared,
    AgreementProposed,
    AgreementSigned,
    EnrollmentApproved,
    EnrollmentSubmitted,
    Event,
    Member,
    PairingCreated,
    PersonState,
    ProgramState,
    SessionCompleted,
    SessionScheduled,
)

BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
UNITS, LEVELS = 12, 6
EVENTS_TO_BEGIN = 10
EVENTS_EACH_SESSION = 5


@dataclass(slots=True)
class Pair:
    """A mentor and a mentee, and how often they met."""

    pairing_id: UUID
    program_id: UUID
    mentor: UUID
    mentee: UUID
    sessions: int = 0


class Traffic:
    """Programs with so many pairs in all; the same seed gives the same ids."""

    def __init__(self, *, programs: int, pairs: int, seed: int = 20260301) -> None:
        self._chance = Random(seed)  # noqa: S311 - nobody's secret
        self.program_ids = [self._id() for _ in range(programs)]
        self._pairs = pairs
        self.pairs: list[Pair] = []

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def beginning(self) -> Iterator[Event]:
        """Programs, people with their enrollments, pairs, agreements: ten events for each pair.

        Each kind comes before the next, as it does over the months of a program: topics are read beside each other, and
        an agreement that overtook its pair would wait.
        """
        for number, program_id in enumerate(self.program_ids):
            yield ProgramState(
                program_id=program_id,
                name=f"Program {number}",
                format="one_to_one",
                status="running",
                occurred_at=BEGAN,
            )
        for number in range(self._pairs):
            program_id = self.program_ids[number % len(self.program_ids)]
            pair = Pair(self._id(), program_id, self._id(), self._id())
            at = BEGAN + timedelta(minutes=number % 100_000)
            for role, person_id in (("mentor", pair.mentor), ("mentee", pair.mentee)):
                yield from self._sign_up(person_id, role, program_id, at)
            self.pairs.append(pair)
        at = BEGAN + timedelta(days=80)
        for pair in self.pairs:
            yield PairingCreated(
                pairing_id=pair.pairing_id,
                program_id=pair.program_id,
                format="one_to_one",
                members=(Member(person_id=pair.mentor, role="mentor"), Member(person_id=pair.mentee, role="mentee")),
                occurred_at=at,
            )
        for pair in self.pairs:
            agreement: dict[str, Any] = {
                "agreement_id": self._id(),
                "pairing_id": pair.pairing_id,
                "program_id": pair.program_id,
                "agreement_version": 1,
                "occurred_at": at,
            }
            yield AgreementProposed(**agreement, meeting_every_days=30, meeting_minutes=60)
            yield AgreementSigned(**agreement, person_id=pair.mentor, complete=False)
            yield AgreementSigned(**agreement, person_id=pair.mentee, complete=True)

    def _sign_up(self, person_id: UUID, role: Any, program_id: UUID, at: datetime) -> Iterator[Event]:
        yield PersonState(
            person_id=person_id,
            given_name="G",
            family_name="F",
            email=f"{person_id}@example.com",
            unit=f"Unit {int(UNITS * self._chance.random() ** 2)}",
            level=1 + self._chance.randrange(LEVELS),
            occurred_at=at,
        )
        enrollment: dict[str, Any] = {
            "enrollment_id": self._id(),
            "program_id": program_id,
            "person_id": person_id,
            "roles": (role,),
        }
        yield EnrollmentSubmitted(**enrollment, occurred_at=at)
        yield EnrollmentApproved(**enrollment, occurred_at=at + timedelta(days=1))

    def sessions(self) -> Iterator[Event]:
        """What pairs do, on and on, in any order of pairs: book, prepare, meet, agree on something, report on it."""
        while True:
            for pair in self._chance.sample(self.pairs, len(self.pairs)):
                yield from self._meet(pair)

    def _meet(self, pair: Pair) -> Iterator[Event]:
        pair.sessions += 1
        at = BEGAN + timedelta(days=80 + 14 * pair.sessions)
        about: dict[str, Any] = {
            "session_id": self._id(),
            "pairing_id": pair.pairing_id,
            "program_id": pair.program_id,
        }
        times = {"starts_at": at - timedelta(hours=1), "ends_at": at}
        both = (pair.mentor, pair.mentee)
        yield SessionScheduled(**about, **times, attendees=both, way_of_meeting="video", occurred_at=at)
        yield AgendaPrepared(**about, person_id=pair.mentee, items=3, occurred_at=at)
        yield SessionCompleted(
            **about,
            **times,
            attended=both,
            completed_sessions=pair.sessions,
            agenda_items=3,
            agenda_items_done=2,
            occurred_at=at,
        )
        action: dict[str, Any] = {**about, "action_item_id": self._id(), "owner_id": pair.mentee, "occurred_at": at}
        yield ActionItemAgreed(**action)
        yield ActionItemApplied(**action, outcome="applied")
