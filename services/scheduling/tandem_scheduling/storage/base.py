"""What every table has in common."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase


class Table(DeclarativeBase):
    """A table of scheduling: times with a time zone, documents as jsonb."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as it is
        datetime: sa.DateTime(timezone=True),
        UUID: sa.Uuid,
        dict[str, Any]: JSONB,
        str: sa.Text,
    }
