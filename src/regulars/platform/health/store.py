"""SQL of readiness."""

from regulars.platform.db.transaction import Transaction


async def select_revision(tx: Transaction) -> str | None:
    """Return the schema's revision; None if nothing was ever migrated."""
    rows = await tx.rows("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not rows[0][0]:
        return None
    rows = await tx.rows("SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else None


async def select_version(tx: Transaction) -> int:
    """Return PostgreSQL's version as a number, e.g. 180006."""
    rows = await tx.rows("SELECT current_setting('server_version_num')::int")
    return int(rows[0][0])
