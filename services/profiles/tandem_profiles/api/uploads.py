"""Uploads: what the sender of a file says about it."""

import io
from collections.abc import Iterator
from email.message import Message

from fastapi import Request

from tandem_chassis.errors import TooLarge, UnsupportedMedia
from tandem_profiles.domain.sheet_text import Coding, SheetUnreadable

CSV_TYPES = frozenset({"text/csv", "text/plain", "application/csv", "application/octet-stream"})
"""What browsers and tools call a CSV file. A workbook is recognised by its content, whatever it is called."""

WORKBOOK_TYPES = frozenset(
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.ms-excel"}
)


class NotAFile(UnsupportedMedia):
    """The body was sent as something that no sheet is."""

    def __init__(self) -> None:
        super().__init__("Send the file itself as the body, with Content-Type: text/csv.")


def charset_of(content_type: str) -> str | None:
    """The encoding that a Content-Type names, if it names one.

    Raises:
        NotAFile: the body is neither a CSV file nor a workbook.
    """
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() not in CSV_TYPES | WORKBOOK_TYPES:
        raise NotAFile
    charset = header.get_param("charset")
    return charset if isinstance(charset, str) else None


async def received_sheet(request: Request, *, most_lines: int, too_long: TooLarge) -> io.BytesIO:
    """The body, as long as it has no more lines than that; line ends between quotes are none.

    Of a longer one nothing is kept, but it is received to its end: who is still sending would not see an answer.

    Raises `too_long`.
    """
    content = io.BytesIO()
    lines, is_quoted = 0, False
    async for chunk in request.stream():
        lines, is_quoted = _count_lines(chunk, lines, is_quoted=is_quoted)
        if lines <= most_lines:
            content.write(chunk)
        elif content.tell():
            content = io.BytesIO()
    if lines > most_lines:
        raise too_long
    content.seek(0)
    return content


def _count_lines(chunk: bytes, lines: int, *, is_quoted: bool) -> tuple[int, bool]:
    between_quotes = chunk.split(b'"')
    outside = between_quotes[1 if is_quoted else 0 :: 2]
    lines += sum(part.count(b"\n") for part in outside)
    return lines, is_quoted ^ (len(between_quotes) % 2 == 0)


def lines_of(content: io.BytesIO, coding: Coding) -> Iterator[str]:
    """The lines of a sheet with their ends, decoded one after the other; the content can be read once only.

    Raises `SheetUnreadable`.
    """
    content.seek(coding.mark_bytes)
    text = io.TextIOWrapper(content, encoding=coding.codec, errors=coding.errors, newline="")
    try:
        yield from text
    except UnicodeDecodeError:
        raise SheetUnreadable(coding.label) from None
