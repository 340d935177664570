"""One PostgreSQL (fsync off) and one Valkey for a whole test run, shared by its workers.

Loaded with `-p` from pyproject.toml, because pytest-django reads the settings before it reads
any conftest. DATABASE_URL or REDIS_URL given from outside win over our own servers. Every
xdist worker has a state folder and (by pytest-django) a database of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from portal.embedded import Server, start_postgres, start_valkey

STATE_DIR = "KATAL_STATE_DIR"
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
    os.environ[STATE_DIR] = str(state_dir)
    atexit.register(stop, state_dir)
    if not os.environ.get("DATABASE_URL"):
        _running.append(start_postgres(state_dir, durable=False))
        os.environ["DATABASE_URL"] = _running[-1].url
    if not os.environ.get("REDIS_URL"):
        _running.append(start_valkey(state_dir, durable=False))
        os.environ["REDIS_URL"] = _running[-1].url


def stop(state_dir: Path) -> None:
    """End the servers and leave nothing behind."""
    while _running:
        _running.pop().stop()
    shutil.rmtree(state_dir, ignore_errors=True)
