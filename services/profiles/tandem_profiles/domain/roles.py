"""Roles: as what a person takes part in a program."""

from enum import StrEnum


class Role(StrEnum):
    """As what a person takes part. Somebody can be both."""

    MENTOR = "mentor"
    MENTEE = "mentee"
