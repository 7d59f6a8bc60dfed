"""Ask a PostgreSQL whether it serves, without a driver: the first bytes of the protocol are enough."""

import socket
import struct
from pathlib import Path

SERVES = "00000"
NO_DATABASE = "3D000"
SILENT = ""

_PROTOCOL_3_0 = 196_608
_TERMINATE = b"X\0\0\0\4"


def ask(socket_path: Path, role: str, database: str) -> str:
    """The SQLSTATE with which PostgreSQL answers a connection: `SERVES`, `NO_DATABASE`, or another refusal.

    `SILENT` when nobody answers.
    """
    words = b"".join(word.encode() + b"\0" for word in ("user", role, "database", database, ""))
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(socket_path))
            connection.sendall(struct.pack("!ii", len(words) + 8, _PROTOCOL_3_0) + words)
            return _read_answer(connection)
    except OSError:
        return SILENT


def _read_answer(connection: socket.socket) -> str:
    while True:
        kind, length = struct.unpack("!ci", _read(connection, 5))
        body = _read(connection, length - 4)
        if kind == b"E":
            fields = {field[:1]: field[1:] for field in body.split(b"\0")}
            return fields[b"C"].decode()
        if kind == b"Z":
            connection.sendall(_TERMINATE)
            return SERVES


def _read(connection: socket.socket, size: int) -> bytes:
    read = bytearray()
    while len(read) < size:
        part = connection.recv(size - len(read))
        if not part:
            raise ConnectionResetError
        read += part
    return bytes(read)
