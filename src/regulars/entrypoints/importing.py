"""What can be imported, and what does jobs: the one page that knows every kind of both."""

from uuid import UUID

from regulars.commerce.importing import orders_imported
from regulars.commerce.orders.service import Commerce
from regulars.entrypoints.exporting import PEOPLE, export_kinds
from regulars.loyalty.api import Configuration
from regulars.loyalty.importing.rows import accruals_imported
from regulars.members.consent.importing import consents_imported
from regulars.members.consent.terms import double_opt_in
from regulars.members.importing import members_imported
from regulars.platform.bulk.contracts import JobKinds, JobScopes
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.exports import service as exports
from regulars.platform.exports.contracts import EXPORT, ExportKinds
from regulars.platform.exports.files import ExportFiles
from regulars.platform.exports.stepping import Exporting
from regulars.platform.imports import service as imports
from regulars.platform.imports.contracts import IMPORT, ImportKinds
from regulars.platform.imports.files import ImportFiles
from regulars.platform.imports.stepping import Importing
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault


def import_kinds(settings: Settings) -> ImportKinds:
    """Return every kind of import, each with what it reads of the programme of its own."""
    kinds = (
        members_imported(),
        consents_imported(double_opt_in(settings)),
        orders_imported(Commerce(Configuration())),
        accruals_imported(Configuration()),
    )
    return {kind.name: kind for kind in kinds}


def job_kinds(settings: Settings, vault: Vault, database: Database) -> JobKinds:
    """Return what does the steps of each kind of jobs."""
    return {
        IMPORT: Importing(import_kinds(settings), vault, settings.home),
        EXPORT: Exporting(export_kinds(), PEOPLE, database, vault, settings.home),
    }


def job_scopes(imported: ImportKinds, exported: ExportKinds) -> JobScopes:
    """Return which scopes the jobs of each kind need."""

    async def of_import(tx: Transaction, job_id: UUID) -> list[str]:
        return await imports.scopes_of(tx, imported, job_id)

    async def of_export(tx: Transaction, job_id: UUID) -> list[str]:
        return await exports.scopes_of(tx, exported, job_id)

    return {IMPORT: of_import, EXPORT: of_export}


def given_to_tasks(settings: Settings, vault: Vault, database: Database) -> dict[str, object]:
    """Return what tasks ask for by name, which is not in the database."""
    return {
        "job_kinds": job_kinds(settings, vault, database),
        "import_files": ImportFiles(settings.home, vault.pepper),
        "export_files": ExportFiles(settings.home, vault.pepper),
    }
