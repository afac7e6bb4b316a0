"""Student's distribution: how far from the mean an interval reaches.

The one function is here, so that the service need not carry SciPy, which is as large as all the rest of it. Tests hold
it to SciPy's.

Source: NIST Digital Library of Mathematical Functions, 8.17.22 (the continued fraction of the incomplete beta function,
summed as Lentz's method does, Applied Optics 15 (1976)); Abramowitz and Stegun, 26.7.1 and 26.7.5.
"""

from math import exp, inf, lgamma, log, log1p
from statistics import NormalDist

TINY = 1e-300
TERMS = 10_000

NEARLY_NORMAL = 20_000
"""With more degrees of freedom than this the series is righter than a sum whose terms cancel each other."""


def quantile(freedom: float, probability: float) -> float:
    """Below which value a Student variable with these degrees of freedom is with this probability.

    Right to nine digits for degrees of freedom from 0.5 on, and probabilities from 0.5 to 0.9999.

    Raises:
        ValueError: the degrees of freedom are not positive, or the probability is not from 0.5 up to 1.
    """
    if not freedom > 0 or not 0.5 <= probability < 1:
        raise ValueError(f"no quantile of {probability} with {freedom} degrees of freedom")
    if freedom > NEARLY_NORMAL:
        z = NormalDist().inv_cdf(probability)
        return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    low, high = 0.0, 1.0
    while _below(high, freedom) < probability:
        low, high = high, 2 * high
        if high == inf:
            raise ValueError(f"the quantile of {probability} with {freedom} degrees of freedom is too large")
    while low < (middle := (low + high) / 2) < high:
        if _below(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return high


def _below(value: float, freedom: float) -> float:
    """The probability of less than this value, which is not negative."""
    square = value * value
    if square < freedom:
        return 0.5 + _incomplete_beta(0.5, freedom / 2, square / (freedom + square)) / 2
    return 1 - _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + square)) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function I_x(a, b)."""
    if x == 0 or x == 1:
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return front * fraction


def _not_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
