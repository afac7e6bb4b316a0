"""The roster: what a company's HR system knows of its people."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE people
            ADD COLUMN hired_on date,
            ADD COLUMN leaves_on date,
            ADD COLUMN delegate_id uuid REFERENCES people,
            DROP CONSTRAINT people_manager_id_fkey,
            ADD CONSTRAINT people_manager FOREIGN KEY (manager_id) REFERENCES people DEFERRABLE INITIALLY DEFERRED
        """
    )
    op.execute("CREATE INDEX people_leaves_on ON people (leaves_on) WHERE leaves_on IS NOT NULL")
