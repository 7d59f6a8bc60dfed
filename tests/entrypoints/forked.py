"""Commands forked from a process that has loaded the product: each a process of its own, for a fraction of the time.

Loading takes a command most of what it takes in all, and proves nothing the second time. What a command is given
(arguments, environment, folder) and what it leaves (output, errors, exit code) are those of a process that was started
for it alone. Tests of what is loaded, of servers and of terminals start such processes.
"""

import atexit
import gc
import importlib
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import BinaryIO, Final

import msgspec

import regulars
from tests.architecture.source import ROOT

_PROGRAM: Final = "regulars.entrypoints.cli"
_NOT_LOADED: Final = (_PROGRAM, "regulars.migrations", "regulars.demo")
_MOST_BYTES: Final = 1 << 17
_one_at_a_time = Lock()


class Wish(msgspec.Struct):
    """What a command is given."""

    arguments: Sequence[str]
    environment: dict[str, str]
    folder: str


def run(environment: dict[str, str], arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises TimeoutExpired, with the command killed, after so many seconds."""
    with _one_at_a_time, TemporaryFile() as out, TemporaryFile() as err:
        wish = Wish(arguments, environment, str(Path.cwd()))
        forking = _forking()
        socket.send_fds(forking, [msgspec.json.encode(wish)], [out.fileno(), err.fileno()])
        process = int(forking.recv(_MOST_BYTES))
        try:
            forking.settimeout(seconds)
            code = int(forking.recv(_MOST_BYTES))
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            forking.settimeout(None)
            forking.recv(_MOST_BYTES)
            raise subprocess.TimeoutExpired([*arguments], seconds, _text(out), _text(err)) from None
        return subprocess.CompletedProcess([*arguments], code, _text(out), _text(err))


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _forking() -> socket.socket:
    """Start the process that forks, once; it ends when whoever asks it has ended."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-m", __name__, str(its.fileno())]
    process = subprocess.Popen(command, env=kept, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[its.fileno()])
    its.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _load() -> None:
    for module in pkgutil.walk_packages(regulars.__path__, "regulars."):
        if not module.name.startswith(_NOT_LOADED):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # else every process looks through all that was loaded when it ends


def _fork_for(asking: socket.socket) -> None:
    """Fork a process for every wish; return in each of these, as what it is to be."""
    while True:
        asked, given, _, _ = socket.recv_fds(asking, _MOST_BYTES, 2)
        if not asked:
            sys.exit()
        process = os.fork()
        if process == 0:
            asking.close()
            _become(msgspec.json.decode(asked, type=Wish), *given)
            return
        for file in given:
            os.close(file)
        asking.send(str(process).encode())
        asking.send(str(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])).encode())


def _become(wish: Wish, out: int, err: int) -> None:
    for file, place in ((out, 1), (err, 2)):
        os.dup2(file, place)
        os.close(file)
    os.environ.clear()
    os.environ.update(wish.environment)
    time.tzset()
    os.chdir(wish.folder)
    sys.argv[1:] = wish.arguments


if __name__ == "__main__":
    _load()
    _fork_for(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module(_PROGRAM, run_name="__main__", alter_sys=True)
