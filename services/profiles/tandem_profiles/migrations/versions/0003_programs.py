"""Programs in full: window, policies, tracks and the questions of the sign-up form."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE programs
            ADD COLUMN opens_on     date,
            ADD COLUMN closes_on    date,
            ADD COLUMN most_mentees integer,
            ADD COLUMN most_mentors integer,
            ADD COLUMN capacity     integer,
            ADD COLUMN approval     text  NOT NULL DEFAULT 'by_manager',
            ADD COLUMN audience     jsonb NOT NULL DEFAULT '{}',
            ADD COLUMN tracks       jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN questions    jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN copied_from  uuid REFERENCES programs,
            ADD CONSTRAINT programs_approval CHECK (approval IN ('by_manager', 'automatic')),
            ADD CONSTRAINT programs_opens_before_it_closes CHECK (opens_on <= closes_on)
        """
    )
