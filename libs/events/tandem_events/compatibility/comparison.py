"""A walk over two schemas of one event at once, which gathers every change that a reader would notice."""

from collections.abc import Iterable, Mapping
from typing import Any

from tandem_events.compatibility.findings import Forbidden, Kind
from tandem_events.compatibility.nodes import (
    ABSENT,
    CLASSIFICATION,
    PROTECTION,
    Schema,
    alternatives,
    beside_alternatives,
    classification,
    may_be_null,
    resolved,
    type_of,
    values_of,
)

ANNOTATIONS = frozenset(
    {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "deprecated", "x-since", "x-tandem"}
)
"""Keywords that tell a person something and a reader's code nothing."""

AT_LEAST = {
    "minimum": "the smallest value",
    "exclusiveMinimum": "the bound below",
    "minLength": "the shortest text",
    "minItems": "the fewest items",
    "minProperties": "the fewest entries",
}
AT_MOST = {
    "maximum": "the largest value",
    "exclusiveMaximum": "the bound above",
    "maxLength": "the longest text",
    "maxItems": "the most items",
    "maxProperties": "the most entries",
}
EXACTLY = {
    "pattern": "the pattern",
    "multipleOf": "the step",
    "uniqueItems": "whether items are unique",
    "contentEncoding": "the encoding",
    "contentMediaType": "the media type",
}
JUDGED = frozenset(
    {"$ref", "type", "format", "enum", "const", "anyOf", "oneOf", "default", "properties", "required", CLASSIFICATION}
    | {"additionalProperties", "propertyNames", "items", "prefixItems"}
    | {*AT_LEAST, *AT_MOST, *EXACTLY}
)


