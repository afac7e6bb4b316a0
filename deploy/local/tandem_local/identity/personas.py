"""Whom one can be: what a token says about its bearer, and the sample people that the login page offers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

PLATFORM_ADMIN = "platform_admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A bearer: a person who takes part, a manager of named programs, the platform's admin, or a service account."""

    subject: str
    name: str
    email: str | None = None
    person_id: UUID | None = None
    roles: tuple[str, ...] = ()
    programs: tuple[UUID, ...] = ()
    scope: tuple[str, ...] = ()

    def access_claims(self) -> dict[str, Any]:
        """The claims by which the services know what the bearer may do."""
        claims: dict[str, Any] = {
            "sub": self.subject,
            "roles": list(self.roles),
            "programs": [str(program) for program in self.programs],
            "scope": " ".join(self.scope),
        }
        if self.person_id is not None:
            claims["person_id"] = str(self.person_id)
        return claims

    def identity_claims(self) -> dict[str, Any]:
        """The claims by which an application greets the bearer."""
        return {"sub": self.subject, "name": self.name, **({"email": self.email} if self.email else {})}


ADMIN = Persona(subject="platform-admin", name="The platform's administrator", roles=(PLATFORM_ADMIN,))


class SamplePeople:
    """The people whom the login page offers: the administrator, and those in `people.json` once a sample is loaded."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "people.json"

    def all(self) -> list[Persona]:
        """The administrator first, then as the file has them; read anew each time, as a sample may be loaded late."""
        if not self._file.exists():
            return [ADMIN]
        return [ADMIN, *(_from_document(document) for document in json.loads(self._file.read_text()))]

    def known(self, subject: str) -> Persona | None:
        """The one with this subject."""
        return next((persona for persona in self.all() if persona.subject == subject), None)


def asked_for(parameters: dict[str, str]) -> Persona:
    """The persona that a trusted client's token request describes: roles, programs, person_id and scope, as it needs.

    Raises:
        ValueError: an id is not a UUID.
    """
    person_id = UUID(parameters["person_id"]) if parameters.get("person_id") else None
    roles = tuple(parameters.get("roles", "").split())
    programs = tuple(UUID(program) for program in parameters.get("programs", "").split())
    scope = tuple(parameters.get("scope", "").split())
    if person_id is not None:
        subject = str(person_id)
    elif scope:
        subject = "service-account"
    elif PLATFORM_ADMIN in roles:
        subject = ADMIN.subject
    else:
        subject = "program-manager"
    return Persona(subject=subject, name=subject, person_id=person_id, roles=roles, programs=programs, scope=scope)


def _from_document(document: dict[str, Any]) -> Persona:
    person_id = UUID(document["person_id"]) if "person_id" in document else None
    return Persona(
        subject=document.get("subject") or str(person_id),
        name=document["name"],
        email=document.get("email"),
        person_id=person_id,
        roles=tuple(document.get("roles", ())),
        programs=tuple(UUID(program) for program in document.get("programs", ())),
    )
