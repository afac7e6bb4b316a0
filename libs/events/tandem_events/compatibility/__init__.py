"""What may change between two schemas of one event, and what may not, in words that say whom it would hurt."""

from collections.abc import Iterable

from tandem_events.compatibility.comparison import Comparison
from tandem_events.compatibility.findings import Forbidden, Kind
from tandem_events.compatibility.nodes import Schema, field_types

__all__ = ["Forbidden", "Kind", "additions", "field_types", "forbidden_changes", "reused_names"]


def forbidden_changes(old: Schema, new: Schema) -> list[Forbidden]:
    """Every change from `old` to `new` that the same version of an event may not make; empty where all are allowed.

    Readers of the old meet events of the new as soon as a sender is updated, and readers of the new meet events of the
    old in the archive and on the topics. A change is allowed only if neither notices.
    """
    comparison = Comparison(old, new)
    comparison.compare_documents()
    return comparison.found


def additions(old: Schema, new: Schema) -> list[str]:
    """The paths of the fields that `new` has and `old` has not, in the new schema's order."""
    before = field_types(old)
    return [path for path in field_types(new) if path not in before]


def reused_names(history: Iterable[Schema], new: Schema) -> list[Forbidden]:
    """Fields of `new` whose name had another type in any other version of the event, also in one long gone."""
    now = field_types(new)
    found: list[Forbidden] = []
    for earlier in history:
        version = earlier.get("x-tandem", {}).get("version", "?")
        for path, type_ in field_types(earlier).items():
            if path in now and now[path] != type_:
                words = f"is {now[path]}, but was {type_} in version {version}: choose another name"
                found.append(Forbidden(Kind.NAME_REUSED, path, words))
    return found