class Comparison:
    """A walk over both schemas at once, which gathers what it finds."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str]] = set()
        self.found: list[Forbidden] = []

    def compare_documents(self) -> None:
        before, after = self._old.get("x-tandem", {}), self._new.get("x-tandem", {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                words = f"its {name} was {before.get(name)!r} and is {after.get(name)!r}: readers look in the old place"
                self._say(Kind.ROUTE_CHANGED, "", words)
        self._compare("", self._old, self._new)

    def _say(self, kind: Kind, path: str, words: str) -> None:
        self.found.append(Forbidden(kind, path, words))

    def _compare(self, path: str, old: Schema, new: Schema) -> None:
        self._compare_around(path, resolved(old, self._old)[1], resolved(new, self._new)[1])
        self._compare_alternatives(path, old, new)

    def _compare_around(self, path: str, old: Schema, new: Schema) -> None:
        """What is said of the value as a whole, whichever of its alternatives it is."""
        before, after = may_be_null(old, self._old), may_be_null(new, self._new)
        if before and not after:
            self._say(Kind.NO_LONGER_NULLABLE, path, "may no longer be null: old events where it is cannot be read")
        if after and not before:
            self._say(Kind.NEWLY_NULLABLE, path, "may now be null: a reader of the old does not expect that")
        was, now = old.get("default", ABSENT), new.get("default", ABSENT)
        if was is not ABSENT and now is not ABSENT and was != now:
            words = f"stood for {was!r} where it is absent and now for {now!r}: old events would change their meaning"
            self._say(Kind.DEFAULT_CHANGED, path, words)
        protected, protects = classification(old, self._old), classification(new, self._new)
        if PROTECTION.get(protects, 0) < PROTECTION.get(protected, len(PROTECTION)):
            words = f"was {protected} and is {protects or 'open'}: it would be shown where it may not be"
            self._say(Kind.LESS_PROTECTED, path, words)
        self._compare_the_rest(path, beside_alternatives(old), beside_alternatives(new), judged=frozenset())

    def _compare_alternatives(self, path: str, old: Schema, new: Schema) -> None:
        before, after = self._by_type(old, self._old), self._by_type(new, self._new)
        if set(before) != set(after):
            was, now = " or ".join(sorted(before)) or "null", " or ".join(sorted(after)) or "null"
            self._say(Kind.RETYPED, path, f"was {was} and is {now}")
            return
        for type_, was_parts in before.items():
            now_parts = after[type_]
            if len(was_parts) != len(now_parts):
                words = f"had {len(was_parts)} shapes of {type_} and has {len(now_parts)}"
                self._say(Kind.RETYPED, path, words)
                continue
            for (was_name, was_part), (now_name, now_part) in zip(was_parts, now_parts, strict=True):
                if was_name and now_name:
                    if (was_name, now_name) in self._seen:
                        continue  # compared before, or a definition that contains itself
                    self._seen.add((was_name, now_name))
                self._compare_one(path, was_part, now_part)

    @staticmethod
    def _by_type(node: Schema, document: Schema) -> dict[str, list[tuple[str, Schema]]]:
        found: dict[str, list[tuple[str, Schema]]] = {}
        for reference, part in alternatives(node, document):
            found.setdefault(type_of(part), []).append((reference, part))
        return found

    def _compare_one(self, path: str, old: Schema, new: Schema) -> None:
        """Compare two shapes of the same type."""
        self._compare_values(path, old, new)
        if old.get("format") != new.get("format"):
            words = f"its format was {old.get('format', 'free')} and is {new.get('format', 'free')}"
            self._say(Kind.FORMAT_CHANGED, path, words)
        self._compare_constraints(path, old, new)
        if "properties" in old or "properties" in new:
            self._compare_fields(path, old, new)
        self._compare_parts(path, old, new)
        self._compare_the_rest(path, old, new, judged=JUDGED)

    def _compare_the_rest(self, path: str, old: Schema, new: Schema, *, judged: frozenset[str]) -> None:
        for keyword in sorted((old.keys() | new.keys()) - ANNOTATIONS - judged):
            if old.get(keyword, ABSENT) != new.get(keyword, ABSENT):
                self._say(Kind.NOT_JUDGED, path, f"{keyword} changed, and no rule says that readers bear it")

    def _compare_values(self, path: str, old: Schema, new: Schema) -> None:
        before, after = values_of(old), values_of(new)
        if before is None and after is not None:
            words = f"may now only be one of {_listed(after)}: old events with others cannot be read"
            self._say(Kind.ENUM_VALUE_REMOVED, path, words)
        elif before is not None and after is None:
            words = f"may now be anything, not only {_listed(before)}: a reader of the old knows no others"
            self._say(Kind.ENUM_VALUE_ADDED, path, words)
        elif before is not None and after is not None:
            for value in after:
                if value not in before:
                    words = f"may now be {value!r}: a reader of the old does not know it"
                    self._say(Kind.ENUM_VALUE_ADDED, path, words)
            for value in before:
                if value not in after:
                    words = f"may no longer be {value!r}: old events that say so cannot be read"
                    self._say(Kind.ENUM_VALUE_REMOVED, path, words)

    def _compare_constraints(self, path: str, old: Schema, new: Schema) -> None:
        for keywords, sign in ((AT_LEAST, 1), (AT_MOST, -1)):
            for keyword, noun in keywords.items():
                was, now = old.get(keyword), new.get(keyword)
                if was == now:
                    continue
                tighter = was is None or (now is not None and (now - was) * sign > 0)
                self._say_constraint(path, noun, was, now, tighter=tighter)
        for keyword, noun in EXACTLY.items():
            was, now = old.get(keyword), new.get(keyword)
            if was != now:
                self._say_constraint(path, noun, was, now, tighter=now is not None)

    def _say_constraint(self, path: str, noun: str, was: Any, now: Any, *, tighter: bool) -> None:
        change = f"{noun} was {'free' if was is None else repr(was)} and is {'free' if now is None else repr(now)}"
        if tighter:
            self._say(Kind.CONSTRAINT_TIGHTENED, path, f"{change}: old events outside it cannot be read")
        else:
            self._say(Kind.CONSTRAINT_LOOSENED, path, f"{change}: a reader of the old refuses what it did not allow")

    def _compare_fields(self, path: str, old: Schema, new: Schema) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        added = [name for name in after if name not in before]
        for name in before:
            place = _below(path, name)
            if name in after:
                if name in needs - needed:
                    self._say(Kind.NEWLY_REQUIRED, place, "is now required: old events lack it")
                if name in needed - needs:
                    self._say(Kind.NO_LONGER_REQUIRED, place, "is no longer required: a reader of the old needs it")
                self._compare(place, before[name], after[name])
                continue
            heir = next((other for other in added if self._same_shape(before[name], after[other])), None)
            if heir is None:
                self._say(Kind.REMOVED, place, "was removed: a reader of the old misses it")
            else:
                added.remove(heir)
                words = f"was renamed to {heir}, or removed beside a new field of its type: a reader misses it"
                self._say(Kind.RENAMED, place, words)
        for name in after:
            if name not in before and name in needs:
                self._say(Kind.NEWLY_REQUIRED, _below(path, name), "is new and required: old events lack it")

    def _same_shape(self, old: Schema, new: Schema) -> bool:
        silent = {"default": ABSENT}
        trial = Comparison(self._old, self._new)
        trial._compare("", {**old, **silent}, {**new, **silent})
        return not trial.found

    def _compare_parts(self, path: str, old: Schema, new: Schema) -> None:
        """What is inside lists and dictionaries."""
        for keyword, place in (("items", f"{path}[]"), ("propertyNames", f"{path}{{name}}")):
            was, now = old.get(keyword, ABSENT), new.get(keyword, ABSENT)
            self._compare_optional(place, was, now)
        was_extra, now_extra = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if now_extra is False and was_extra is not False:
            self._say(Kind.CLOSED, path, "no longer lets unknown fields pass: no field could ever be added")
        elif was_extra != now_extra:
            self._compare_optional(
                f"{path}{{}}",
                was_extra if isinstance(was_extra, Mapping) else ABSENT,
                now_extra if isinstance(now_extra, Mapping) else ABSENT,
            )
        before, after = old.get("prefixItems", ()), new.get("prefixItems", ())
        if len(before) != len(after):
            self._say(Kind.RETYPED, path, f"had {len(before)} fixed items and has {len(after)}")
        else:
            for place_in_list, (was_item, now_item) in enumerate(zip(before, after, strict=True)):
                self._compare(f"{path}[{place_in_list}]", was_item, now_item)

    def _compare_optional(self, path: str, was: Any, now: Any) -> None:
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            self._compare(path, was, now)
        elif was != now:
            words = "is now held to a type" if was is ABSENT else "is no longer held to its type"
            self._say(Kind.RETYPED, path, words)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(repr(value) for value in values)
