"""The embedded PostgreSQL and Valkey: one start makes them, the next one finds the data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from portal.embedded import EmbeddedError, Server, children, places, start_postgres, start_valkey

pytestmark = pytest.mark.slow


@contextmanager
def running(start: Callable[..., Server], state_dir: Path) -> Iterator[Server]:
    server = start(state_dir, durable=False)
    try:
        yield server
    finally:
        server.stop()


def wait_until(true: Callable[[], bool], patience: float = 60.0) -> bool:
    deadline = time.monotonic() + patience
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def test_postgres_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    with running(start_postgres, tmp_path) as server:
        assert server.fresh
        with psycopg.connect(server.url) as connection:
            connection.execute("create table machine as select 'café' as name")
    with running(start_postgres, tmp_path) as server:
        assert not server.fresh
        with psycopg.connect(server.url) as connection:
            found = connection.execute("select upper(name), current_user from machine").fetchone()
    assert found == ("CAFÉ", "katal")
    assert (tmp_path / "postgres").stat().st_mode & 0o777 == 0o700


def test_valkey_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    for value in (None, b"nudged"):
        server = start_valkey(tmp_path)
        with redis.Redis.from_url(server.url) as client:
            assert client.get("job") == value
            client.set("job", "nudged")
        server.stop()


def test_servers_die_with_a_killed_launcher_and_start_again(tmp_path: Path) -> None:
    """SIGKILL leaves no time to say goodbye; the kernel tells the servers instead."""
    program = (
        "import sys, time; from pathlib import Path; "
        "from portal.embedded import start_postgres, start_valkey; "
        "state = Path(sys.argv[1]); p = start_postgres(state, False); v = start_valkey(state); "
        "print(p.process.pid, v.process.pid, flush=True); time.sleep(60)"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    with launcher.stdout as said:
        postgres, valkey = (int(pid) for pid in said.readline().split())
    assert children.runs_in(postgres, tmp_path / "postgres", "postgres")
    launcher.kill()
    launcher.wait()
    assert wait_until(lambda: not children.runs_in(postgres, tmp_path / "postgres", "postgres"))
    assert wait_until(lambda: not children.runs_in(valkey, tmp_path / "valkey", "valkey-server"))
    with running(start_postgres, tmp_path) as server:
        assert not server.fresh
    assert "database system was not properly shut down" not in log(tmp_path, "postgres")


def test_a_second_start_ends_the_first_server_first(tmp_path: Path) -> None:
    """Never two on one data folder: a server somebody lost track of is ended cleanly."""
    with running(start_postgres, tmp_path) as first, running(start_postgres, tmp_path) as second:
        assert not first.alive()
        with psycopg.connect(second.url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_pid_file_naming_a_stranger_is_stale(tmp_path: Path) -> None:
    """After a reboot the number in the file belongs to somebody else, who is left alone."""
    with running(start_postgres, tmp_path):
        pass
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{tmp_path / 'postgres'}\n0\n5432\n\n\n")
    with running(start_postgres, tmp_path) as server:
        assert server.alive()


def test_a_long_state_path_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    state_dir = tmp_path / ("a" * 60) / ("b" * 60)
    with running(start_valkey, state_dir) as server:
        sockets = places.socket_dir(state_dir)
        assert not sockets.is_relative_to(state_dir)
        assert sockets.stat().st_mode & 0o777 == 0o700
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
    for path in sockets.iterdir():
        path.unlink()
    sockets.rmdir()


def test_a_server_that_cannot_start_shows_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir(mode=0o700)
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match="PostgreSQL ended") as refused:
        start_postgres(tmp_path)
    assert "postgres.log" in str(refused.value)


def test_interrupted_first_start_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "half").write_text("")
    with running(start_postgres, tmp_path) as server:
        assert server.fresh
    assert not unfinished.exists()


def log(state_dir: Path, name: str) -> str:
    return (state_dir / "log" / f"{name}.log").read_text()


def test_stop_ends_even_what_ignores_it() -> None:
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    stubborn = children.spawn([sys.executable, "-c", deaf], output=subprocess.PIPE)
    assert stubborn.stdout is not None
    with stubborn.stdout as said:
        said.readline()
    children.stop([stubborn], patience=0.2)
    assert stubborn.returncode == -signal.SIGKILL
