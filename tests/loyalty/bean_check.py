"""Asking beancount whether it takes a journal."""

import subprocess
import sys
from pathlib import Path


def bean_check(journal: Path) -> str:
    """Return what `bean-check` says of a file: nothing, if it is right."""
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("bean-check")), "--no-cache", str(journal)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode == 0) == (not checked.stderr), checked
    return checked.stderr
