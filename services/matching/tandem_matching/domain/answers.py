"""Answers: what people said in a program's form, as rules and criteria. They are used, and never shown."""

from collections.abc import Sequence

from tandem_matching.domain.people import Answer, Traits


def said(traits: Traits, question: str) -> frozenset[str]:
    """Somebody's answer to a question as words to compare by; empty where there is none."""
    return words(traits.confidential.get(question))


def words(answer: Answer | None) -> frozenset[str]:
    """An answer as words: a list as it is, a text at its commas, yes or no as such."""
    if answer is None:
        return frozenset()
    if isinstance(answer, bool):
        return frozenset(("yes" if answer else "no",))
    parts = answer.split(",") if isinstance(answer, str) else answer
    return frozenset(part.strip().casefold() for part in parts if part.strip())


def is_guest(traits: Traits, question: str) -> bool | None:
    """Whether somebody comes from outside the organisation, as they said; None where they were not asked."""
    answer = said(traits, question)
    return None if not answer else bool(answer & {"yes", "true", "1", "outside", "guest"})


def breaks(wish: str, mentee: frozenset[str], mentor: frozenset[str]) -> bool:
    """Whether two answers break the rule that they are the `same`, or `different`. No answer breaks nothing."""
    if not mentee or not mentor:
        return False
    return bool(mentee & mentor) != (wish == "same")


def interests(people: Sequence[Traits], question: str) -> list[frozenset[str]]:
    """What each of these people said they are interested in."""
    return [said(one, question) for one in people]
