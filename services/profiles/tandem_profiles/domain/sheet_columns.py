"""Sheet columns: the kinds of answers that a column can hold, and how each is read from a cell."""

import re
from dataclasses import dataclass, field
from typing import ClassVar

Value = str | bool | int | tuple[str, ...]

LONGEST_CELL = 20_000
MOST_PLACES = 1_000


class CellRefused(Exception):
    """A cell doesn't hold what its column is for. The message goes on after the cell's text: `is not ...`."""


@dataclass(frozen=True, slots=True)
class Text:
    """Anything written. On one line, unless `several_lines`."""

    name: ClassVar[str] = "text"

    longest: int = LONGEST_CELL
    several_lines: bool = False

    def read(self, cell: str) -> str:
        """The text; line ends are made alike, and become spaces where one line is wanted.

        Raises:
            CellRefused: it is longer than `longest` characters.
        """
        if len(cell) > self.longest:
            raise CellRefused(f"is {len(cell):,} characters long; at most {self.longest:,} are taken")
        if self.several_lines:
            return cell.replace("\r\n", "\n").replace("\r", "\n") if "\r" in cell else cell
        return " ".join(cell.split())


_LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_LABEL_REST = r"(?:(?:[^\W_]|-){0,61}[^\W_])?"
_DOMAIN = re.compile(rf"(?:[^\W_]{_LABEL_REST}\.)+[^\W\d_]{_LABEL_REST}")
_PLAIN_ADDRESS = re.compile(rf"(?P<local>{_LOCAL_PART.pattern})@{_DOMAIN.pattern}")


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address as people write it: no display name, no quoted local part, a domain with a dot."""

    name: ClassVar[str] = "email"

    def read(self, cell: str) -> str:
        """The address, its case kept.

        Raises:
            CellRefused: it isn't an address; the reason says where it goes wrong.
        """
        found = _PLAIN_ADDRESS.fullmatch(cell)
        # What a mail envelope can carry (RFC 5321, 4.5.3.1, less the angle brackets), and the part before the @.
        if found is not None and len(cell) <= 254 and len(found["local"]) <= 64:
            return cell
        raise CellRefused(f"is not an e-mail address: {_fault_of_address(cell)}")


def _fault_of_address(cell: str) -> str:
    if any(character.isspace() for character in cell) or any(character in cell for character in "<>,;"):
        return "one address is wanted, with nothing around it"
    if cell.count("@") != 1:
        return "it has no @" if "@" not in cell else "it has more than one @"
    local_part, domain = cell.split("@")
    if not _LOCAL_PART.fullmatch(local_part):
        return "the part before the @ is missing or malformed"
    if not _DOMAIN.fullmatch(domain):
        return "the part after the @ must be a domain such as example.org"
    return "it is longer than an address can be"


@dataclass(frozen=True, slots=True)
class YesNo:
    """Yes or no, in the words of the sheet's language. Case doesn't matter."""

    name: ClassVar[str] = "yes_no"

    yes: tuple[str, ...] = ("yes", "y", "true", "1")
    no: tuple[str, ...] = ("no", "n", "false", "0")
    _meanings: dict[str, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        meanings = {spelling(word): False for word in self.no} | {spelling(word): True for word in self.yes}
        object.__setattr__(self, "_meanings", meanings)

    def read(self, cell: str) -> bool:
        """True for yes.

        Raises:
            CellRefused: it is neither.
        """
        meaning = self._meanings.get(cell)
        if meaning is None:
            meaning = self._meanings.get(spelling(cell))
        if meaning is None:
            raise CellRefused(f"is neither {self.yes[0]} nor {self.no[0]}")
        return meaning


@dataclass(frozen=True, slots=True)
class Option:
    """One of several answers, and how else people write it."""

    name: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a list of answers, in an order that means something (grades: the lowest first)."""

    name: ClassVar[str] = "one_of"

    options: tuple[Option, ...]
    _names: dict[str, str] = field(init=False, repr=False, compare=False)
    _ranks: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = {spelling(word): option.name for option in self.options for word in (option.name, *option.also)}
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_ranks", {option.name: rank for rank, option in enumerate(self.options, start=1)})

    def read(self, cell: str) -> str:
        """The option's own name, however the cell spells it. Case and the number of spaces don't matter.

        Raises:
            CellRefused: it is none of them.
        """
        name = cell if cell in self._ranks else self._names.get(spelling(cell))
        if name is None:
            raise CellRefused(f"is not one of {', '.join(option.name for option in self.options)}")
        return name

    def rank(self, name: str) -> int:
        """The place of the option with this own name, counted from 1."""
        return self._ranks[name]


@dataclass(frozen=True, slots=True)
class ListOf:
    """Several answers in one cell."""

    name: ClassVar[str] = "list"

    separator: str = ","
    longest_item: int = 200

    def read(self, cell: str) -> tuple[str, ...]:
        """The answers in the order given, each once; blanks between separators are left out.

        Raises:
            CellRefused: one of them is longer than `longest_item` characters.
        """
        items = tuple(dict.fromkeys(filter(None, (" ".join(item.split()) for item in cell.split(self.separator)))))
        if any(len(item) > self.longest_item for item in items):
            raise CellRefused(f"holds an answer of more than {self.longest_item:,} characters")
        return items


_WHOLE_NUMBER = re.compile(r"(-?[0-9]{1,12})(?:\.0{1,6})?")


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number within bounds, both included."""

    name: ClassVar[str] = "whole_number"

    lowest: int = 0
    highest: int = MOST_PLACES

    def read(self, cell: str) -> int:
        """The number. `2.0` is taken for 2: tools that keep every number as a decimal export it so.

        Raises:
            CellRefused: it isn't a whole number, or out of bounds.
        """
        found = _WHOLE_NUMBER.fullmatch(cell)
        if found is None:
            raise CellRefused("is not a whole number")
        number = int(found[1])
        if not self.lowest <= number <= self.highest:
            raise CellRefused(f"is not from {self.lowest} to {self.highest}")
        return number


ColumnKind = Text | Email | YesNo | OneOf | ListOf | WholeNumber


def spelling(text: str) -> str:
    """How two spellings are compared: without regard to case and to the number of spaces."""
    return " ".join(text.split()).casefold()
