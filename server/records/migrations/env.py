"""What Alembic runs: the steps, on the connection that was given, within its transaction."""

from alembic import context

from server.records.migrations import VERSION_TABLE
from server.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
