"""Users: SCIM's words for what is known of people, in both directions."""

from typing import Any
from uuid import UUID

from scim2_models import Email, EnterpriseUser, Manager, Meta, Name

from tandem_profiles.api.scim import PREFIX
from tandem_profiles.api.scim.service import UserModel
from tandem_profiles.storage.directory import DirectoryUser
from tandem_profiles.storage.people import Person
from tandem_profiles.use_cases.directory import Told

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LONGEST = 200
User = Any
"""`UserModel`, a class that is made when the program runs."""


def with_manager_address(document: dict[str, Any]) -> dict[str, Any]:
    """A user's document whose manager is named by address too: many identity providers send the id alone."""
    enterprise = document.get(ENTERPRISE)
    manager = enterprise.get("manager") if isinstance(enterprise, dict) else None
    if not isinstance(enterprise, dict) or not isinstance(manager, dict) or "$ref" in manager:
        return document
    named = {**manager, "$ref": f"{PREFIX}/Users/{manager.get('value')}"}
    return {**document, ENTERPRISE: {**enterprise, "manager": named}}


def told_by(user: User) -> Told:
    """What a SCIM user tells. Passwords are not kept: people sign in elsewhere."""
    document = user.model_dump(exclude={"password", "meta", "id", "groups"}, mode="json")
    enterprise = user[EnterpriseUser] or EnterpriseUser()
    name = user.name or Name()
    return Told(
        document=document,
        user_name=user.user_name,
        external_id=user.external_id,
        active=user.active is not False,
        person={
            "given_name": _line(name.given_name or user.display_name or user.user_name),
            "family_name": _line(name.family_name) or "",
            "email": _line(_address(user)),
            "job_title": _line(user.title),
            "unit": _line(enterprise.department),
            "employee_number": _line(enterprise.employee_number),
            "location": _line(next((one.locality for one in user.addresses or () if one.locality), None)),
            "time_zone": user.timezone or "UTC",
            "languages": [user.preferred_language] if user.preferred_language else [],
            "manager_id": _id(enterprise.manager.value if enterprise.manager else None),
        },
    )


def user_of(person: Person, kept: DirectoryUser | None) -> User:
    """The SCIM user that a person is: as the identity provider wrote it, and newer where something else changed it."""
    user = UserModel.model_validate(kept.document) if kept else UserModel(user_name=person.email)
    told = told_by(user) if kept else None
    now = {
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email": person.email,
        "job_title": person.job_title,
        "unit": person.unit,
        "employee_number": person.employee_number,
    }
    changed = {name for name, value in now.items() if told is None or told.person[name] != value}
    if changed & {"given_name", "family_name"}:
        user.name = (user.name or Name()).model_copy(
            update={"given_name": person.given_name, "family_name": person.family_name or None}
        )
    if "email" in changed and "@" in person.email:
        user.emails = [Email(value=person.email, primary=True)]
    if "job_title" in changed:
        user.title = person.job_title
    if changed & {"unit", "employee_number"} or told is None:
        enterprise = user[EnterpriseUser] or EnterpriseUser()
        enterprise.department, enterprise.employee_number = person.unit, person.employee_number
        if person.manager_id is not None:
            enterprise.manager = Manager(value=str(person.manager_id))
        user[EnterpriseUser] = enterprise
    if told is None or told.active == (person.departed_on is not None):
        user.active = person.departed_on is None
    user.id = str(person.person_id)
    user.meta = Meta(
        resource_type="User",
        created=kept.created_at if kept else person.registered_at,
        last_modified=max(kept.changed_at, person.changed_at) if kept else person.changed_at,
        location=f"{PREFIX}/Users/{person.person_id}",
        version=f'W/"{person.version}.{kept.version if kept else 0}"',
    )
    return user


def _address(user: User) -> str:
    emails = [one for one in user.emails or () if one.value]
    primary = next((one for one in emails if one.primary), emails[0] if emails else None)
    return str(primary.value) if primary else user.user_name


def _line(text: str | None) -> Any:
    if text is None:
        return None
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:LONGEST] or None


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
