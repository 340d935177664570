"""The rack file: connections and short transactions, for many processes and threads.

A process keeps one connection to a rack and one transaction at a time (they last microseconds,
and SQLite has one writer anyway). Connections are closed before a fork: a child that inherits an
open one, even unused, shares SQLite's in-process lock book and can lose the WAL under its feet.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fabric.hypervisors.errors import Busy, Unreachable
from fabric.hypervisors.simulated.schema import bring_up_to_date

BUSY_SECONDS = 10.0
KEPT_OPEN = 16
_FAR_SIDE_TROUBLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
}

_one_at_a_time = threading.RLock()
_open: dict[str, tuple[tuple[int, int], sqlite3.Connection]] = {}


class Rack:
    """A rack file; made, with its schema, when it is first needed."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path).absolute()
        self._key = str(self.path)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that has the rack to itself; undone when the block raises."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A steady view of the rack that holds nobody up in other processes."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _one_at_a_time:
            try:
                connection = self._connection()
                connection.execute(begin)
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.OperationalError as error:
                code = error.sqlite_errorcode & 0xFF
                if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise Busy("The rack is busy.") from error
                if code in _FAR_SIDE_TROUBLE:
                    raise Unreachable("The rack cannot be read or written.") from error
                raise

    def _connection(self) -> sqlite3.Connection:
        held = _open.get(self._key)
        if held is not None:
            # A rack that was deleted or replaced is a new one, not the old open file.
            if held[0] == _identity(self._key):
                return held[1]
            _open.pop(self._key)[1].close()
        connection = _connect(self.path)
        while len(_open) >= KEPT_OPEN:
            _open.pop(next(iter(_open)))[1].close()
        _open[self._key] = (_identity(self._key), connection)
        return connection


def _identity(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return (0, 0)
    return (status.st_dev, status.st_ino)


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    _use_wal(connection)
    # The rack must survive a killed process, which it does; not a power cut.
    connection.execute("PRAGMA synchronous=OFF")
    bring_up_to_date(connection)
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait here when two processes do it at once, so we do."""
    patience = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > patience:
                connection.close()
                raise
            time.sleep(0.01)


def _before_fork() -> None:
    _one_at_a_time.acquire()
    for _, connection in _open.values():
        connection.close()
    _open.clear()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_one_at_a_time.release,
    after_in_child=_one_at_a_time.release,
)
