"""Logs that cannot be written harm nobody."""

import logging
from contextlib import suppress
from pathlib import Path

import pytest

from regulars.platform.logs import LOGGER, RequestLog, configure_logging

pytestmark = pytest.mark.anyio


async def test_a_full_disk_under_the_logs_is_nobodys_trouble() -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level, LOGGER.level
    full = Path("/dev/full").open("w", buffering=1)  # noqa: ASYNC230, SIM115 - it cannot be closed in good order
    log = RequestLog(full)
    try:
        configure_logging("info", full)
        LOGGER.warning("nobody will read this")
        log.note(("GET", "/ready", 200, 0.001, "req_1", ""))
        log.flush()
    finally:
        logging.getLogger().handlers[:], level, ours = before
        logging.getLogger().setLevel(level)
        LOGGER.setLevel(ours)
        with suppress(OSError):
            full.close()
