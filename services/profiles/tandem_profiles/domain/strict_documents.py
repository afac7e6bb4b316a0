"""Strict documents: reading a JSON document of somebody else's making, with every fault named in one go."""

from collections.abc import Collection

from tandem_chassis.errors import Fault


class DocumentReading:
    """Reads one document and remembers what is wrong with it.

    A value that can't be read is noted as a fault and replaced by a harmless one, so that reading goes on to the next.
    What was built is only to be used if `faults` is empty.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def refuse(self, path: str, reason: str) -> None:
        """Note a fault. `path` is written as `mentor.columns[3].kind`; empty for the document as a whole."""
        self.faults.append(Fault(reason, field=path or None))

    def table(self, value: object, path: str, *, known: Collection[str]) -> dict[str, object]:
        """The entries of a JSON object. An entry that isn't `known` is a fault: most are spelling mistakes."""
        if not isinstance(value, dict):
            self.refuse(path, f"must be an object, not {_name_of(value)}")
            return {}
        entries = {str(key): entry for key, entry in value.items()}
        for key in entries:
            if key not in known:
                self.refuse(inside(path, key), f"is not known here; known are {', '.join(sorted(known))}")
        return {key: entry for key, entry in entries.items() if key in known}

    def items(self, value: object, path: str) -> list[object]:
        """The items of a JSON array."""
        if isinstance(value, list | tuple):
            return list(value)
        self.refuse(path, f"must be a list, not {_name_of(value)}")
        return []

    def text(self, value: object, path: str) -> str:
        """A text that isn't blank, trimmed."""
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.refuse(path, "must not be empty" if isinstance(value, str) else f"must be a text, not {_name_of(value)}")
        return ""

    def texts(self, value: object, path: str) -> tuple[str, ...]:
        """Texts that aren't blank, trimmed."""
        return tuple(self.text(item, f"{path}[{index}]") for index, item in enumerate(self.items(value, path)))

    def whole_number(self, value: object, path: str, *, lowest: int, highest: int) -> int:
        """A whole number within bounds, both included."""
        # In Python a bool is an int; in JSON `true` is no number.
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(path, f"must be a whole number, not {_name_of(value)}")
        elif not lowest <= value <= highest:
            self.refuse(path, f"must be from {lowest} to {highest}, not {value}")
        else:
            return value
        return lowest

    def flag(self, value: object, path: str) -> bool:
        """`true` or `false`."""
        if isinstance(value, bool):
            return value
        self.refuse(path, f"must be true or false, not {_name_of(value)}")
        return False


def inside(path: str, key: str) -> str:
    """The path of an entry of the object at `path`."""
    return f"{path}.{key}" if path else key


def _name_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
    return type(value).__name__
