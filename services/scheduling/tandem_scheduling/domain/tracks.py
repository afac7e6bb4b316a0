"""Tracks: modules that keep a relationship going, and what is next for a pair."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count

from tandem_chassis.errors import Conflict, Fault, Invalid, NotFound


class ModuleWithoutTime(Invalid):
    """A module that is never due, or due in two ways."""


class NoSuchStep(NotFound):
    """No step has this id, or the caller may not know of it."""


class StepSettled(Conflict):
    """The step is done, or no longer part of the track."""


class NoSuchModule(Invalid):
    """A module that this track does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleText:
    """What a module says, and when it is due: so many days after the beginning, or after so many sessions.

    Its id is a code that is unique within the program; none where it is to be given one.
    """

    title: str
    purpose: str
    prompts: tuple[str, ...] = ()
    agenda: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()
    due_after_days: int | None = None
    due_after_sessions: int | None = None
    module_id: str | None = None


def require_times(modules: Sequence[ModuleText]) -> None:
    """Every module is due in exactly one way.

    Raises:
        ModuleWithoutTime: one is never due, or in two ways.
    """
    faults = [
        Fault("Say after how many days, or after how many sessions, it is due.", field=f"modules.{number}")
        for number, module in enumerate(modules)
        if (module.due_after_days is None) == (module.due_after_sessions is None)
    ]
    if faults:
        raise ModuleWithoutTime("Every module is due after so many days or so many sessions.", faults=faults)


def free_code(known: Collection[str]) -> str:
    """A code for a new module, such as `module-3`, that this program never used.

    It says nothing of the module's title, which somebody wrote: events carry it.
    """
    return next(code for code in map("module-{}".format, count(1)) if code not in known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a pair stands."""

    ended: bool
    agreement_signed: bool
    module_due: bool
    session_booked: bool
    agenda_items: int


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a pair does next, as a code and as a sentence."""

    code: str
    words: str


def next_step(standing: Standing) -> NextStep:
    """What is next for a pair: there is always something, until the end."""
    if standing.ended:
        return NextStep("look_back", "This relationship has ended. Look back together, and say thank you.")
    if not standing.agreement_signed:
        return NextStep("sign_agreement", "Read the agreement, change what does not suit you, and sign it.")
    if not standing.session_booked:
        return NextStep("book_session", "Book your next session; ask for times when both of you are free.")
    if standing.module_due:
        return NextStep("do_module", "A module of your track is due: read it and talk about it.")
    if standing.agenda_items == 0:
        return NextStep("prepare_agenda", "Write down what you want to talk about in your next session.")
    return NextStep("meet", "You are prepared. Meet, and write down what you agree to do.")


TEMPLATES: tuple[ModuleText, ...] = (
    ModuleText(
        title="First meeting",
        purpose="Get to know each other and agree how to work together.",
        prompts=(
            "What brought you here, at work and beyond it?",
            "Tell of a struggle that taught you something.",
            "What would make this a good use of your time a year from now?",
        ),
        agenda=(
            "Introduce ourselves",
            "Hopes, personal and professional",
            "Go through our agreement",
            "When we meet next",
        ),
        due_after_days=14,
    ),
    ModuleText(
        title="Goal setting",
        purpose="Choose one or two goals that are specific, measurable, and have a date.",
        prompts=(
            "What do you want to be able to do that you cannot do now?",
            "How would we notice that you are on the way?",
            "What can the mentor learn from this?",
        ),
        agenda=("Where do I stand?", "One goal for the near, one for the far future", "First steps"),
        due_after_sessions=1,
    ),
    ModuleText(
        title="Midpoint review",
        purpose="Look at what has moved, and change course where it has not.",
        prompts=(
            "What advice did you apply, and how did it go?",
            "What is one thing the other could do differently?",
            "Which goal do you keep, change or let go?",
        ),
        agenda=("Progress of our goals", "Feedback, both ways", "What we change"),
        due_after_sessions=4,
    ),
    ModuleText(
        title="Closing",
        purpose="End well: look back, say thank you, and agree how to stay in touch.",
        prompts=(
            "What are you most proud of?",
            "What will you pass on to somebody else?",
            "Would you like to become a mentor yourself?",
        ),
        agenda=("What we reached", "Thank you", "How we stay in touch"),
        due_after_days=330,
    ),
)
"""Modules that most programs begin with."""
