"""The tables of a rack, version after version: a new rack takes every step, an old one the rest."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

FIRST = """
CREATE TABLE hosts (
    name TEXT PRIMARY KEY, cores INTEGER NOT NULL, memory_mb INTEGER NOT NULL,
    storage_gb INTEGER NOT NULL, hypervisor TEXT NOT NULL, version TEXT NOT NULL
);
CREATE TABLE guests (
    host TEXT NOT NULL, id TEXT NOT NULL, hypervisor_id TEXT NOT NULL, name TEXT NOT NULL,
    cores INTEGER NOT NULL, memory_mb INTEGER NOT NULL, definition TEXT NOT NULL,
    power TEXT NOT NULL DEFAULT 'off', holds_memory INTEGER NOT NULL DEFAULT 0,
    running_since REAL, computer_name TEXT, user TEXT, salt BLOB, digest BLOB,
    is_set_up INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (host, id)
);
CREATE TABLE disks (
    host TEXT NOT NULL, id TEXT NOT NULL, source_image TEXT, size_gb INTEGER NOT NULL,
    is_whole INTEGER NOT NULL DEFAULT 0, guest TEXT, position INTEGER,
    PRIMARY KEY (host, id)
);
CREATE INDEX disks_by_guest ON disks (host, guest, position);
CREATE TABLE adapters (
    host TEXT NOT NULL, id TEXT NOT NULL, guest TEXT NOT NULL, mac TEXT NOT NULL,
    mac_key TEXT NOT NULL, network TEXT NOT NULL, vlan INTEGER, address TEXT,
    PRIMARY KEY (host, id)
);
CREATE INDEX adapters_by_guest ON adapters (host, guest);
CREATE UNIQUE INDEX adapters_by_mac ON adapters (network, mac_key);
CREATE TABLE work (
    host TEXT NOT NULL, subject TEXT NOT NULL, verb TEXT NOT NULL, target TEXT NOT NULL,
    began REAL NOT NULL, until REAL NOT NULL, hangs INTEGER NOT NULL,
    PRIMARY KEY (host, subject)
);
CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, verb TEXT NOT NULL,
    kind TEXT NOT NULL, remaining INTEGER, detail TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, verb TEXT NOT NULL,
    subject TEXT NOT NULL
)
"""

# Room taken ahead of the end of work: `wanted_gb` is what a disk grows to; `goes_to_…` is where a
# disk or guest is on its way to. `stands_at` is the checkpoint a guest has not stirred from.
SECOND = """
CREATE TABLE volumes (
    host TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL,
    capacity_gb INTEGER NOT NULL, PRIMARY KEY (host, name)
);
INSERT INTO volumes SELECT name, 'data', 0, storage_gb FROM hosts;
ALTER TABLE disks ADD COLUMN volume TEXT NOT NULL DEFAULT 'data';
ALTER TABLE disks ADD COLUMN wanted_gb INTEGER;
ALTER TABLE disks ADD COLUMN goes_to_host TEXT;
ALTER TABLE disks ADD COLUMN goes_to_volume TEXT;
CREATE INDEX disks_by_goal ON disks (goes_to_host) WHERE goes_to_host IS NOT NULL;
ALTER TABLE guests ADD COLUMN media TEXT NOT NULL DEFAULT '';
ALTER TABLE guests ADD COLUMN checkpoint TEXT;
ALTER TABLE guests ADD COLUMN stands_at TEXT;
ALTER TABLE guests ADD COLUMN goes_to_host TEXT;
CREATE INDEX guests_by_goal ON guests (goes_to_host) WHERE goes_to_host IS NOT NULL;
CREATE TABLE checkpoints (
    host TEXT NOT NULL, guest TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, parent TEXT,
    power TEXT NOT NULL, cores INTEGER NOT NULL, memory_mb INTEGER NOT NULL,
    PRIMARY KEY (host, guest, id)
);
CREATE TABLE checkpoint_disks (
    host TEXT NOT NULL, guest TEXT NOT NULL, checkpoint TEXT NOT NULL, disk TEXT NOT NULL,
    size_gb INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (host, guest, checkpoint, disk)
);
CREATE TABLE images (
    name TEXT PRIMARY KEY, host TEXT NOT NULL, disk TEXT NOT NULL, size_gb INTEGER NOT NULL,
    is_whole INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX faults_by_host ON faults (host)
"""

# What else a guest was set up with: `settings` is readable JSON; of each secret, `proofs` has a
# salted digest.
THIRD = """
ALTER TABLE guests ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE guests ADD COLUMN proofs TEXT NOT NULL DEFAULT '{}'
"""

# Each address of an adapter, with blanks between.
FOURTH = """
ALTER TABLE adapters ADD COLUMN addresses TEXT NOT NULL DEFAULT '';
UPDATE adapters SET addresses = coalesce(address, '');
ALTER TABLE adapters DROP COLUMN address
"""


def _first(connection: sqlite3.Connection) -> None:
    _run(connection, FIRST)


def _second(connection: sqlite3.Connection) -> None:
    _run(connection, SECOND)
    # Disks have learnt of volumes since.
    _redefine(connection, r"(size_gb=\d+)\)", r"\1, volume='')")


def _third(connection: sqlite3.Connection) -> None:
    _run(connection, THIRD)


def _fourth(connection: sqlite3.Connection) -> None:
    _run(connection, FOURTH)
    _redefine(connection, r"(vlan=\w+), address=None\)", r"\1, addresses=())")
    _redefine(connection, r"(vlan=\w+), address=('[^']*')\)", r"\1, addresses=(\2,))")


def _redefine(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Change the definitions of guests, which are kept as written out."""
    for id, text in connection.execute("SELECT rowid, definition FROM guests").fetchall():
        told = re.sub(old, new, text)
        connection.execute("UPDATE guests SET definition=? WHERE rowid=?", (told, id))


STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _second, _third, _fourth)
SCHEMA_VERSION = len(STEPS)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Take the steps that the rack has not taken yet, all or none; harmless when none is left."""
    if _version(connection) >= SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in STEPS[_version(connection) :]:
            step(connection)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _run(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        connection.execute(statement)
