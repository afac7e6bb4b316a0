"""Frozen schemas never change: held against today's contracts and against every version ever committed."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tandem_events.compatibility import forbidden_changes
from tandem_events.contracts import CONTRACTS
from tandem_events.freezing import SCHEMAS, Standing, judge
from tandem_events.schemas import SINCE, Schema, UnknownSchema, all_frozen, as_text, frozen


def test_no_contract_differs_from_what_was_frozen_of_it() -> None:
    known = all_frozen()
    differing = [
        (verdict.name, verdict.reasons)
        for verdict in judge(CONTRACTS, known)
        if verdict.name in known and verdict.standing is not Standing.SAME
    ]
    assert differing == []


@pytest.mark.parametrize("name", all_frozen())
def test_a_frozen_schema_is_json_schema_2020_12_written_as_freezing_writes_it(name: str) -> None:
    schema = frozen(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{name}")
    assert schema["additionalProperties"] is True
    assert schema[SINCE]
    assert (SCHEMAS / name).read_text() == as_text(schema)


def test_a_schema_that_was_never_frozen_is_not_found() -> None:
    with pytest.raises(UnknownSchema):
        frozen("nothing.happened.v1.json")
    with pytest.raises(UnknownSchema):
        frozen("__init__.py")


def test_the_frozen_schemas_travel_with_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=SCHEMAS.parent.parent, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {Path(name).name for name in archive.namelist() if name.startswith("tandem_events/schemas/")}
    assert packed >= set(all_frozen())


class History:
    """Every version of the frozen schemas that was ever committed."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self._repository = repository
        self.versions: dict[str, list[Schema]] = {}
        for line in self._git("log", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", str(folder)):
            meta, _, path = line.partition("\t")
            _, _, _, blob, status = meta.split(" ")
            name = Path(path).name
            if name.endswith(".json"):
                kept = self.versions.setdefault(name, [])
                if status != "D":
                    kept.append(json.loads("\n".join(self._git("cat-file", "blob", blob))))

    def _git(self, *arguments: str) -> list[str]:
        answer = subprocess.run(
            ["git", *arguments], cwd=self._repository, capture_output=True, text=True, check=True, timeout=60
        )
        return answer.stdout.splitlines()

    def broken_promises(self, now: dict[str, Schema]) -> list[str]:
        """What differs between any committed version and now in a way that its readers would notice."""
        found = []
        for name, versions in sorted(self.versions.items()):
            if name not in now:
                found.append(f"{name}: a frozen schema was deleted; the names of its fields must be remembered")
                continue
            for version in versions:
                found += [f"{name}: {change}" for change in forbidden_changes(version, now[name])]
        return list(dict.fromkeys(found))


def test_no_frozen_schema_was_ever_changed_in_a_way_that_breaks_its_readers() -> None:
    if shutil.which("git") is None or not any((parent / ".git").exists() for parent in SCHEMAS.parents):
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("the history of the frozen schemas is required in CI, and this is no git repository")
        pytest.skip("this is no git repository: the history of the frozen schemas was not looked at")
    assert History(SCHEMAS, SCHEMAS).broken_promises(all_frozen()) == []


def test_a_frozen_schema_that_was_changed_by_hand_or_deleted_is_found_in_the_history(tmp_path: Path) -> None:
    def commit(name: str, schema: Schema | None) -> None:
        file = tmp_path / name
        if schema is None:
            file.unlink()
        else:
            file.write_text(json.dumps(schema))
        for arguments in (["add", "--all"], ["commit", "--quiet", "--message", "Change it"]):
            identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
            subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, timeout=60)

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True, timeout=60)
    first: Schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    second: Schema = {**first, "properties": {"a": {"type": "integer"}}}
    commit("a.v1.json", first)
    commit("b.v1.json", first)
    commit("c.v1.json", first)
    commit("a.v1.json", second)
    commit("b.v1.json", None)
    assert History(tmp_path, tmp_path).broken_promises({"a.v1.json": second, "c.v1.json": first}) == [
        "a.v1.json: a: was string and is integer",
        "b.v1.json: a frozen schema was deleted; the names of its fields must be remembered",
    ]
