"""The tables of what calls leave: names, columns, and how a moment is kept. ``migrations`` makes them.

Their names begin with ``agent_``: a database may be another program's as well. A new table is a ``Table``
here and a file in ``migrations/versions``; a test compares the two.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment that knows its zone; in UTC in the database, and out of it. SQLite keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _text(name: str, *, index: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, index=index)


# ``number``, ``left_number``: of the caller and of the lead as ``bare_number``, to be found however written.
calls = Table(
    "agent_calls",
    metadata,
    Column("sid", Text, primary_key=True),
    _text("caller"),
    _text("number", index=True),
    _text("left_number", index=True),
    Column("at", Moment, nullable=False, index=True),
    _count("duration_ms"),
    _text("ended"),
    Column("missed", Text),
    _count("turns"),
    _count("worst_gap_ms"),
    _count("barge_ins"),
    _count("false_barge_ins"),
    _count("stt_errors"),
    _count("llm_errors"),
    _count("tts_errors"),
    Column("lead", JSON, nullable=False),
    _text("summary"),
    Column("knobs", JSON, nullable=False),
    _text("event_log"),
    _text("host"),
)

# No foreign key: a turn whose call was forgotten meanwhile must not be refused for ever.
turns = Table(
    "agent_turns",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kept_at", Moment, nullable=False, index=True),
    _count("began_ms"),
    _count("ended_ms"),
    _text("caller"),
    _text("agent"),
    _text("said_by"),
    _text("ended"),
    Column("gap_total_ms", Integer),
    Column("gap_closing_silence_ms", Integer),
    Column("gap_stt_ms", Integer),
    Column("gap_llm_ms", Integer),
    Column("gap_tts_ms", Integer),
    Column("gap_breath_ms", Integer),
    Column("gap_wall_ms", Integer),
    _count("speculative_starts"),
    _count("speculative_dropped"),
    _count("barge_ins"),
    _count("false_barge_ins"),
    Column("errors", JSON, nullable=False),
    Column("decisions", JSON, nullable=False),
)

# What one process of all does now and then, and when one has begun it last.
chores = Table(
    "agent_chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)

# The lines of LEADS_FILE on their way, until the lead is whole: of all hosts together.
# ``digest``: of the line, so that none is there twice; ``lead``: the CallSid, or a name of a line without.
lead_lines = Table(
    "agent_lead_lines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    _text("lead", index=True),
    _text("line"),
    Column("at", Moment, nullable=False),
)

# What is sent, and has been: one row a lead and channel. ``payload`` is empty once it has arrived.
lead_deliveries = Table(
    "agent_lead_deliveries",
    metadata,
    Column("lead", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    _text("payload"),
    _text("state"),
    _count("attempts"),
    _count("refusals"),
    Column("made_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False, index=True),
    Column("claimed_until", Moment),
    Column("sent_at", Moment),
    _text("last_error"),
)
