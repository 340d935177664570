"""One PostgreSQL (fsync off) and one Valkey for a whole test run, shared by its workers.

Loaded with `-p` from pyproject.toml, because pytest-django reads the settings before it reads
any conftest. DATABASE_URL or REDIS_URL given from outside win over our own servers. Every
xdist worker has a state folder and (by pytest-django) a database of its own. What all need alike
is made by whoever needs it first, and lives no longer than the run: `made_once`.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from portal.embedded import Server, start_postgres, start_valkey
from portal.embedded.postgres import DATABASE

STATE_DIR = "KATAL_STATE_DIR"
RUN_DIR = "KATAL_TEST_RUN"
TABLES = "KATAL_TEST_TABLES"
_running: list[Server] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Have the servers answer before anything imports the settings."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        own = Path(os.environ[STATE_DIR]) / worker
        own.mkdir(exist_ok=True)
        os.environ[STATE_DIR] = str(own)
    elif not early_config.known_args_namespace.help:
        start()
    return (yield)


def start() -> None:
    """Point the environment at a new state folder and at servers running in it."""
    state_dir = Path(tempfile.mkdtemp(prefix="katal-test-"))
    os.environ[STATE_DIR] = os.environ[RUN_DIR] = str(state_dir)
    atexit.register(stop, state_dir)
    if not os.environ.get("DATABASE_URL"):
        _running.append(start_postgres(state_dir, durable=False))
        os.environ["DATABASE_URL"] = _running[-1].url
        os.environ[TABLES] = DATABASE
    if not os.environ.get("REDIS_URL"):
        _running.append(start_valkey(state_dir, durable=False))
        os.environ["REDIS_URL"] = _running[-1].url


def stop(state_dir: Path) -> None:
    """End the servers and leave nothing behind."""
    while _running:
        _running.pop().stop()
    shutil.rmtree(state_dir, ignore_errors=True)


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder of this run; the first to ask makes it, the others wait until it is whole."""
    made = Path(os.environ[RUN_DIR]) / name
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = made.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(made)
    return made
