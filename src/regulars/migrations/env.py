"""Runs the migrations on the connection that the caller brings (`regulars.platform.db.migrate`)."""

from alembic import context

# Tables that a library owns and changes by its own scripts, run from our migrations.
FOREIGN_PREFIXES = ("procrastinate_",)


def include_name(name: str | None, kind: str, _: object) -> bool:
    """Leave out of comparisons what is not ours."""
    return kind != "table" or name is None or not name.startswith(FOREIGN_PREFIXES)


attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes.get("target_metadata"),
    include_name=include_name,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
