"""What pages cost: against a bare view in the same run, in CPU, in bytes, in queries."""

from __future__ import annotations

import gzip
import re
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.lists import fill
from tests.bench.table import Row
from tests.stack import free_port

TIMES = 60
MOST_TIMES_BARE = 4.0


def measure(cloud: Cloud) -> list[Row]:
    """Give a tenant a hundred machines, and look at what its pages cost."""
    from fabric.models import Job, Machine
    from plans.models import Subscription

    Job.objects.all().delete()
    Machine.objects.all().delete()
    fill([Subscription.objects.get(owner_email=cloud.owners[0])], 100)
    machine = Machine.objects.first()
    assert machine is not None
    _give_curves(machine)
    return [*_against_bare(cloud, machine), *_cpu(cloud), *_first_visit(cloud)]


def _give_curves(machine: Any) -> None:
    """Have the machine's page draw four full charts."""
    from django.utils import timezone

    from fabric.models import Load

    now = timezone.now()
    times = [(now - timedelta(minutes=60 - n)).isoformat() for n in range(60)]
    Load.objects.bulk_create(
        Load(
            machine=machine,
            frame=Load.Frame.HOUR,
            counter=counter,
            samples=[n * 7 % 60 for n in range(60)],
            times=times,
            synced_at=now,
        )
        for counter in Load.Counter.values
    )


def _against_bare(cloud: Cloud, machine: Any) -> list[Row]:
    """Time pages and the bare view in turn, on one server that has both."""
    port = free_port()
    stack = cloud.stack
    command = [
        word.replace("portal.settings.tenant", "tests.bench.bare")
        for word in stack.commands["tenant"]
    ]
    from portal.embedded import children

    with (stack.folder / "bare.log").open("ab") as log:
        process = children.spawn(
            command, cwd=Path.cwd(), env=stack.env | {"KATAL_TENANT_PORT": str(port)}, output=log
        )
    try:
        person = _patiently(f"http://localhost:{port}", cloud.owners[0])
        pages = {"list of 25": "/machines/", "machine page": f"/machines/{machine.pk}/"}
        times: dict[str, list[float]] = {name: [] for name in (*pages, "bare")}
        for _round in range(4):
            for name, path in {**pages, "bare": "/bare/"}.items():
                times[name] += person.timed(path, TIMES // 4)
    finally:
        process.terminate()
        process.wait(20)
    bare = statistics.median(times.pop("bare"))
    rows = [Row("bare view: one query, one line, median", f"{bare:.1f} ms")]
    for name, taken in times.items():
        ratio = statistics.median(taken) / bare
        rows.append(Row(f"{name}, against it", f"{ratio:.1f}", "≤ 4", ratio <= MOST_TIMES_BARE))
    return rows


def _patiently(site: str, owner: str) -> Person:
    deadline = time.monotonic() + 30
    while True:
        try:
            return Person(site, owner, PASSWORD)
        except OSError:
            raise
        except Exception as error:
            if "Connect" not in type(error).__name__ or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _cpu(cloud: Cloud) -> list[Row]:
    """Return the CPU time of pages, drawn in this process."""
    look = _looker(cloud)
    rows = []
    for what, path, goal in (
        ("list of 25 rows", "/machines/?size=25", 25),
        ("list of 100 rows", "/machines/?size=100", 60),
        ("API list of 50", "/api/v1/machines/?limit=50", 8),
    ):
        answer, taken = look(path)
        rows.append(Row(f"{what}: CPU", f"{taken:.1f} ms", f"≤ {goal} ms", taken <= goal))
        if "100" in what:
            size = len(answer.content) / 1000
            rows.append(Row(f"{what}: HTML", f"{size:.0f} kB", "≤ 60 kB", size <= 60))
    return rows


def _looker(cloud: Cloud) -> Callable[[str], tuple[Any, float]]:
    from django.conf import settings
    from django.test import Client
    from django.test.utils import override_settings

    from tenants.models import User

    client = Client()
    site = {
        "SITE": "tenant",
        "ROOT_URLCONF": "portal.urls.tenant",
        "ALLOWED_HOSTS": ["*"],
        "LIVE_LISTEN": False,
    }
    with override_settings(**site):
        client.force_login(
            User.objects.get(email=cloud.owners[0]), settings.AUTHENTICATION_BACKENDS[0]
        )

    def look(path: str) -> tuple[Any, float]:
        with override_settings(**site):
            taken = []
            for _n in range(TIMES):
                began = time.process_time()
                answer = client.get(path)
                taken.append((time.process_time() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return answer, statistics.median(taken)

    return look


def _first_visit(cloud: Cloud) -> list[Row]:
    """Return what a browser fetches beside the first page, as compressed as it is served."""
    person = Person(cloud.stack.url("tenant"), cloud.owners[0], PASSWORD)
    page = person.get("/").text
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    size = 0
    for path in named:
        answer = person.http.get(path, headers={"Accept-Encoding": "identity"})
        size += len(gzip.compress(answer.content))
    kilo = size / 1000
    return [
        Row(
            f"first visit: {len(named)} files, compressed",
            f"{kilo:.0f} kB",
            "≤ 100 kB",
            kilo <= 100,
        )
    ]
