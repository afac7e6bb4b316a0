"""Certificates: a page that says what somebody did, as PDF."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import font_roboto  # type: ignore[import-untyped]

from tandem_feedback.use_cases.closing import Certified

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = "Roboto"
FONT_FILES = Path(font_roboto.__file__).parent / "files"
MARGIN = 25
INK = (34, 40, 49)
QUIET = (110, 118, 129)


def certificate(said: Certified) -> bytes:
    """The certificate as a PDF of one page (A4, landscape). The same facts always give the same bytes."""
    from fpdf import FPDF  # only here: it loads much, and most processes never write a certificate

    logging.getLogger("fpdf").setLevel(logging.ERROR)  # its warnings quote characters of names
    page = FPDF(orientation="landscape", format="A4")
    page.add_font(FONT, fname=FONT_FILES / "Roboto-Regular.ttf")
    page.add_font(FONT, style="B", fname=FONT_FILES / "Roboto-Bold.ttf")
    page.set_creation_date(said.ended_at)
    page.set_title(f"Mentoring certificate: {said.program}")
    page.set_lang("en")
    page.set_margins(MARGIN, MARGIN)
    page.add_page()
    page.set_draw_color(*QUIET)
    page.rect(12, 12, page.w - 24, page.h - 24)
    page.set_y(45)
    _line(page, "Certificate", size=34, bold=True, height=20)
    _line(page, "This certifies that", size=13, quiet=True, height=14)
    _line(page, said.name, size=26, bold=True, height=16)
    _line(page, f"took part as {said.role} in the program", size=13, quiet=True, height=14)
    _line(page, said.program, size=20, bold=True, height=14)
    _line(page, f"from {said.began_at:%d %B %Y} to {said.ended_at:%d %B %Y}", size=13, quiet=True, height=16)
    hours = timedelta(minutes=said.minutes) / timedelta(hours=1)
    done = f"{said.sessions} {'session' if said.sessions == 1 else 'sessions'}  ·  {hours:.1f} hours"
    if said.goals_reached:
        done += f"  ·  {said.goals_reached} {'goal' if said.goals_reached == 1 else 'goals'} reached"
    _line(page, done, size=15, height=16)
    return bytes(page.output())


def _line(page: "FPDF", words: str, *, size: int, height: int, bold: bool = False, quiet: bool = False) -> None:
    page.set_font(FONT, style="B" if bold else "", size=size)
    page.set_text_color(*(QUIET if quiet else INK))
    page.multi_cell(0, height, words, align="C", new_x="LMARGIN", new_y="NEXT")
