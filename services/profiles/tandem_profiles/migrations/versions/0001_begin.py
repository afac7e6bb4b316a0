"""Begin: people, programs, enrollments, and what sending and reading events needs."""

from datetime import UTC, datetime

from alembic import op

from tandem_chassis import idempotency
from tandem_events import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in (*tables.create_statements(datetime.now(UTC).date()), *idempotency.CREATE_STATEMENTS):
        op.execute(statement)
    op.execute(
        """
        CREATE TABLE people (
            person_id       uuid PRIMARY KEY,
            version         integer     NOT NULL,
            employee_number text        UNIQUE,
            given_name      text        NOT NULL,
            family_name     text        NOT NULL,
            email           text        NOT NULL,
            email_key       text        NOT NULL UNIQUE,
            job_title       text,
            level           integer,
            level_name      text,
            unit            text,
            profession      text,
            manager_id      uuid REFERENCES people,
            location        text,
            time_zone       text        NOT NULL,
            languages       text[]      NOT NULL,
            biography       text,
            skills_offered  jsonb       NOT NULL DEFAULT '[]',
            departed_on     date,
            registered_at   timestamptz NOT NULL,
            changed_at      timestamptz NOT NULL,
            CONSTRAINT people_not_their_own_manager CHECK (manager_id <> person_id)
        )
        """
    )
    op.execute("CREATE INDEX people_manager ON people (manager_id) WHERE manager_id IS NOT NULL")
    op.execute(
        """
        CREATE TABLE programs (
            program_id              uuid PRIMARY KEY,
            version                 integer     NOT NULL,
            name                    text        NOT NULL,
            objective               text        NOT NULL,
            format                  text        NOT NULL,
            status                  text        NOT NULL,
            starts_on               date,
            ends_on                 date,
            manager_ids             uuid[]      NOT NULL,
            meeting_every_days      integer     NOT NULL,
            meeting_minutes         integer     NOT NULL,
            feedback_every_sessions integer     NOT NULL,
            matching                jsonb       NOT NULL,
            sign_up_mapping         jsonb       NOT NULL,
            created_at              timestamptz NOT NULL,
            CONSTRAINT programs_status CHECK (status IN ('draft', 'open', 'running', 'closed', 'archived')),
            CONSTRAINT programs_starts_before_it_ends CHECK (starts_on <= ends_on)
        )
        """
    )
    op.execute("CREATE INDEX programs_managers ON programs USING gin (manager_ids)")
    op.execute(
        """
        CREATE TABLE enrollments (
            enrollment_id        uuid PRIMARY KEY,
            version              integer     NOT NULL,
            program_id           uuid        NOT NULL REFERENCES programs,
            person_id            uuid        NOT NULL REFERENCES people,
            roles                text[]      NOT NULL,
            status               text        NOT NULL,
            reason               text,
            mentor_places        integer     NOT NULL,
            wanted_mentors       integer     NOT NULL,
            confidential_answers jsonb       NOT NULL,
            submitted_at         timestamptz NOT NULL,
            changed_at           timestamptz NOT NULL,
            CONSTRAINT enrollments_one_for_each UNIQUE (program_id, person_id),
            CONSTRAINT enrollments_roles CHECK (roles <@ ARRAY['mentor', 'mentee'] AND cardinality(roles) > 0),
            CONSTRAINT enrollments_status CHECK (status IN ('submitted', 'approved', 'declined', 'waitlisted', 'withdrawn'))
        )
        """
    )
    op.execute("CREATE INDEX enrollments_page ON enrollments (program_id, enrollment_id)")
    op.execute("CREATE INDEX enrollments_person ON enrollments (person_id)")
