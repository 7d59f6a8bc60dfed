"""A slow processor: the browser's renderers run for a part of each moment, and lie still for the rest of it.

The browser's own throttling spins where it should wait: four times slower, it takes three quarters of a core from
whatever runs beside it, also while nothing happens on the page.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from playwright.sync_api import Browser, CDPSession

MOMENT_SECONDS: Final = 0.02


@dataclass
class Slowed:
    """The renderers of a browser, and how much of each moment they may run."""

    session: CDPSession
    share: float
    renderers: frozenset[int] = frozenset()
    ended: threading.Event = field(default_factory=threading.Event)

    def look_again(self) -> None:
        """Slow those, too, that the browser has started since."""
        processes = self.session.send("SystemInfo.getProcessInfo")["processInfo"]
        self.renderers = frozenset(one["id"] for one in processes if one["type"] == "renderer")
        assert self.renderers

    def beat(self) -> None:
        """Let them lie still and run, in turns, until it has ended."""
        while not self.ended.is_set():
            now = self.renderers
            send(now, signal.SIGSTOP)
            self.ended.wait(MOMENT_SECONDS * (1 - self.share))
            send(now, signal.SIGCONT)
            self.ended.wait(MOMENT_SECONDS * self.share)


def send(processes: frozenset[int], which: signal.Signals) -> None:
    """Send a signal to those that are still there."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, which)


@contextmanager
def slowed(browser: Browser, times: int) -> Iterator[Slowed]:
    """Give a browser whose pages have a processor slowed that many times, until the end."""
    state = Slowed(browser.new_browser_cdp_session(), 1 / times)
    state.look_again()
    beating = threading.Thread(target=state.beat)
    beating.start()
    try:
        yield state
    finally:
        state.ended.set()
        beating.join()
        state.session.detach()
