"""Accruals out of a CSV file, beside COPY of the same file into a bare table."""

from pathlib import Path
from random import Random
from time import perf_counter

from bench import limits, proofs
from bench.figures import Row, row
from bench.options import Options
from bench.programme import Site, public
from regulars.entrypoints.importing import import_kinds, job_kinds
from regulars.platform.bulk.stepping import do_step
from regulars.platform.bulk.tasks import run_job
from regulars.platform.imports import service
from regulars.platform.imports.contracts import PART_BYTES, Mapped
from regulars.platform.imports.files import ImportFiles
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault

ROWS = 20_000
BESIDE_COPY = "the limit is COPY into a table without books, lots, indexes, audit and events"


async def imports(site: Site, options: Options) -> list[Row]:
    """Measure rows a second of an import, its steps done one after the other by one process."""
    rates: list[float] = []
    copied: list[float] = []
    for turn in range(options.rounds):
        prefix = f"import-{turn}-"
        random = Random(prefix)
        lines = [f"{public(random.choice(site.earners))},10,{prefix}{number}\n" for number in range(ROWS)]
        content = ("member_id,amount,reference\n" + "".join(lines)).encode()
        limits.checkpoint(site)
        rates.append(ROWS / await _import(site, content))
        await proofs.exactly(site, prefix, [f"{prefix}{number}" for number in range(ROWS)])
        await proofs.books_balance(site)
        limits.checkpoint(site)
        copied.append(limits.copied(site, "".join(lines).encode()))
    return [row("accruals imported from CSV", "/s", rates, copied, note=BESIDE_COPY)]


async def _import(site: Site, content: bytes) -> float:
    vault = LocalVault(site.home / "vault")
    settings = Settings(home=Path(site.home))
    kinds, files = job_kinds(settings, vault, site.database), ImportFiles(settings.home, vault.pepper)
    began = perf_counter()
    async with site.database.transaction(actor="bench") as tx:
        begun = await service.begin(
            tx,
            import_kinds(settings)["accruals"],
            form="csv",
            mapping=Mapped(),
            mode="rest",
            dry_run=False,
            name="bench",
            by="bench",
        )
        for number, at in enumerate(range(0, len(content), PART_BYTES), 1):
            piece = content[at : at + PART_BYTES]
            await service.put_part(tx, files, begun.job_id, number, piece, by="bench")
        await service.start(tx, run_job, begun.job_id, by="bench")
    more: int | None = 0
    while more is not None:
        async with site.database.transaction(actor="bench", set_based=True) as tx:
            more = await do_step(tx, kinds, begun.job_id)
    took = perf_counter() - began
    vault.close()
    return took
