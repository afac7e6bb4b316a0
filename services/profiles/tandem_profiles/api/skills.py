"""Skills over HTTP: a vocabulary that is imported, and found as one types."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel

from tandem_chassis import idempotency
from tandem_chassis.auth import CurrentCaller
from tandem_chassis.database import Transaction
from tandem_profiles.api.fields import Line
from tandem_profiles.api.sign_up_sheets import CSV_BODY
from tandem_profiles.api.uploads import charset_of
from tandem_profiles.domain.sheet_rows import DELIMITERS, first_row, separator_line
from tandem_profiles.domain.sheet_text import decode_sheet
from tandem_profiles.domain.skill_sheets import read_skill_sheet
from tandem_profiles.storage.skills import Skill
from tandem_profiles.use_cases import skills

router = APIRouter(prefix="/skills", tags=["skills"], route_class=idempotency.Route)


class SkillDocument(BaseModel):
    """A skill of the vocabulary."""

    skill: str
    category: str | None
    synonyms: list[str]


class ImportedSkills(BaseModel):
    """What came of an import."""

    skills: int
    new: int


@router.post("/imports", openapi_extra=CSV_BODY)
async def import_skills(
    request: Request,
    caller: CurrentCaller,
    session: Transaction,
    content_type: Annotated[str, Header(include_in_schema=False)] = "text/csv",
) -> ImportedSkills:
    """Add a CSV file with the columns `skill`, and where wanted `category` and `synonyms`; for administrators.

    O*NET's files can be sent as they are.
    """
    caller.require_admin()
    sheet = decode_sheet(await request.body(), encoding=charset_of(content_type))
    delimiter = separator_line(sheet.text) or max(DELIMITERS, key=lambda one: len(first_row(sheet.text, delimiter=one)))
    rows = read_skill_sheet(sheet, delimiter=delimiter)
    given = [Skill(row.skill, row.category, row.synonyms) for row in rows]
    return ImportedSkills(skills=len(given), new=await skills.import_skills(session, given))


@router.get("")
async def find_skills(
    q: Annotated[Line, Query(description="What somebody typed so far; small mistakes are forgiven.")],
    caller: CurrentCaller,
    session: Transaction,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> list[SkillDocument]:
    """Skills that begin with what was typed, by name or synonym, then those that are like it."""
    del caller  # anybody who is known may look
    found = await skills.find_skills(session, q, limit=limit)
    return [SkillDocument(skill=one.skill, category=one.category, synonyms=list(one.synonyms)) for one in found]
