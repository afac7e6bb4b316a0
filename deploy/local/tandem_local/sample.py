"""The sample program: two hundred invented people, imported from sheets as a program manager would, and matched."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from uuid import UUID

from tandem_local import matching
from tandem_local.api import Api, until
from tandem_local.refusals import Refused
from tandem_local.secret_files import write_secret
from tandem_local.state import StateDirectory

NAME = "Sample: find your way"
OBJECTIVE = "People in their first years meet somebody who has gone the way before them."
MAPPING = "civil_service.json"
SHEETS = {"mentor": 100, "mentee": 100}
SEED = 2026
LONGEST_PROPAGATION_SECONDS = 120.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample program, matched and published."""

    program_id: UUID
    run_id: UUID
    fresh: bool
    """Whether it was made just now, not found from an earlier start."""


def ensure(api: Api, state: StateDirectory, *, tell: Tell) -> Sample:
    """The sample program: found from an earlier start, or else loaded, matched and published now.

    Every step carries an idempotency key, so that a start that was interrupted half way is taken up where it was left.

    Raises:
        Refused, NotAnswering: a service refused a step, or does not answer.
    """
    kept = state.recall("sample")
    if kept is not None and _exists(api, kept["program_id"]):
        return Sample(UUID(kept["program_id"]), UUID(kept["run_id"]), fresh=False)
    tell("Loading the sample program ...")
    program_id = _load(api)
    tell("Matching ...")
    _until_matching_knows_everyone(api, program_id)
    run_id = matching.run(api, program_id, key=f"sample-run-{program_id}")
    matching.publish(api, run_id, key=f"sample-publication-{run_id}")
    _introduce(api, state, program_id)
    state.remember("sample", {"program_id": str(program_id), "run_id": str(run_id)})
    return Sample(program_id, run_id, fresh=True)


def _exists(api: Api, program_id: str) -> bool:
    return any(program["program_id"] == program_id for program in api.pages("profiles", "/programs"))


def _load(api: Api) -> UUID:
    from tandem_profiles.domain import sample_sheets

    program = api.post(
        "profiles", "/programs", {"name": NAME, "objective": OBJECTIVE, "format": "one_to_one"}, key=f"sample-{SEED}"
    )
    program_id = program["program_id"]
    mapping = json.loads(files("tandem_profiles.sheet_mappings").joinpath(MAPPING).read_text(encoding="utf-8"))
    api.put("profiles", f"/programs/{program_id}/sign-up-mapping", mapping, headers={"if-match": "*"})
    sheets = {"mentor": sample_sheets.mentor_sheet, "mentee": sample_sheets.mentee_sheet}
    for role, count in SHEETS.items():
        api.post(
            "profiles",
            f"/programs/{program_id}/sign-up-sheets",
            content=sheets[role](count, SEED).encode(),
            headers={"content-type": "text/csv"},
            key=f"sample-{role}-sheet-{program_id}",
            role=role,
        )
    api.post("profiles", f"/programs/{program_id}/launch", {}, key=f"sample-launch-{program_id}")
    return UUID(program_id)


def _until_matching_knows_everyone(api: Api, program_id: UUID) -> None:
    """Return when matching's pool, which it builds from events, holds every approved enrollment."""
    enrolled = list(api.pages("profiles", f"/programs/{program_id}/enrollments"))
    roles = [role for enrollment in enrolled for role in enrollment["roles"]]
    wanted = {"mentors": roles.count("mentor"), "mentees": roles.count("mentee")}

    def knows_everyone() -> bool:
        try:
            pool: dict[str, Any] = api.get("matching", f"/programs/{program_id}/pool")
        except Refused as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return False  # it has not even heard of the program
            raise
        return not pool["incomplete"] and all(pool[side] == count for side, count in wanted.items())

    until(knows_everyone, within_seconds=LONGEST_PROPAGATION_SECONDS, what="The arrival of all enrollments in matching")


def _introduce(api: Api, state: StateDirectory, program_id: UUID) -> None:
    """Let the identity provider's login page offer the people of the sample, and a manager of it."""
    people: list[dict[str, Any]] = [
        {"subject": "sample-manager", "name": f"The manager of “{NAME}”", "programs": [str(program_id)]}
    ]
    for enrollment in api.pages("profiles", f"/programs/{program_id}/enrollments"):
        name = f"{enrollment['given_name']} {enrollment['family_name']}, {' and '.join(enrollment['roles'])}"
        people.append({"person_id": enrollment["person_id"], "name": name})
    write_secret(state.identity / "people.json", json.dumps(people, ensure_ascii=False, indent=1))
