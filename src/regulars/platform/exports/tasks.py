"""What is kept of exports goes: files when their time is over, the rest a month later."""

from regulars.platform.db.transaction import Transaction
from regulars.platform.exports import service
from regulars.platform.exports.files import ExportFiles
from regulars.platform.jobs.registry import task

_AT_MOST = 100


@task(cron="*/10 * * * *", given=("export_files",))
async def delete_export_files(tx: Transaction, *, export_files: ExportFiles) -> None:
    """Delete files whose time is over."""
    await service.delete_files(tx, export_files)


@task(cron="59 3 * * *")
async def forget_exports(tx: Transaction) -> bool:
    """Delete what is known of exports whose files went a month ago."""
    return await service.forget_expired(tx, _AT_MOST)
