"""Commands as somebody types them, in this process: a deployment of a test's own, and what was told."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from regulars.entrypoints.cli import app
from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import Policy
from regulars.members import api as members
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Rows
from regulars.platform.ids import public_id
from regulars.platform.vault.local import LocalVault
from tests.conftest import fresh_database
from tests.entrypoints.commands import as_url
from tests.members.people import define_markets, external, signed_up

USER = "meilin"


@dataclass(frozen=True)
class Desk:
    """Where commands are typed, with the settings of a deployment in the environment."""

    database_url: str
    home: Path

    def type(self, *words: str, code: int = 0, read: str | None = None, **environment: str) -> Result:
        """Run a command, with `read` on standard input; fails where it ends with another exit code."""
        at = {"DATABASE_URL": as_url(self.database_url), "REGULARS_HOME": str(self.home), "LOGNAME": USER, "LC_ALL": ""}
        done = CliRunner().invoke(app, words, input=read, env={**at, **environment})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done

    def at_terminal(self, answer: str, *words: str) -> tuple[int, str]:
        """Run a command at a terminal, answer its question, and return its exit code and what it printed."""
        ours, its = pty.openpty()
        at = {**os.environ, "DATABASE_URL": as_url(self.database_url), "REGULARS_HOME": str(self.home)}
        os.write(ours, f"{answer}\n".encode())
        try:
            done = subprocess.run(
                [sys.executable, "-m", "regulars.entrypoints.cli", *words],
                env=at,
                stdin=its,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(its)
        return done.returncode, done.stdout + done.stderr

    def told(self, *words: str) -> Any:  # noqa: ANN401 - any JSON there is
        """Run a command and return its JSON."""
        return json.loads(self.type(*words, "--json").stdout)

    def refused(self, *words: str) -> Any:  # noqa: ANN401 - any JSON there is
        """Run a command that is refused and return the problem document."""
        done = self.type(*words, "--json", code=2)
        assert done.stdout == ""
        return json.loads(done.stderr)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Rows:
        """Ask the database itself."""

        async def ask() -> Rows:
            async with Database(self.database_url, pool_size=1) as database, database.transaction() as tx:
                return await tx.rows(sql, parameters)

        return asyncio.run(ask())

    def join(self, name: str, points: int = 0) -> str:
        """Sign up a member, with points if there shall be some."""

        async def sign_up() -> str:
            vault = LocalVault(self.home / "vault")
            try:
                async with Database(self.database_url, pool_size=1) as database:
                    return public_id("mbr", (await signed_up(database, vault, external(f"test:{name}"))).member_id)
            finally:
                vault.close()

        member = asyncio.run(sign_up())
        if points:
            amount, reference = f"--amount={points}", f"--reference=begin-{name}"
            self.type("corrections", "make", member, amount, "--reason", "to begin with", reference)
        return member


@contextmanager
def deployment(server_url: str, template: str, home: Path, policy: Policy) -> Iterator[Desk]:
    """Give a deployment with a policy in force."""

    async def begin(url: str) -> None:
        vault = LocalVault(home / "vault")
        async with Database(url, pool_size=2) as database:
            await define_markets(database)
            async with database.transaction() as tx:
                await members.claim_vault(tx, vault)
                loyalty.define_standard_wallets(tx)
            async with database.transaction() as tx:
                await loyalty.activate_policy(tx, policy, tx.now - timedelta(days=800))
        vault.close()

    with fresh_database(server_url, template) as url:
        asyncio.run(begin(url))
        yield Desk(url, home)
