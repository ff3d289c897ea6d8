"""How a database comes to have the tables of this program: Alembic's steps, one a file in ``versions``.

A step more is ``versions/v0002_what_it_adds.py`` with ``revision = "v0002"`` and ``down_revision = "v0001"``.
While a new program starts an old one still writes: a step adds, and takes away only what none uses any more.
Steps that are out never change.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

VERSION_TABLE = "agent_schema"  # not Alembic's own name: a database may be another program's as well
ADVISORY_LOCK = 0x6167656E74  # any number, the same in all versions
_STEPS = sorted(path.stem.partition("_")[0] for path in (Path(__file__).parent / "versions").glob("v*.py"))
HEAD = _STEPS[-1]


class Newer(Exception):
    """The database was changed by a newer program than this one."""


def revision_of(connection: Connection) -> str:
    """Which step the database has taken last; "": none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    return str(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) or "")


def upgrade(connection: Connection, to: str = "head") -> None:
    """Take the steps that are missing; ``connection`` is in a transaction that writes. Raises Newer.

    Whoever comes second waits, and finds nothing to do: SQLite has one writer, and PostgreSQL a lock that
    ends with the transaction (one of a session would stay in a pooler's). Both take back a step that fails.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # a large table takes its time
    found = revision_of(connection)
    if found and found not in _STEPS:
        raise Newer(f"it is of a newer program ({found}, and this one knows {HEAD}), and left alone")
    if to != "head" or found != HEAD:
        _alembic(connection, "upgrade", to)


def downgrade(connection: Connection, to: str) -> None:
    """Back to a step, or to ``base``, with what the later ones have kept."""
    _alembic(connection, "downgrade", to)


def _alembic(connection: Connection, command: str, to: str) -> None:
    import alembic.command  # now: a process that finds its tables does without it
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    getattr(alembic.command, command)(config, to)
