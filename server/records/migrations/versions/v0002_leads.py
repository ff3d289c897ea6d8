"""Leads on their way to the office."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "agent_lead_lines",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("lead", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ix_agent_lead_lines_lead", "agent_lead_lines", ["lead"])
    op.create_table(
        "agent_lead_deliveries",
        sa.Column("lead", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("claimed_until", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.Column("last_error", sa.Text, nullable=False),
    )
    op.create_index("ix_agent_lead_deliveries_next_at", "agent_lead_deliveries", ["next_at"])


def downgrade() -> None:
    for table in ("agent_lead_deliveries", "agent_lead_lines"):
        op.drop_table(table)
