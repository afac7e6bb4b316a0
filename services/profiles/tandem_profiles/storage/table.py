"""The base of every mapped class of this service."""

from sqlalchemy.orm import DeclarativeBase


class Table(DeclarativeBase):
    """A table of the profiles database."""
