"""A match run as a program manager sees it from outside: started, awaited, shown with its reasons, published."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tandem_local.api import Api, until
from tandem_local.refusals import NotAnswering

if TYPE_CHECKING:
    from rich.console import Console

LONGEST_RUN_SECONDS = 600.0
AT_WORK = ("queued", "running")
DONE = ("completed", "published")
PAIRS_SHOWN = 6
ALONE_SHOWN = 3
GROUPS_SHOWN = 3
SEED = 0
REASONS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people whom a run proposes, and why in words."""

    mentor_id: str
    mentee_id: str
    score: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alone:
    """Somebody whom a run pairs with nobody, and the rule that bound, in words."""

    person_id: str
    role: str
    words: str
    meanwhile: str | None = None
    """What the program's fallback offers until then, or why it offers nothing."""


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """Mentees without a mentor whom a run proposes to each other until they have one, and why in words."""

    member_ids: tuple[str, ...]
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run proposes."""

    run_id: str
    program_id: str
    pairs: tuple[Pair, ...]
    unmatched: tuple[Alone, ...]
    peer_groups: tuple[PeerGroup, ...] = ()


def run(
    api: Api, program_id: UUID, *, progress: Callable[[float], None] = lambda _: None, key: str | None = None
) -> UUID:
    """The id of a new match run, which is done. `progress` is told its share done, 0 to 1.

    Raises:
        Refused, NotAnswering: the run failed, was cancelled, or takes too long.
    """
    run_id = api.post("matching", f"/programs/{program_id}/match-runs", {"seed": SEED}, key=key)["run_id"]
    seen: dict[str, Any] = {}

    def is_done() -> bool:
        seen.update(api.get("matching", f"/match-runs/{run_id}"))
        progress(float(seen.get("progress") or 0.0))
        return seen["state"] not in AT_WORK

    until(is_done, within_seconds=LONGEST_RUN_SECONDS, what="The match run's end")
    if seen["state"] not in DONE:
        raise NotAnswering(f"The match run {run_id} {seen['state']}: {seen.get('reason') or 'no reason was given'}.")
    return UUID(run_id)


def outcome(api: Api, run_id: UUID) -> Outcome:
    """What the run proposes, the best pairs first."""
    stands = api.get("matching", f"/match-runs/{run_id}")
    pairs = tuple(_pair(proposal) for proposal in api.pages("matching", f"/match-runs/{run_id}/proposals"))
    return Outcome(
        run_id=str(run_id),
        program_id=stands["program_id"],
        pairs=pairs,
        unmatched=tuple(
            Alone(one["person_id"], one["role"], one["words"], one.get("meanwhile"))
            for one in api.pages("matching", f"/match-runs/{run_id}/unmatched")
        ),
        peer_groups=tuple(
            PeerGroup(tuple(one["member_ids"]), one["score"], _words(one))
            for one in api.pages("matching", f"/match-runs/{run_id}/peer-groups")
        ),
    )


def publish(api: Api, run_id: UUID, *, key: str | None = None) -> None:
    """Make the proposed pairs real: they and the other services hear of it."""
    api.post("matching", f"/match-runs/{run_id}/publication", {}, key=key)


def names(api: Api, people: Iterable[str]) -> dict[str, str]:
    """What these people are called, by id."""
    called = {}
    for person_id in dict.fromkeys(people):
        person = api.get("profiles", f"/people/{person_id}")
        called[person_id] = f"{person['given_name']} {person['family_name']}"
    return called


def as_document(found: Outcome, *, published: bool) -> dict[str, Any]:
    """The outcome as JSON says it."""
    return {**asdict(found), "published": published}


def show(found: Outcome, called: Mapping[str, str], console: "Console") -> None:
    """Print the best pairs with their reasons, who has nobody, and the peer groups that are proposed to them."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("mentee", "mentor", "score"):
        table.add_column(heading, no_wrap=True)
    table.add_column("why")
    for pair in found.pairs[:PAIRS_SHOWN]:
        table.add_row(
            called.get(pair.mentee_id, pair.mentee_id),
            called.get(pair.mentor_id, pair.mentor_id),
            "" if pair.score is None else f"{pair.score:.0f}",
            " ".join(pair.reasons[:REASONS_SHOWN]),
        )
    console.print(table)
    if len(found.pairs) > PAIRS_SHOWN:
        console.print(f"... and {len(found.pairs) - PAIRS_SHOWN} more pairs.")
    for alone in found.unmatched[:ALONE_SHOWN]:
        words = f"{alone.words} {alone.meanwhile}" if alone.meanwhile else alone.words
        console.print(f"{called.get(alone.person_id, alone.person_id)} ({alone.role}) has nobody: {words}")
    if len(found.unmatched) > ALONE_SHOWN:
        console.print(f"... and {len(found.unmatched) - ALONE_SHOWN} more have nobody.")
    for group in found.peer_groups[:GROUPS_SHOWN]:
        members = ", ".join(called.get(person, person) for person in group.member_ids)
        console.print(f"Peer group until they have mentors: {members}. {' '.join(group.reasons[:REASONS_SHOWN])}")
    if len(found.peer_groups) > GROUPS_SHOWN:
        console.print(f"... and {len(found.peer_groups) - GROUPS_SHOWN} more peer groups.")


def shown_people(found: Outcome) -> list[str]:
    """Whose names `show` needs."""
    paired = [person for pair in found.pairs[:PAIRS_SHOWN] for person in (pair.mentee_id, pair.mentor_id)]
    grouped = [person for group in found.peer_groups[:GROUPS_SHOWN] for person in group.member_ids]
    return [*paired, *(alone.person_id for alone in found.unmatched[:ALONE_SHOWN]), *grouped]


def _pair(proposal: Mapping[str, Any]) -> Pair:
    return Pair(
        mentor_id=proposal["mentor_id"],
        mentee_id=proposal["mentee_id"],
        score=proposal.get("score"),
        reasons=_words(proposal),
    )


def _words(proposal: Mapping[str, Any]) -> tuple[str, ...]:
    # What adds nothing to the score is no reason for it.
    return tuple(str(reason["words"]) for reason in proposal["reasons"] if reason["share"] > 0)
