"""The member's card on a slow phone: what is transferred, and when something stands on the screen."""

import asyncio
import shutil
from typing import Any, Final

from bench.figures import Budget, Row, row
from bench.options import Options
from bench.programme import Site, member_id
from bench.server import HOST, BenchBroken, product
from regulars.members.access.sessions import open_session
from regulars.platform.auth.contracts import Browser

TRANSFERRED_KB: Final = Budget(most=60)
FIRST_PAINT_SECONDS: Final = Budget(most=1)
DOWNLOAD_BITS: Final = 1_600_000
UPLOAD_BITS: Final = 750_000
LATENCY_MS: Final = 150
CPU_SLOWDOWN: Final = 4
VISITS: Final = 5  # a round
PHONE: Final = {"width": 390, "height": 844}
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
# Nothing of the browser's own goes out into the network; the sandbox needs rights that a container lacks.
_ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_FIRST_PAINT: Final = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
# What the worker fetches when it is installed; all else it needs is in the browser's cache by then.
_WORKER: Final = "async () => { for (const path of ['/worker.js', '/portal']) await (await fetch(path)).text(); }"


async def card(site: Site, options: Options) -> list[Row]:
    """Measure the first visit to `/portal`, in a fresh browser profile each time, through Chromium's own throttling."""
    async with site.database.transaction(actor="bench") as tx:
        somebody = Browser(address=HOST, user_agent="the bench")
        opened = await open_session(tx, member_id(site.spenders[0]), somebody, remember=True)
    paints: list[float] = []
    kilobytes: list[float] = []
    with product(site.home) as (port, _pid):
        address = f"http://{HOST}:{port}"
        for _ in range(options.rounds):
            painted, transferred = await asyncio.to_thread(_round, address, opened.token)
            paints += painted
            kilobytes += transferred
    phone = f"{DOWNLOAD_BITS / 1e6:g} Mbit/s, {LATENCY_MS} ms, CPU / {CPU_SLOWDOWN}"
    return [
        row("card page: transferred, its worker included", "KB", kilobytes, budget=TRANSFERRED_KB),
        row(f"card page: first paint ({phone})", "s", paints, budget=FIRST_PAINT_SECONDS),
    ]


def _round(address: str, token: str) -> tuple[list[float], list[float]]:
    """Return first paint (s) and what was transferred (KB of 1,000 bytes) of some visits. Raises BenchBroken."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only this scenario needs a browser

    program = next((path for path in map(shutil.which, _NAMES) if path), None)
    if program is None:
        raise BenchBroken("there is no Chromium. Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            visits = [_visit(browser, address, token) for _ in range(VISITS + 1)][1:]  # the first warms the server
        finally:
            browser.close()
    return [painted for painted, _ in visits], [transferred for _, transferred in visits]


def _visit(browser: Any, address: str, token: str) -> tuple[float, float]:  # noqa: ANN401 - playwright's
    context = browser.new_context(viewport=PHONE, device_scale_factor=3, is_mobile=True, service_workers="block")
    try:
        context.add_cookies([{"name": "rgl_member", "value": token, "url": address}])
        page = context.new_page()
        received: list[int] = []
        network = context.new_cdp_session(page)
        network.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
        network.send("Network.enable")
        network.send("Network.emulateNetworkConditions", _conditions())
        network.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
        page.goto(f"{address}/portal", wait_until="load")
        if page.locator("[data-card] [data-code] path").count() != 1:
            raise BenchBroken(f"{page.url} is not the card")
        painted: float | None = page.evaluate(_FIRST_PAINT)
        if painted is None:
            raise BenchBroken("Chromium tells of no paint")
        page.evaluate(_WORKER)
        return painted / 1000, sum(received) / 1000
    finally:
        context.close()


def _conditions() -> dict[str, float | bool]:
    return {
        "offline": False,
        "latency": LATENCY_MS,
        "downloadThroughput": DOWNLOAD_BITS / 8,
        "uploadThroughput": UPLOAD_BITS / 8,
    }
