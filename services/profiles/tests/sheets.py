"""Sheets and uploads as the tests write them."""

from typing import Any

import httpx2

MENTORS = (
    "first name,last name,email address,both mentor and mentee,job title,grade,organisation,profession,"
    "characteristics,biography\n"
)
MENTEES = (
    "first name,last name,email address,both mentor and mentee,job title,grade,organisation,profession,"
    "match with similar identity,identity to match,biography\n"
)
ADA = "Ada,Okafor,ada@example.org,no,Analyst,SEO,Harbour Office,Policy,early riser,Twelve years of ports.\n"
BEN = "Ben,Lindqvist,ben@example.org,yes,Lead,Grade 7,Harbour Office,Policy,,\n"
CLEO = "Cleo,Ibáñez,cleo@example.org,no,Clerk,EO,Harbour Office,Policy,yes,early riser,\n"


async def send(
    client: httpx2.AsyncClient,
    program_id: str,
    sheet: str | bytes,
    headers: dict[str, str],
    *,
    role: str = "mentor",
    content_type: str = "text/csv",
    **parameters: Any,
) -> httpx2.Response:
    """Upload a sign-up sheet."""
    return await client.post(
        f"/programs/{program_id}/sign-up-sheets",
        params={"role": role, **parameters},
        content=sheet.encode() if isinstance(sheet, str) else sheet,
        headers={**headers, "Content-Type": content_type},
    )
