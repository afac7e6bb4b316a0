"""Room: how many more somebody can be given in a program, as SQL over `e` (enrollments) and `l` (their ledger line).

What a number counts depends on the program's format. Where people are paired, mentors have places, in the program and
over all programs, and mentees wishes. Peers have whichever they named, and take no place of a mentor. A mentor of a
rotation is there or not: its short meetings take no places.
"""

from tandem_matching.domain.rules import PEER, ROTATION

_PLACES = "greatest(0, least(e.mentor_places - e.mentor_taken, coalesce(l.places - l.taken, 0)))"
_WISHES = "greatest(0, e.wanted_mentors - e.wanted_taken)"


def free(program_format: str) -> str:
    """The SQL for the places that a person of the mentors' side has."""
    if program_format == PEER:
        return f"""
            CASE WHEN e.paused THEN 0
                 ELSE greatest(CASE WHEN e.is_mentor THEN e.mentor_places - e.mentor_taken ELSE 0 END,
                               CASE WHEN e.is_mentee THEN {_WISHES} ELSE 0 END) END
        """
    places = "e.mentor_places" if program_format == ROTATION else _PLACES
    return f"CASE WHEN e.is_mentor AND NOT e.paused THEN {places} ELSE 0 END"


def wanted(program_format: str) -> str:
    """The SQL for how many a person of the mentees' side still wants."""
    if program_format == PEER:
        return free(PEER)
    wishes = "least(1, e.wanted_mentors)" if program_format == ROTATION else _WISHES
    return f"CASE WHEN e.is_mentee AND NOT e.paused THEN {wishes} ELSE 0 END"
