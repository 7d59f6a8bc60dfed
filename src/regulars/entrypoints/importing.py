"""What can be imported, and what does jobs: the one page that knows every kind of both."""

from regulars.commerce.importing import orders_imported
from regulars.commerce.orders.service import Commerce
from regulars.loyalty.api import Configuration
from regulars.loyalty.importing.rows import accruals_imported
from regulars.members.importing import members_imported
from regulars.platform.bulk.contracts import JobKinds
from regulars.platform.imports.contracts import IMPORT, ImportKinds
from regulars.platform.imports.files import ImportFiles
from regulars.platform.imports.stepping import Importing
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault


def import_kinds() -> ImportKinds:
    """Return every kind of import, each with what it reads of the programme of its own."""
    kinds = (members_imported(), orders_imported(Commerce(Configuration())), accruals_imported(Configuration()))
    return {kind.name: kind for kind in kinds}


def job_kinds(settings: Settings, vault: Vault) -> JobKinds:
    """Return what does the steps of each kind of jobs."""
    return {IMPORT: Importing(import_kinds(), vault, settings.home)}


def given_to_tasks(settings: Settings, vault: Vault) -> dict[str, object]:
    """Return what tasks ask for by name, which is not in the database."""
    return {"job_kinds": job_kinds(settings, vault), "import_files": ImportFiles(settings.home, vault.pepper)}
