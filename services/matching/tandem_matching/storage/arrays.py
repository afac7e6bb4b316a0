"""Lists of ids in queries: as one array parameter, because PostgreSQL takes no more than 32,767 single ones."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: Any, ids: Iterable[UUID]) -> sa.ColumnElement[bool]:
    """The condition that a column is one of these ids, however many."""
    given = sa.bindparam(None, sorted(set(ids)), type_=ARRAY(sa.Uuid), unique=True)
    condition: sa.ColumnElement[bool] = column == sa.any_(given)
    return condition
