"""A migration only adds, so that the replicas of the release before go on working on the new schema (docs/operate.md).

Every migration but the first of each service is rendered as SQL and searched for what takes something away from code
that does not know of it. A constraint may be exchanged for a wider one: which is wider no tool can tell, and the old
code's own tests on the new schema (`test_upgrade.py`) may.
"""

import re
from collections.abc import Iterator
from io import StringIO

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory

from tandem_chassis.migrations import script_directory
from tandem_local.addresses import SERVICES

NAME = r'(?:"[^"]+"|[a-z_][\w.]*)'
REFUSED = {
    r"drop (table|view|materialized view|column|schema|sequence|type|domain|function)\b": "the code of before uses it",
    r"truncate\b": "the code of before reads it",
    r"alter (table|view|index|sequence|type)\b.* rename\b(?! constraint)": "the code of before knows its old name",
}
"""What a statement may not say, with the reason."""

REFUSED_OF_A_COLUMN = {
    r"drop default$": "the code of before does not name the column when it writes",
    r"set not null$": "the code of before may write nothing there",
    r"(set data )?type\b": "the code of before reads and compares the old type",
}
"""What may not be done to a column by ALTER TABLE ... ALTER COLUMN."""


def rendered(script: Script) -> list[str]:
    """The statements of a migration: in lower case, each on one line, without comments, literals, functions' bodies."""
    said = StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": said})
    with Operations.context(context):
        script.module.upgrade()
    return statements(said.getvalue())


def statements(sql: str) -> list[str]:
    """The statements in some SQL, as `rendered` gives them."""
    for noise in (r"\$(\w*)\$.*?\$\1\$", r"'(?:[^']|'')*'"):
        sql = re.sub(noise, "''", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    return [" ".join(one.lower().split()) for one in sql.split(";") if one.strip()]


def actions(statement: str) -> Iterator[str]:
    """What an ALTER TABLE does, one by one: parted at the commas that stand in no brackets."""
    found = re.match(rf"alter table (?:if exists )?(?:only )?{NAME} (.*)$", statement)
    depth, action = 0, ""
    for sign in found[1] if found else "":
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            yield action.strip()
            action = ""
        else:
            action += sign
    if action:
        yield action.strip()


def faults(statement: str) -> list[str]:
    """Each thing in a statement that code which does not know of it would stumble over."""
    found = [f"{statement}: {reason}" for pattern, reason in REFUSED.items() if re.match(pattern, statement)]
    for action in actions(statement):
        column = re.match(rf"alter (?:column )?(?!constraint\b){NAME} (.*)$", action)
        if column:
            found += [f"{action}: {why}" for what, why in REFUSED_OF_A_COLUMN.items() if re.match(what, column[1])]
        elif re.match(r"drop (?!constraint\b)", action):
            found.append(f"{action}: the code of before uses it")
        elif re.match(r"add (?!(constraint|primary|unique|check|foreign|exclude)\b)", action):
            filled = re.search(r"\b(default|generated|(small|big)?serial)\b", action)
            if re.search(r"\b(not null|primary key)\b", action) and not filled:
                found.append(f"{action}: the code of before writes no value there")
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_takes_nothing_away_from_the_code_of_before(service: str) -> None:
    scripts = list(ScriptDirectory(str(script_directory(f"tandem_{service}"))).walk_revisions())
    assert scripts[-1].down_revision is None
    assert len(scripts) > 1
    for script in scripts[:-1]:
        said = rendered(script)
        assert said, script.revision
        assert [fault for statement in said for fault in faults(statement)] == [], f"{service} {script.revision}"


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE people",
        "ALTER TABLE people DROP COLUMN name",
        "ALTER TABLE people DROP name",
        "ALTER TABLE ONLY public.people DROP COLUMN IF EXISTS name CASCADE",
        "ALTER TABLE busy_times ALTER COLUMN source DROP DEFAULT",
        "ALTER TABLE busy_times ALTER source DROP DEFAULT",
        "ALTER TABLE people ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE people ADD COLUMN a int, ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE reminders ALTER COLUMN module_id TYPE text",
        "ALTER TABLE reminders ALTER COLUMN module_id SET DATA TYPE text USING module_id::text",
        "ALTER TABLE people RENAME TO persons",
        "ALTER TABLE people RENAME COLUMN name TO full_name",
        "ALTER TABLE people ADD COLUMN age int NOT NULL",
        "ALTER TABLE people ADD COLUMN a numeric(3, 1) NOT NULL DEFAULT 0, ADD b text CHECK (b IN ('x', 'y')) NOT NULL",
        "TRUNCATE people",
        "/* a word first */ ALTER TABLE people\n    -- and\n    DROP COLUMN name",
    ],
)
def test_what_takes_something_away_is_found(statement: str) -> None:
    (one,) = statements(f"{statement};\n")
    assert len(faults(one)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE notes (id uuid PRIMARY KEY, words text NOT NULL)",
        "ALTER TABLE people ADD COLUMN age int",
        "ALTER TABLE people ADD COLUMN words text NOT NULL DEFAULT 'DROP COLUMN, not null'",
        "ALTER TABLE people ADD COLUMN n bigint NOT NULL GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE people ALTER COLUMN name DROP NOT NULL, ALTER COLUMN name SET DEFAULT ''",
        "ALTER TABLE people DROP CONSTRAINT known, ADD CONSTRAINT known CHECK (state IN ('a', 'b'))",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DROP TABLE people; END $$",
        "DROP INDEX people_name",
    ],
)
def test_what_only_adds_is_let_through(statement: str) -> None:
    assert [fault for one in statements(f"{statement};\n") for fault in faults(one)] == []
