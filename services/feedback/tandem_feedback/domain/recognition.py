"""Recognition: what mentors are thanked for, from what they did."""

from dataclasses import dataclass

MILESTONE_HOURS = (5, 10, 25, 50, 100, 250, 500)
THANKS_FOR_A_BADGE = 5
GOALS_FOR_A_BADGE = 3


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a mentor did until now."""

    minutes: int
    sessions: int
    thanks: int
    goals_reached: int


def awards_due(ledger: Ledger) -> list[tuple[str, str]]:
    """Every milestone and badge that this much has earned: its kind and its code."""
    milestones = [("milestone", f"{hours}_hours") for hours in MILESTONE_HOURS if ledger.minutes >= 60 * hours]
    badges = [
        ("badge", code)
        for code, earned in (
            ("first_session", ledger.sessions >= 1),
            ("first_goal_reached", ledger.goals_reached >= 1),
            ("three_goals_reached", ledger.goals_reached >= GOALS_FOR_A_BADGE),
            ("thanked_five_times", ledger.thanks >= THANKS_FOR_A_BADGE),
        )
        if earned
    ]
    return [*milestones, *badges]
