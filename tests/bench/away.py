"""Pages with SPF at work, and with SPF switched off: no page may notice."""

from __future__ import annotations

import signal
import statistics

from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.table import Row

TIMES = 30


def measure(cloud: Cloud) -> list[Row]:
    """Time every tenant page both ways; SPF is halted, not killed: it never answers."""
    from fabric.models import Machine

    person = Person(cloud.stack.url("tenant"), cloud.owners[0], PASSWORD)
    machine = Machine.objects.filter(subscription__owner_email=cloud.owners[0]).first()
    pages = ["/", "/machines/", "/machines/new/", "/plans/", "/subscriptions/", "/activity/"]
    if machine is not None:
        pages.append(f"/machines/{machine.pk}/")
    up = {page: statistics.median(person.timed(page, TIMES)) for page in pages}
    spf = cloud.stack.running["spf"]
    _signal_all(spf.pid, signal.SIGSTOP)
    try:
        down = {page: statistics.median(person.timed(page, TIMES)) for page in pages}
    finally:
        _signal_all(spf.pid, signal.SIGCONT)
    worst = max(pages, key=lambda page: down[page] / up[page])
    ratio = down[worst] / up[worst]
    return [
        Row(
            f"{len(pages)} tenant pages, SPF hanging against at work: worst ratio",
            f"{ratio:.2f}",
            "≤ 1.25",
            ratio <= 1.25,
        ),
        Row("  slowest page with SPF hanging, median", f"{max(down.values()):.0f} ms"),
    ]


def _signal_all(pid: int, number: int) -> None:
    import os

    os.killpg(pid, number)
