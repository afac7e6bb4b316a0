"""Rankings from files: PrefLib's format, matched without any service or program."""

from pathlib import Path
from typing import Any

from tandem_chassis.errors import Refusal
from tandem_matching.domain.preflib import least_ranks, read_places, read_rankings, stable


class FilesUnreadable(Exception):
    """A file is no file of rankings or places; the message says which lines are wrong, and how."""


def match_files(rankings: Path, places: Path, other_side: Path | None) -> dict[str, Any]:
    """Who gets what: `match` by voter, how many got anything, and the sum of the ranks of what they got.

    Where one side ranks, as many as possible are matched, and then the sum of ranks is the least there is. With the
    alternatives' rankings of the voters in `other_side` the match is stable, and the best stable one for the voters.

    Raises:
        FilesUnreadable: a file breaks the format.
    """
    try:
        ranked = read_rankings(_text(rankings))
        free = read_places(_text(places))
        if other_side is None:
            match = least_ranks(ranked, free)
        else:
            match = stable(ranked, read_rankings(_text(other_side)), free)
    except Refusal as refusal:
        lines = "; ".join(f"line {fault.row} {fault.reason}" for fault in refusal.faults[:5])
        raise FilesUnreadable(f"{refusal.sentence} {lines}".strip()) from refusal
    ranks = [ranked[voter - 1].index(given) + 1 for voter, given in match.items()]
    return {"matched": len(match), "unmatched": len(ranked) - len(match), "sum_of_ranks": sum(ranks), "match": match}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise FilesUnreadable(f"{file.name} is not UTF-8 text.") from fault
