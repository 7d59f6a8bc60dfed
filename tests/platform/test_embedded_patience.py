"""Whoever brings the embedded PostgreSQL back waits for as long as it likes, and no longer."""

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from regulars.platform.embedded import StillStarting, acquire, wait_until_stopped
from regulars.platform.embedded.supervisor import open_lock, try_lock
from tests.faults.product import until
from tests.faults.victims import nothing_runs, supervisors


def test_who_has_little_patience_is_told_that_somebody_is_at_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with acquire(tmp_path) as server:
        somebody = open_lock(server.place.lock("start"))
        assert try_lock(somebody, fcntl.LOCK_EX)
        (supervisor,) = supervisors(tmp_path)
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: nothing_runs(tmp_path))
        with pytest.raises(StillStarting):
            server.ensure(0.01)
        os.close(somebody)
        server.ensure()
        assert server.is_supervised()
    assert wait_until_stopped(tmp_path)


def test_a_server_that_does_not_answer_holds_nobody_longer_than_wanted(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with acquire(tmp_path) as server:
        (supervisor,) = supervisors(tmp_path)
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: nothing_runs(tmp_path))
        others = open_lock(server.place.lock("supervisor"))  # one that has not started anything yet
        assert try_lock(others, fcntl.LOCK_EX)
        began = time.monotonic()
        with pytest.raises(StillStarting):
            server.ensure(0.2)
        assert time.monotonic() >= began + 0.2, "it was waited for"
        os.close(others)
    assert wait_until_stopped(tmp_path)
