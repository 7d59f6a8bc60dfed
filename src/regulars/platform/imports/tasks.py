"""What is kept of imports goes: files once they are imported, the rest after a week."""

from regulars.platform.db.transaction import Transaction
from regulars.platform.imports import service
from regulars.platform.imports.files import ImportFiles
from regulars.platform.jobs.registry import task

_AT_MOST = 100


@task(cron="*/10 * * * *", given=("import_files",))
async def delete_import_files(tx: Transaction, *, import_files: ImportFiles) -> None:
    """Delete files of which nobody has any more use."""
    await service.delete_files(tx, import_files)


@task(cron="57 3 * * *")
async def forget_imports(tx: Transaction) -> bool:
    """Delete imports that were begun a week ago, with why rows were refused."""
    return await service.forget_expired(tx, _AT_MOST)
