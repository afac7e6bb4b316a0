"""Agreements: how two or more people want to work together, proposed, signed by all, amended in writing."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from tandem_chassis.errors import Conflict, NotFound

PERSPECTIVE = "The mentor offers perspective and asks; the mentee decides."
"""What both acknowledge by signing, unless their own agreement words it otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What one side promises the other."""

    role: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an agreement says."""

    meeting_every_days: int
    meeting_minutes: int
    ways_of_meeting: tuple[str, ...] = ("in_person", "video", "phone")
    place: str | None = None
    times_of_day: tuple[str, ...] = ()
    channel_between_sessions: str = "email"
    confidential: bool = True
    not_private: tuple[str, ...] = ()
    style: str = "both"
    commitments: tuple[Commitment, ...] = ()
    acknowledgement: str = PERSPECTIVE
    change_notice_hours: int = 24

    def as_document(self) -> dict[str, Any]:
        """The terms as JSON keeps them."""
        return asdict(self)


def terms_of(document: Mapping[str, Any]) -> Terms:
    """The terms that `as_document` wrote."""
    values = dict(document)
    for listed in ("ways_of_meeting", "times_of_day", "not_private"):
        values[listed] = tuple(values.get(listed, ()))
    values["commitments"] = tuple(Commitment(**one) for one in values.get("commitments", ()))
    return Terms(**values)


COMMITMENTS: Mapping[str, str] = {
    "facilitator": "I keep the time and see to it that everybody is heard.",
    "mentor": "I set the time frame, come prepared, listen and ask before I advise.",
    "mentee": "I drive: I book, bring the agenda, and report how I applied the advice.",
    "peer": "I come prepared, listen before I advise, and report how I applied what we found.",
}
"""What the house proposes that each side commits to."""


def proposed_from_policy(*, meeting_every_days: int, meeting_minutes: int, roles: Collection[str]) -> Terms:
    """The first proposal: what the program's policy says, and the house's words for the rest, for these sides."""
    return Terms(
        meeting_every_days=meeting_every_days,
        meeting_minutes=meeting_minutes,
        commitments=tuple(Commitment(role=role, words=words) for role, words in COMMITMENTS.items() if role in roles),
    )


def require_signature_wanted(person_id: UUID, *, members: Collection[UUID], signed: Collection[UUID]) -> None:
    """A version is signed by its members, each once.

    Raises:
        SignedAlready: this person signed this version.
    """
    if person_id in signed:
        raise SignedAlready("You signed this version of the agreement already. Nothing more is needed from you.")
    if person_id not in members:
        raise NotASignatory("Only the members of this relationship sign its agreement.")


def require_change(before: Terms, after: Terms) -> None:
    """An amendment says something new.

    Raises:
        NothingAmended: the terms are the same.
    """
    if before == after:
        raise NothingAmended("These are the terms that stand already. Change something, or sign them.")


def is_complete(*, members: Collection[UUID], signed: Collection[UUID]) -> bool:
    """Whether every member has signed."""
    return set(members) <= set(signed)


class NoSuchAgreement(NotFound):
    """No agreement has this id, or the caller may not know of it."""


class SignedAlready(Conflict):
    """A second signature of the same person under the same version."""


class NothingAmended(Conflict):
    """An amendment that changes nothing."""


class NotASignatory(Conflict):
    """A signature of somebody who is no member."""


class AgreementNotSigned(Conflict):
    """What was asked for needs an agreement that everybody signed."""
