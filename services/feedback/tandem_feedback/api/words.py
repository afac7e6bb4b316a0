"""Text that people write: what the doors take."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

WITHOUT_NUL = r"^[^\x00]*$"

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=WITHOUT_NUL)]
"""Something a person wrote; PostgreSQL cannot store the character NUL."""

OptionalWords = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=WITHOUT_NUL)]
"""Something a person may leave empty."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=WITHOUT_NUL)]
"""A short text."""

Day = Annotated[date, Field(ge=date(1950, 1, 1), le=date(2200, 12, 31))]
"""A day that calendars of people reach."""
