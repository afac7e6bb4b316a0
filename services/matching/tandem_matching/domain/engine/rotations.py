"""Rotations: the plan of meetings, compiled."""

from numba import njit

from tandem_matching.domain.meeting_paths import plan

compiled_plan = njit(cache=True, nogil=True)(plan)
