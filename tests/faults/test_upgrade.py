"""The release before and this one on one database, under load, while the migrations run: no caller sees an error."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import UUID

import httpx
import pytest

from regulars.platform.db.migrate import current_revision, head
from tests.faults.books import problems_of, read_books
from tests.faults.load import Load
from tests.faults.product import DEADLINE_SECONDS, LOOK_SECONDS, Product, Shop, product_at, until_true
from tests.faults.rounds import EXPECTED_REFUSALS, MEMBERS, Rounds
from tests.faults.shop import public
from tests.faults.test_clock_steps import ANSWERS
from tests.faults.victims import WEB, WORKER

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
VERSIONS = "src/regulars/migrations/versions"
CALLERS = 6  # of each release's web process
APART = 1_000_000  # so the callers of one release and of the other never take the same key
READ = ("", "/wallets", "/statement", "/tier", "/lots")
PREPARE = """
import asyncio, json, sys
from pathlib import Path
from tests.faults.product import Product
from tests.faults.shop import prepare
shop = asyncio.run(prepare(Product(Path(sys.argv[1]), 1), int(sys.argv[2])))
print(json.dumps([shop.url, shop.token, [str(member_id) for member_id in shop.members]]))
"""


def git(*arguments: str) -> str:
    """Ask git about this checkout."""
    asked = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def commit_before() -> str:
    """Return the newest commit whose migrations end elsewhere than this checkout's."""
    if not (ROOT / ".git").exists() or git("rev-parse", "--is-shallow-repository") == "true":
        pytest.skip("the history is not there, and with it the release before: clone it whole (git fetch --unshallow)")
    ends_here = re.compile(rf'^revision\b[^=]*= "{head()}"$', re.MULTILINE)
    (latest,) = [path.name for path in (ROOT / VERSIONS).glob("*.py") if ends_here.search(path.read_text())]
    added = git("log", "-1", "--diff-filter=A", "--format=%H", "HEAD", "--", f"{VERSIONS}/{latest}")
    return f"{added}^" if added else "HEAD"  # not committed yet: whatever is, is before it


def unpack(commit: str, into: Path) -> None:
    """Put a commit's program and tests into a folder."""
    packed = into.with_suffix(".tar")
    git("archive", "--output", str(packed), commit, "src", "tests", "pyproject.toml")
    with tarfile.open(packed) as archive:
        archive.extractall(into, filter="data")


@dataclass
class Release:
    """One release's processes on the home that both share, and those who call its web process."""

    product: Product
    load: Load
    read: Counter[int] = field(default_factory=Counter)

    async def call(self) -> None:
        """Ask for changes, and read, until the load stops."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.load.run(CALLERS))
            group.create_task(self._look())

    async def _look(self) -> None:
        members = [public(member_id) for member_id in self.load.shop.members]
        while not self.load.stopping:
            for path in READ:
                member_id = self.load.random.choice(members)
                answer = await self.load.http.get(f"/v1/members/{member_id}{path}")
                self.read[answer.status_code] += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def until_answered(self, calling: "asyncio.Task[None]") -> None:
        """Wait until it has answered so many more operations that began from now on."""
        before = self.load.acknowledged() + CALLERS
        await until_true(lambda: calling.done() or self.load.acknowledged() >= before + ANSWERS)
        assert not calling.done(), "its callers broke off"

    def check(self) -> None:
        """Nobody had to ask twice, and nobody was told that something is broken."""
        assert not self.load.mishaps, self.load.mishaps[:3]
        assert set(self.load.refusals) <= EXPECTED_REFUSALS, self.load.refusals
        again = [one for one in self.load.operations if one.attempts > 1 or one.answer is None]
        assert not again, [(one.kind, one.attempts, one.gave_up) for one in again[:5]]
        assert set(self.read) == {200}, self.read


@contextmanager
def deployment(folder: Path, source: Path) -> Iterator[Product]:
    """Give a product on the home that both share, whose programs are of the release in `source`."""
    with product_at(folder, settings={"PYTHONPATH": str(source / "src")}) as product:
        product.home = folder.parent / "home"
        yield product


@asynccontextmanager
async def released(product: Product, shop: Shop, first: int) -> AsyncIterator[Release]:
    """Give a release on which nothing runs yet; its callers take keys from `first` on."""
    headers = {"Authorization": f"Bearer {shop.token}"}
    async with httpx.AsyncClient(base_url=product.address, headers=headers, timeout=DEADLINE_SECONDS) as http:
        yield Release(product, Load(shop, product.address, http, Random(first), _number=first))


def prepared(product: Product, source: Path) -> Shop:
    """Let the release before make a programme in the home, as its own tests do."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(source / "src"), str(source)])}
    command = [sys.executable, "-c", PREPARE, str(product.home), str(MEMBERS)]
    told = subprocess.run(command, check=True, env=environment, cwd=source, stdout=subprocess.PIPE)
    url, token, members = json.loads(told.stdout)
    return Shop(url, token, tuple(UUID(member_id) for member_id in members))


async def test_the_release_before_and_this_one_serve_side_by_side_while_the_migrations_run(tmp_path: Path) -> None:
    source = tmp_path / "before"
    for folder in (source, tmp_path / "old", tmp_path / "new"):
        folder.mkdir()
    unpack(commit_before(), source)
    with deployment(tmp_path / "old", source) as before, deployment(tmp_path / "new", ROOT) as now:
        shop = prepared(before, source)
        async with released(before, shop, 0) as old, released(now, shop, APART) as new:
            await upgrade(old, new)
        for release in (old, new):
            release.check()
        sent = [*old.load.operations, *new.load.operations]
        found = problems_of(read_books(shop.url), shop, sent)
        assert not found, f"{len(found)} problems: {found[:10]}"
        await Rounds(now, shop, new.load, Random(0)).check_drained()
        verified = now.ask("verify", "--json")
        assert verified["ok"], [one for one in verified["checks"] if not one["ok"]]


async def upgrade(old: Release, new: Release) -> None:
    """Bring a deployment from the release before to this one, as docs/upgrade.md says, while both are called."""
    url = old.load.shop.url
    old.product.add(WEB, "serve", "--no-work")
    old.product.add(WORKER, "work")
    await old.load.until_ready()
    earlier = current_revision(url)
    assert earlier not in {None, head()}, "there is nothing to migrate"
    calling_old = asyncio.create_task(old.call())
    await old.until_answered(calling_old)
    migrating = new.product.add("migrate", "migrate")
    await until_true(lambda: migrating.process is not None and migrating.process.poll() is not None)
    assert (migrating.wait(), current_revision(url)) == (0, head())
    await old.until_answered(calling_old)  # on a schema that it does not know
    del new.product.programs["migrate"]
    new.product.add(WEB, "serve", "--no-work")
    new.product.add(WORKER, "work")
    await new.load.until_ready()
    calling_new = asyncio.create_task(new.call())
    await asyncio.gather(old.until_answered(calling_old), new.until_answered(calling_new))
    old.load.stopping = True
    await calling_old
    assert [old.product.programs[name].stop() for name in (WEB, WORKER)] == [0, 0]
    await new.until_answered(calling_new)
    new.load.stopping = True
    await calling_new
