"""Which server for the sites: requests a second and CPU a request on the machine list."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
import time

from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.table import Row
from tests.stack import ROOT, family, free_port, process_table

SECONDS = 6.0
CLIENTS = 4
COMMANDS = {
    "granian, WSGI": "granian --interface wsgi --host 127.0.0.1 --port {port} --workers 1 "
    "--blocking-threads 4 --no-ws --log-level error portal.wsgi:application",
    "granian, ASGI": "granian --interface asginl --host 127.0.0.1 --port {port} --workers 1 "
    "--no-ws --log-level error portal.asgi:application",
    "gunicorn, threads": "gunicorn --bind 127.0.0.1:{port} --workers 1 --threads 4 "
    "--log-level error portal.wsgi:application",
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} --log-level error "
    "--no-access-log portal.asgi:application",
}


def measure(cloud: Cloud) -> list[Row]:
    """Run each server in turn on the tenant site; a server that is not installed is skipped."""
    rows = []
    for name, command in COMMANDS.items():
        program = command.split()[0]
        if subprocess.run(
            [sys.executable, "-c", f"import {program}"], capture_output=True, check=False
        ).returncode:
            rows.append(Row(f"{name}", "not installed"))
            continue
        rate, cost = _one(cloud, command)
        rows.append(Row(f"{name}: machine list", f"{rate:.0f}/s, {cost:.1f} ms CPU each"))
    return rows


def _one(cloud: Cloud, command: str) -> tuple[float, float]:
    port = free_port()
    process = subprocess.Popen(
        shlex.split(command.format(port=port)),
        cwd=ROOT,
        env=cloud.stack.env | {"DJANGO_SETTINGS_MODULE": "portal.settings.tenant"},
        start_new_session=True,
    )
    try:
        people = [_patiently(port, cloud.owners[n]) for n in range(CLIENTS)]
        for person in people:
            person.get("/machines/")
        before, began, counts = _cpu(process.pid), time.perf_counter(), []
        threads = [
            threading.Thread(target=lambda p=person: counts.append(_hammer(p))) for person in people
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        return sum(counts) / seconds, (_cpu(process.pid) - before) / sum(counts) * 1000
    finally:
        process.terminate()
        process.wait(20)


def _patiently(port: int, owner: str) -> Person:
    deadline = time.monotonic() + 30
    while True:
        try:
            return Person(f"http://localhost:{port}", owner, PASSWORD)
        except OSError:
            if time.monotonic() > deadline:
                raise
        except Exception as error:
            if "Connect" not in type(error).__name__ or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _hammer(person: Person) -> int:
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        person.get("/machines/")
        count += 1
    return count


def _cpu(pid: int) -> float:
    times, parents = process_table()
    return sum(times.get(member, 0.0) for member in family(pid, parents))
