"""ETag and If-Match: an update says which version it changes, so nobody overwrites what they have not seen."""

from typing import Annotated

from fastapi import Header, Response

from tandem_chassis.errors import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The `ETag` of the version to change.")]


def tag(response: Response, version: int) -> None:
    """Say which version this answer shows."""
    response.headers["ETag"] = f'"{version}"'


def require_match(if_match: str | None, version: int) -> None:
    """Let an update go on only if it was made from the current version.

    Raises:
        PreconditionRequired: no If-Match was sent.
        PreconditionFailed: it names another version.
    """
    if if_match is None:
        raise PreconditionRequired("Send If-Match with the ETag of the version you are changing.")
    given = {part.strip() for part in if_match.split(",")}
    if "*" not in given and f'"{version}"' not in given:
        raise PreconditionFailed(f'This was changed since you saw it: it is now at version "{version}". Read it again.')
