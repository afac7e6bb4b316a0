"""Enrollments in full: what people answer, need, prefer and can give; pauses; and the audit log."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE enrollments
            ADD COLUMN answers       jsonb  NOT NULL DEFAULT '{}',
            ADD COLUMN needs         jsonb  NOT NULL DEFAULT '[]',
            ADD COLUMN preferences   jsonb  NOT NULL DEFAULT '[]',
            ADD COLUMN preferred_ids uuid[] NOT NULL DEFAULT '{}',
            ADD COLUMN excluded_ids  uuid[] NOT NULL DEFAULT '{}',
            ADD COLUMN availability  jsonb  NOT NULL DEFAULT '[]',
            ADD COLUMN goals         jsonb  NOT NULL DEFAULT '[]',
            ADD COLUMN paused_until  date,
            DROP CONSTRAINT enrollments_status,
            ADD CONSTRAINT enrollments_status
                CHECK (status IN ('submitted', 'approved', 'paused', 'declined', 'waitlisted', 'withdrawn'))
        """
    )
    op.execute(
        """
        CREATE TABLE audit_log (
            id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at         timestamptz NOT NULL,
            caller     text        NOT NULL,
            caller_id  uuid,
            action     text        NOT NULL,
            person_id  uuid,
            program_id uuid,
            details    jsonb       NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX audit_log_person ON audit_log (person_id, id) WHERE person_id IS NOT NULL")
    # Not even the service itself can change what was written, so no mistake in it can.
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is only ever added to';
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_log_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log()
        """
    )
