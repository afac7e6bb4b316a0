"""Endings: why relationships end, who may say so, and what of it others are told."""

MENTOR_LEFT = "mentor_left"
"""Why a mentee is first in line whose mentor is no longer theirs."""

REASONS_OF_MEMBERS = ("completed", "no_fault_rematch")
"""What a member may say; everything else is for the program's managers."""

MISCONDUCT = "misconduct"


def told_reason(reason: str) -> str:
    """The reason as it leaves matching, and as members see it.

    That there was misconduct is about a person, and may be a mere allegation: only the program's managers see it.
    Everybody else is told that somebody left the relationship.
    """
    return "left" if reason == MISCONDUCT else reason
