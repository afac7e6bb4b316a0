"""Runs of programs whose people are peers, sit in circles, or meet in rotations."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE proposals ADD COLUMN turn integer")
    op.execute("ALTER TABLE pairings ADD COLUMN turn integer")
    op.execute(
        """
        CREATE TABLE proposed_circles (
            run_id       uuid NOT NULL REFERENCES match_runs ON DELETE CASCADE,
            position     integer NOT NULL,
            proposal_id  uuid NOT NULL,
            people       uuid[] NOT NULL,
            roles        text[] NOT NULL,
            score        double precision NOT NULL,
            reasons      jsonb NOT NULL,
            PRIMARY KEY (run_id, position)
        )
        """
    )
    op.execute("CREATE INDEX proposed_circles_people ON proposed_circles USING gin (people)")
