"""Outcomes: what became of those who took part, compared with people like them who did not.

Nobody's outcome is found by taking one answer from another. Who is compared is asked for by whole quarters, which share
nobody's enrollment; each person counts for one program; over all programs only those programs count that could be told
alone; and people are compared only with five others or more at once. `docs/reports-and-small-groups.md` explains it.

The estimate is a stratified difference of means. People are put into strata by unit, job title and tenure; within each
stratum that has people of both kinds, the difference of their means is taken; the differences are averaged with the
participants' numbers as weights. So it speaks of those who took part. Its variance is Neyman's: from the spread within
each stratum and kind, which may differ; where there is one person alone, the spread of the kind over all strata stands
in. The interval is Student's, with the degrees of freedom of Welch and Satterthwaite. With one stratum it is Welch's
interval, as `scipy.stats.ttest_ind(equal_var=False)` computes it.

Source: Imbens and Rubin, Causal Inference for Statistics, Social, and Biomedical Sciences (2015), chapters 9 and 17;
Welch, Biometrika 34 (1947).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from math import sqrt
from typing import TypeVar

from tandem_feedback.domain.student import quantile

SMALLEST = 5
CONFIDENCE = 0.95

METHOD = (
    "Participants are compared with employees who took part in no program until the end of the period, within groups of"
    " the same unit, the same job title and a similar tenure (less than 1, 3, 7, 15 years, or more) at the beginning of"
    " the period. The unit is the department then, or the one in the employee sheet where no history tells it. Whether"
    " somebody moved is compared among those whose department then is known. The difference in each group is weighted"
    " by its participants. Participants who have fewer than five people to be compared with are left out; their number"
    " is shown. Who was enrolled in several programs in the quarter counts for the first of them. Over all programs,"
    " only those with at least five participants count. Intervals are at 95 % (Welch and Satterthwaite). Numbers of"
    " people are rounded down to a multiple of five, shares to hundredths, growth to tenths of a percent."
)
CAUTION = (
    "A comparison is no proof. Nobody was assigned by lot: people who take part may differ from those who do not in"
    " ways that no record shows, such as ambition or a manager who supports them. The difference may come from that."
)


class Months(IntEnum):
    """How many months after the first day of a quarter may be looked at."""

    SIX = 6
    TWELVE = 12
    TWENTY_FOUR = 24
    THIRTY_SIX = 36
    SIXTY = 60


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of a year, from 1 to 4."""

    year: int
    number: int

    @classmethod
    def parse(cls, name: str) -> "Quarter":
        """The quarter that is written like 2026-Q1."""
        year, number = name.split("-Q")
        return cls(int(year), int(number))

    @property
    def begins(self) -> date:
        """Its first day."""
        return self.months_later(0)

    @property
    def ends(self) -> date:
        """The first day after it."""
        return self.months_later(3)

    def months_later(self, months: int) -> date:
        """The day so many months after its first."""
        years, month = divmod(3 * (self.number - 1) + months, 12)
        return date(self.year + years, month + 1, 1)


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of one kind of people in a stratum: how many, the sum of a value, and the sum of its squares."""

    number: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """The mean."""
        return self.total / self.number

    @property
    def scatter(self) -> float:
        """The sum of squared distances from the mean."""
        return max(0.0, self.squares - self.total**2 / self.number)


@dataclass(frozen=True, slots=True)
class Stratum:
    """People who are alike in what is compared by."""

    participants: Sample
    others: Sample


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between participants and people like them, and how sure it is."""

    participants: int
    others: int
    participants_mean: float
    others_mean: float
    difference: float
    low: float
    high: float


Key = TypeVar("Key", bound=Hashable)


def strata_of(programs: Sequence[Mapping[Key, Sample]], others: Mapping[Key, Sample]) -> list[Stratum]:
    """What is compared: the participants of these programs, who share nobody, and the others, each by stratum.

    Only strata with five others count, and only programs that have five participants in such strata. So a comparison
    over several programs, less those over some of them, leaves whole programs of five people or more.
    """
    enough = {key: sample for key, sample in others.items() if sample.number >= SMALLEST}
    told = [one for one in programs if sum(one[key].number for key in one.keys() & enough.keys()) >= SMALLEST]
    return [
        Stratum(_together([one[key] for one in told if key in one]), sample)
        for key, sample in enough.items()
        if any(key in one and one[key].number for one in told)
    ]


def _together(samples: Sequence[Sample]) -> Sample:
    return Sample(
        sum(one.number for one in samples), sum(one.total for one in samples), sum(one.squares for one in samples)
    )


def compare(strata: Sequence[Stratum], *, confidence: float = CONFIDENCE) -> Comparison | None:
    """The stratified difference with its interval; nothing where there are too few people to say anything.

    The mean of the others is weighted as the participants are. It takes five people of each kind, and more people than
    strata, since the spread is measured within strata.
    """
    both = [stratum for stratum in strata if stratum.participants.number and stratum.others.number]
    participants = sum(stratum.participants.number for stratum in both)
    others = sum(stratum.others.number for stratum in both)
    if min(participants, others) < SMALLEST or min(participants, others) <= len(both):
        return None
    weights = [stratum.participants.number / participants for stratum in both]
    mean_participants = sum(w * stratum.participants.mean for w, stratum in zip(weights, both, strict=True))
    mean_others = sum(w * stratum.others.mean for w, stratum in zip(weights, both, strict=True))
    variances = [
        *_variances([stratum.participants for stratum in both], weights),
        *_variances([stratum.others for stratum in both], weights),
    ]
    half = _half_width(variances, confidence)
    difference = mean_participants - mean_others
    return Comparison(
        participants, others, mean_participants, mean_others, difference, difference - half, difference + half
    )


def _variances(samples: Sequence[Sample], weights: Sequence[float]) -> list[tuple[float, int]]:
    """What each sample contributes to the variance of the estimate, and with how many degrees of freedom."""
    freedom = sum(sample.number - 1 for sample in samples)
    pooled = sum(sample.scatter for sample in samples) / freedom
    return [
        (weight**2 * (sample.scatter / (sample.number - 1)) / sample.number, sample.number - 1)
        if sample.number > 1
        else (weight**2 * pooled, freedom)
        for sample, weight in zip(samples, weights, strict=True)
    ]


def _half_width(variances: Sequence[tuple[float, int]], confidence: float) -> float:
    variance = sum(one for one, _ in variances)
    if variance == 0:
        return 0.0
    freedom = variance**2 / sum(one**2 / freedom for one, freedom in variances)
    return quantile(freedom, (1 + confidence) / 2) * sqrt(variance)
