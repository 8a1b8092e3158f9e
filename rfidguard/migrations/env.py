"""How alembic reaches the database: always on the connection that rfidguard.migrations hands over, there is no alembic.ini."""

from alembic import context

from rfidguard.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
