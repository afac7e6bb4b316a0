"""Stakes: what being matched at all is worth, so that numbers of pairs come before points in one whole number."""

import numpy as np
import numpy.typing as npt

from tandem_matching.domain.encoded import Numbers


def stakes(first_in_line: npt.NDArray[np.bool_], most_points: int, places: Numbers) -> Numbers:
    """What being matched at all is worth: so much that one more pair beats any points, and any place in line.

    Whoever is first in line has a stake that beats any points of others, but not one more pair.
    """
    # Rounded up, so that a few people more or less change no stake, and what was proven of a pool still holds.
    pairs = 1 << int(min(len(first_in_line), places.sum())).bit_length()
    line = (most_points + 1) * (pairs + 1) if first_in_line.any() else 0
    base = (most_points + line + 1) * (pairs + 1)
    return np.where(first_in_line, base + line, base).astype(np.int64)
