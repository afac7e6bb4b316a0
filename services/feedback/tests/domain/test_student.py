"""Student's quantile: SciPy's, without SciPy."""

import pytest
from scipy.special import stdtrit

from tandem_feedback.domain.student import quantile


@pytest.mark.parametrize("freedom", [0.5, 1, 1.37, 2, 3, 4.999, 8, 12.5, 29, 100, 1_234.5, 19_999, 20_001, 1e7])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.75, 0.9, 0.95, 0.975, 0.995, 0.9999])
def test_the_quantile_is_the_one_that_scipy_computes(freedom: float, probability: float) -> None:
    assert quantile(freedom, probability) == pytest.approx(float(stdtrit(freedom, probability)), rel=1e-9, abs=1e-9)


def test_printed_tables_have_it() -> None:
    """The two-sided 95 % column of any table of Student's distribution."""
    printed = {1: 12.706, 2: 4.303, 5: 2.571, 10: 2.228, 30: 2.042, 120: 1.980}
    assert {freedom: round(quantile(freedom, 0.975), 3) for freedom in printed} == printed


@pytest.mark.parametrize(("freedom", "probability"), [(0, 0.9), (-1, 0.9), (float("nan"), 0.9), (5, 1), (5, 0.4)])
def test_what_has_no_quantile_is_refused(freedom: float, probability: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        quantile(freedom, probability)
