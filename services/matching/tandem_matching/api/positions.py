"""Positions in cursors: what may stand in one where a list is counted through."""


def row_number(written: object) -> int:
    """A position in a counted list, as `paging.decode` reads it. Raises `ValueError` for what no list can have."""
    if isinstance(written, bool) or not isinstance(written, int) or not 0 <= written < 2**31:
        raise ValueError(written)
    return written
