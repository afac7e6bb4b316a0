"""The directory: what identity providers say of users and groups over SCIM, beside what is known of people."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE directory_users (
            person_id     uuid PRIMARY KEY REFERENCES people ON DELETE CASCADE,
            version       integer     NOT NULL,
            user_name_key text        NOT NULL UNIQUE,
            external_id   text,
            document      jsonb       NOT NULL,
            removed       boolean     NOT NULL DEFAULT false,
            created_at    timestamptz NOT NULL,
            changed_at    timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX directory_users_external ON directory_users (external_id)")
    op.execute(
        """
        CREATE TABLE directory_groups (
            group_id     uuid PRIMARY KEY,
            version      integer     NOT NULL,
            display_name text        NOT NULL,
            external_id  text,
            document     jsonb       NOT NULL,
            created_at   timestamptz NOT NULL,
            changed_at   timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX directory_groups_name ON directory_groups (lower(display_name))")
    op.execute("CREATE INDEX directory_groups_external ON directory_groups (external_id)")
