"""Calls, their turns, and chores."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "agent_calls",
        sa.Column("sid", sa.Text, primary_key=True),
        *_texts("caller", "number", "left_number"),
        sa.Column("at", MOMENT, nullable=False),
        *_counts("duration_ms"),
        *_texts("ended"),
        sa.Column("missed", sa.Text),
        *_counts("turns", "worst_gap_ms", "barge_ins", "false_barge_ins"),
        *_counts("stt_errors", "llm_errors", "tts_errors"),
        sa.Column("lead", sa.JSON, nullable=False),
        *_texts("summary"),
        sa.Column("knobs", sa.JSON, nullable=False),
        *_texts("event_log", "host"),
    )
    for column in ("at", "number", "left_number"):
        op.create_index(f"ix_agent_calls_{column}", "agent_calls", [column])
    op.create_table(
        "agent_turns",
        sa.Column("sid", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kept_at", MOMENT, nullable=False),
        *_counts("began_ms", "ended_ms"),
        *_texts("caller", "agent", "said_by", "ended"),
        *(
            sa.Column(f"gap_{part}_ms", sa.Integer)
            for part in ("total", "closing_silence", "stt", "llm", "tts", "breath", "wall")
        ),
        *_counts("speculative_starts", "speculative_dropped", "barge_ins", "false_barge_ins"),
        sa.Column("errors", sa.JSON, nullable=False),
        sa.Column("decisions", sa.JSON, nullable=False),
    )
    op.create_index("ix_agent_turns_kept_at", "agent_turns", ["kept_at"])
    op.create_table(
        "agent_chores",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    for table in ("agent_chores", "agent_turns", "agent_calls"):
        op.drop_table(table)
