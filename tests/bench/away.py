"""Pages with SPF at work, and with SPF switched off: no page may notice."""

from __future__ import annotations

import os
import signal
import statistics

from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.table import Row

TIMES = 15
ROUNDS = 4


def measure(cloud: Cloud) -> list[Row]:
    """Time every tenant page both ways in turn; SPF is halted, not killed: it never answers."""
    from fabric.models import Machine

    person = Person(cloud.stack.url("tenant"), cloud.owners[0], PASSWORD)
    machine = Machine.objects.filter(subscription__owner_email=cloud.owners[0]).first()
    pages = ["/", "/machines/", "/machines/new/", "/plans/", "/subscriptions/", "/activity/"]
    if machine is not None:
        pages.append(f"/machines/{machine.pk}/")
    up: dict[str, list[float]] = {page: [] for page in pages}
    down: dict[str, list[float]] = {page: [] for page in pages}
    spf = cloud.stack.running["spf"]
    for _round in range(ROUNDS):
        for page in pages:
            up[page] += person.timed(page, TIMES)
        os.killpg(spf.pid, signal.SIGSTOP)
        try:
            for page in pages:
                down[page] += person.timed(page, TIMES)
        finally:
            os.killpg(spf.pid, signal.SIGCONT)
    ratios = {page: statistics.median(down[page]) / statistics.median(up[page]) for page in pages}
    worst = max(ratios.values())
    slowest = max(statistics.median(times) for times in down.values())
    return [
        Row(
            f"{len(pages)} tenant pages, SPF hanging against at work: worst ratio",
            f"{worst:.2f}",
            "≤ 1.25",
            worst <= 1.25,
        ),
        Row("  slowest page with SPF hanging, median", f"{slowest:.0f} ms"),
    ]
