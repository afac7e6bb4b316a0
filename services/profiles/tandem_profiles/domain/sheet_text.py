"""Sheet text: from the bytes that somebody sent to characters, without guessing and without garbling."""

import codecs
import re
from dataclasses import dataclass

from tandem_chassis.errors import Invalid, TooLarge, UnsupportedMedia

SIZE_LIMIT_BYTES = 20_000_000


class SheetTooLarge(TooLarge):
    """The sheet has more bytes than are taken."""

    def __init__(self, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"The sheet has {size_bytes:,} bytes; at most {limit_bytes:,} are taken. Send it in parts.",
            size_bytes=size_bytes,
            limit_bytes=limit_bytes,
        )


class SheetIsWorkbook(UnsupportedMedia):
    """A spreadsheet program's own file was sent instead of a CSV file."""

    def __init__(self) -> None:
        super().__init__(
            "This is a spreadsheet program's own file (such as XLSX), not CSV. "
            "Open it there, choose “Save as” and “CSV UTF-8”, and send that file."
        )


class SheetEncodingUnknown(UnsupportedMedia):
    """The sheet was said to be in an encoding that isn't read here."""

    def __init__(self, encoding: str) -> None:
        super().__init__(f"The encoding “{shown(encoding)}” isn't read here; read are {', '.join(sorted(_CODECS))}.")


class SheetUnreadable(Invalid):
    """The bytes aren't text in the encoding that they are in, by their byte-order mark or by what was said."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The sheet is damaged: it isn't {encoding} all through. Save it as “CSV UTF-8” and send it again."
        )


# Only names from here reach Python's codecs: a name from outside would make it search for a module of that name.
# Latin-1 is read as Windows-1252, as browsers do: the bytes in which they differ are printable in the latter only.
_CODECS = {
    "utf-8": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1253": "cp1253",
    "windows-1254": "cp1254",
    "windows-1257": "cp1257",
    "iso-8859-2": "iso8859-2",
    "iso-8859-15": "iso8859-15",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class SheetText:
    """A sheet's characters. A byte that is none in this encoding stands as its surrogate escape (PEP 383)."""

    text: str
    encoding: str
    has_unfit: bool
    """Whether some character can't be stored; `reason_unfit` says which, cell by cell."""


def decode_sheet(content: bytes, *, encoding: str | None = None, size_limit_bytes: int = SIZE_LIMIT_BYTES) -> SheetText:
    """The characters of `content`, without a byte-order mark.

    A byte-order mark decides the encoding, then what was said in `encoding`, then UTF-8. Nothing is guessed: a guess
    that is wrong stores `MÃ¼ller` and nobody notices.

    Raises:
        SheetTooLarge: more bytes than `size_limit_bytes`.
        SheetIsWorkbook: XLSX, ODS or XLS.
        SheetEncodingUnknown: `encoding` names none that is read here.
        SheetUnreadable: UTF-16 that is cut off or malformed.
    """
    if len(content) > size_limit_bytes:
        raise SheetTooLarge(size_bytes=len(content), limit_bytes=size_limit_bytes)
    coding = coding_of(content[:8], encoding=encoding)
    try:
        text = content[coding.mark_bytes :].decode(coding.codec, coding.errors)
    except UnicodeDecodeError:
        raise SheetUnreadable(coding.label) from None
    return SheetText(text=text, encoding=coding.label, has_unfit=_UNFIT.search(text) is not None)


@dataclass(frozen=True, slots=True)
class Coding:
    """How a sheet's bytes become characters."""

    label: str
    """What the encoding is called outside."""
    codec: str
    errors: str
    mark_bytes: int
    """The length of its byte-order mark, which is none of its characters."""


def coding_of(begin: bytes, *, encoding: str | None = None) -> Coding:
    """How a sheet that begins like this is read: as its byte-order mark says, then `encoding`, then as UTF-8.

    Raises:
        SheetIsWorkbook, SheetEncodingUnknown
    """
    if begin.startswith(_WORKBOOKS):
        raise SheetIsWorkbook
    label, mark_bytes = _label_of(encoding) if encoding else "utf-8", 0
    for mark, marked in _BYTE_ORDER_MARKS:
        if begin.startswith(mark):
            label, mark_bytes = marked, len(mark)
            break
    codec = _CODECS[label]
    # UTF-16 has no single bytes to point at; elsewhere a bad byte is kept, to be named with its row and column.
    errors = "strict" if codec.startswith("utf-16") else "surrogateescape"
    return Coding(label, codec, errors, mark_bytes)


def _label_of(encoding: str) -> str:
    label = encoding.strip().strip("\"'").casefold().replace("_", "-")
    label = {
        "utf8": "utf-8", "utf-8-sig": "utf-8", "ascii": "us-ascii", "latin1": "latin-1", "iso8859-1": "iso-8859-1",
        "utf16": "utf-16", "utf-16-le": "utf-16le", "utf-16-be": "utf-16be",
    }.get(label, label)  # fmt: skip
    label = re.sub(r"^(?:cp-?|windows)(125\d)$", r"windows-\1", label)
    if label not in _CODECS:
        raise SheetEncodingUnknown(encoding)
    return label


def reason_unfit(cell: str, *, encoding: str) -> str | None:
    """Why this cell can't be stored as text; None if it can."""
    found = _UNFIT.search(cell)
    if found is None:
        return None
    character = found[0]
    if character == "\0":
        return "holds a NUL character: the file is not CSV, or in an encoding that has to be said (such as UTF-16)"
    if "\udc80" <= character <= "\udcff":
        byte = ord(character) - 0xDC00
        meant = bytes([byte]).decode("cp1252", "replace")
        hint = f" (in Windows-1252 it is “{meant}”)" if encoding == "utf-8" and meant != "\ufffd" else ""
        advice = "save the sheet as “CSV UTF-8”, or say its encoding"
        return f"holds the byte 0x{byte:02X}, which is not {encoding}{hint}: {advice}"
    return f"holds the control character U+{ord(character):04X}"


def shown(text: str, *, longest: int = 40) -> str:
    """`text` as an answer can quote it: short, on one line, and without characters that can't be printed."""
    clipped = text if len(text) <= longest else text[:longest] + "…"
    if clipped.isprintable():
        return clipped
    return "".join(character if character.isprintable() else _escaped(character) for character in clipped)


def _escaped(character: str) -> str:
    if character in "\r\n\t\u2028\u2029":
        return " "
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02X}"
    return f"\\u{ord(character):04X}"
