"""Swaps: few people who change places, compiled."""

from numba import njit

from tandem_matching.domain.swapping import swap

compiled_swap = njit(cache=True, nogil=True)(swap)
