"""Where text for people is printed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_ELSEWHERE = 120


def screen() -> "Console":
    """The terminal; a file or a pipe is taken for a wide one, so that nothing is cut off there."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_ELSEWHERE)
