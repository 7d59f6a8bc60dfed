"""The worker's part in privacy: members are erased and exports gathered as they come due."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from regulars.members.contracts.privacy import Parts
from regulars.members.privacy.erasing import carry_out_due
from regulars.members.privacy.exporting import gather_waiting
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.vault.contracts import Vault

logger = logging.getLogger(__name__)

_IDLE_SECONDS: Final = 1.0


async def run_privacy(database: Database, vault: Vault, parts: Parts, stop: asyncio.Event) -> None:
    """Carry out what is due until `stop` is set. Outlives the database."""
    while not stop.is_set():
        done = 0
        for work in (carry_out_due, gather_waiting):
            try:
                done += await work(database, vault, parts)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look tries again
                logger.warning("%s failed: %s", work.__name__, describe(error))
        if not done:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _IDLE_SECONDS)
