"""Sheet column documents: the kinds of columns as they are written in a sheet mapping's JSON."""

from collections.abc import Callable, Mapping

from tandem_profiles.domain.sheet_columns import (
    LONGEST_CELL,
    MOST_PLACES,
    ColumnKind,
    Email,
    ListOf,
    OneOf,
    Option,
    Text,
    WholeNumber,
    YesNo,
    spelling,
)
from tandem_profiles.domain.strict_documents import DocumentReading, inside

KIND_KEYS: Mapping[str, tuple[str, ...]] = {
    Text.name: ("longest", "several_lines"),
    Email.name: (),
    YesNo.name: ("yes", "no"),
    OneOf.name: ("options",),
    ListOf.name: ("separator", "longest_item"),
    WholeNumber.name: ("lowest", "highest"),
}
"""What can be said of a column, by the name of its kind."""


def read_kind(reading: DocumentReading, name: str, entries: Mapping[str, object], path: str) -> ColumnKind:
    """The kind of this name, with what `entries` says of it; faults are noted in `reading`."""
    return _KIND_READERS[name](reading, entries, path)


def kind_document(kind: ColumnKind) -> dict[str, object]:
    """What there is to say of a kind besides its name. What is usual is left out."""
    if isinstance(kind, OneOf):
        return {"options": options_document(kind)}
    usual = type(kind)()
    said = {key: getattr(kind, key) for key in KIND_KEYS[kind.name] if getattr(kind, key) != getattr(usual, key)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}


def read_options(reading: DocumentReading, value: object, path: str) -> OneOf:
    """The options of a JSON list, in its order: each a name, or `{"name": ..., "also": [...]}` with other spellings."""
    options: list[Option] = []
    taken: set[str] = set()
    for index, item in enumerate(reading.items(value, path)):
        item_path = f"{path}[{index}]"
        if isinstance(item, dict):
            entries = reading.table(item, item_path, known=("name", "also"))
            also = reading.texts(entries.get("also", ()), inside(item_path, "also"))
            option = Option(name=reading.text(entries.get("name"), inside(item_path, "name")), also=also)
        else:
            option = Option(name=reading.text(item, item_path))
        for word in filter(None, map(spelling, (option.name, *option.also))):
            if word in taken:
                reading.refuse(item_path, f"“{word}” is there twice")
            taken.add(word)
        options.append(option)
    if not options and isinstance(value, list | tuple):
        reading.refuse(path, "must not be empty")
    return OneOf(options=tuple(options))


def _read_text(reading: DocumentReading, entries: Mapping[str, object], path: str) -> Text:
    longest = reading.whole_number(
        entries.get("longest", LONGEST_CELL), inside(path, "longest"), lowest=1, highest=LONGEST_CELL
    )
    return Text(longest, reading.flag(entries.get("several_lines", False), inside(path, "several_lines")))


def _read_yes_no(reading: DocumentReading, entries: Mapping[str, object], path: str) -> YesNo:
    usual = YesNo()
    yes, no = (
        reading.texts(entries.get(key, words), inside(path, key))
        for key, words in (("yes", usual.yes), ("no", usual.no))
    )
    for key, words in (("yes", yes), ("no", no)):
        if not words:
            reading.refuse(inside(path, key), "must not be empty")
    for word in sorted(set(map(spelling, yes)) & set(map(spelling, no)) - {""}):
        reading.refuse(path, f"“{word}” means both yes and no")
    return YesNo(yes=yes, no=no)


def _read_one_of(reading: DocumentReading, entries: Mapping[str, object], path: str) -> OneOf:
    return read_options(reading, entries.get("options"), inside(path, "options"))


def _read_list(reading: DocumentReading, entries: Mapping[str, object], path: str) -> ListOf:
    usual = ListOf()
    separator = entries.get("separator", usual.separator)
    if not isinstance(separator, str) or not 1 <= len(separator) <= 5:
        reading.refuse(inside(path, "separator"), "must be a text of 1 to 5 characters")
        separator = usual.separator
    longest_item = reading.whole_number(
        entries.get("longest_item", usual.longest_item), inside(path, "longest_item"), lowest=1, highest=LONGEST_CELL
    )
    return ListOf(separator=separator, longest_item=longest_item)


def _read_whole_number(reading: DocumentReading, entries: Mapping[str, object], path: str) -> WholeNumber:
    usual = WholeNumber()
    lowest, highest = (
        reading.whole_number(entries.get(key, bound), inside(path, key), lowest=0, highest=MOST_PLACES)
        for key, bound in (("lowest", usual.lowest), ("highest", usual.highest))
    )
    if lowest > highest:
        reading.refuse(path, "has its lowest above its highest")
    return WholeNumber(lowest=lowest, highest=highest)


def _read_email(_: DocumentReading, __: Mapping[str, object], ___: str) -> Email:
    return Email()


_KIND_READERS: Mapping[str, Callable[[DocumentReading, Mapping[str, object], str], ColumnKind]] = {
    Text.name: _read_text,
    Email.name: _read_email,
    YesNo.name: _read_yes_no,
    OneOf.name: _read_one_of,
    ListOf.name: _read_list,
    WholeNumber.name: _read_whole_number,
}


def options_document(kind: OneOf) -> list[object]:
    """The options as JSON, as `read_options` reads them."""
    return [{"name": option.name, "also": list(option.also)} if option.also else option.name for option in kind.options]
