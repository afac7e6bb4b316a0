"""Evidence: collects from database and topic what the verdict compares, and how long things took."""

import json
from dataclasses import dataclass
from uuid import UUID

from tests.faults.arena import Arena
from tests.faults.topic import Message, messages, token_of
from tests.faults.verdict import Effect, Facts, Told

_LATENCIES = """
    SELECT percentile_disc(ARRAY[0.5, 0.9, 0.99, 1.0]) WITHIN GROUP (
        ORDER BY extract(epoch FROM e.took_effect_at - o.written_at)
    )::float8[]
    FROM effects e JOIN oracle o USING (entry_id)
"""


@dataclass(frozen=True, slots=True)
class Latencies:
    """From the writing of an entry to its effect, in seconds, the outages included."""

    median: float
    nine_in_ten: float
    ninety_nine_in_hundred: float
    longest: float

    def words(self) -> str:
        """The figures in a line."""
        return (
            f"median {self.median * 1000:,.0f} ms, 90 % {self.nine_in_ten:,.1f} s,"
            f" 99 % {self.ninety_nine_in_hundred:,.1f} s, longest {self.longest:,.1f} s"
        )


async def collect(arena: Arena) -> Facts:
    """Everything there is to be judged; the members should be at rest."""
    rows = arena.observer.rows
    by_partition: dict[int, list[Message]] = {}
    async for partition, message in messages(arena.settings("observer")):
        by_partition.setdefault(partition, []).append(message)
    parked = await rows("SELECT headers, value FROM dead_letters ORDER BY id")
    found = [
        (
            token_of({name: text.encode() for name, text in json.loads(row["headers"]).items()}, row["value"]),
            row["value"],
        )
        for row in parked
    ]
    return Facts(
        oracle=[
            Told(row["entry_id"], row["ledger_id"], str(row["book_id"]), row["version"], row["refused"])
            for row in await rows("SELECT entry_id, ledger_id, book_id, version, refused FROM oracle")
        ],
        topic=[message for partition in sorted(by_partition) for message in by_partition[partition]],
        effects=[
            Effect(row["ledger_id"], row["version"], row["entry_id"], row["event_id"])
            for row in await rows("SELECT ledger_id, version, entry_id, event_id FROM effects ORDER BY id")
        ],
        parked_entries=frozenset(UUID(json.loads(value)["entry_id"]) for token, value in found if token is None),
        parked_tokens=frozenset(token for token, _ in found if token is not None),
        injected_tokens=frozenset(row["token"] for row in await rows("SELECT token FROM malformed")),
    )


async def latencies(arena: Arena) -> Latencies:
    """How long entries took from being written to having their effect."""
    return Latencies(*(await arena.observer.value(_LATENCIES) or (0.0, 0.0, 0.0, 0.0)))
