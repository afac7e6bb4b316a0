"""The vocabulary of skills: import one, and find skills as somebody types."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tandem_profiles.storage import skills
from tandem_profiles.storage.skills import Skill


async def import_skills(session: AsyncSession, given: Sequence[Skill]) -> int:
    """Add to the vocabulary; the answer is how many skills are new. Safe to repeat."""
    return await skills.store(session, given)


async def find_skills(session: AsyncSession, typed: str, *, limit: int) -> list[Skill]:
    """Skills whose names or synonyms begin with what was typed, then those that are like it."""
    return await skills.find(session, typed, limit=limit)


async def spelled(session: AsyncSession, name: str) -> str:
    """A skill in the vocabulary's spelling, a synonym as the skill it means; what it does not know as it is."""
    return (await skills.canonical(session, [name]))[name]


async def answers_in_vocabulary(
    session: AsyncSession, questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]
) -> dict[str, Any]:
    """Answers to questions about skills, spelled as the vocabulary does, each skill once; the others as they are."""
    asked = {question["question_id"] for question in questions if question["kind"] == "skills"}
    given = {name: answer for name, answer in answers.items() if name in asked and answer}
    spelled_as = await skills.canonical(session, {one for answer in given.values() for one in answer})
    return {**answers, **{name: list(dict.fromkeys(spelled_as[one] for one in given[name])) for name in given}}


async def in_vocabulary(session: AsyncSession, levels: Collection[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Skills with levels, spelled as the vocabulary does; of a skill named twice the higher level."""
    spelled = await skills.canonical(session, {str(one["skill"]) for one in levels})
    highest: dict[str, int] = {}
    for one in levels:
        skill = spelled[one["skill"]]
        highest[skill] = max(one["level"], highest.get(skill, 0))
    return [{"skill": skill, "level": level} for skill, level in highest.items()]
