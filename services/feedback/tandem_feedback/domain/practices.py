"""Practices: what good relationships do, and which event shows that one does it."""

PRACTICES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("agreement_signed", ("agreement.signed",)),
    ("goals_set", ("goal.set",)),
    ("goal_changes_acknowledged", ("goal.acknowledged",)),
    ("progress_posted", ("progress.posted",)),
    ("sessions_held", ("session.completed",)),
    ("agenda_prepared", ("agenda.prepared",)),
    ("action_items_agreed", ("action_item.agreed",)),
    ("advice_applied", ("action_item.applied",)),
    ("feedback_given", ("feedback.submitted",)),
    ("pulse_taken", ("pulse.submitted",)),
    ("giving_back", ("contribution.logged",)),
    ("introductions_and_sponsorship", ("introduction.made", "sponsorship.recorded")),
    ("thanks_said", ("gratitude.sent",)),
    ("learning_elsewhere", ("learning.logged",)),
    ("closed_with_reflection", ("reflection.submitted",)),
)
"""Each practice and the events that show it. The position is the practice's bit: append, never reorder."""

_BITS = {event: 1 << position for position, (_, events) in enumerate(PRACTICES) for event in events}


def bit_of(event: str) -> int:
    """The bit of the practice that this event shows; 0 where it shows none."""
    return _BITS.get(event, 0)
