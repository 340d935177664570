"""Five hundred job pages open at once: how soon does each show what changed?

Every watcher does what the page does: it asks the pulse every two seconds, every second after news,
and fetches the part that moves when there is news. Jobs move in the database, as workers move them.
"""

from __future__ import annotations

import asyncio
import html
import re
import statistics
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.table import Row
from tests.bench.wire import Connection

PAGES = 500
SECONDS = 30.0
MOVES_A_SECOND = 50
CALM, SOON = 2.0, 1.0
_PULSE = re.compile(r'data-pulse="([^"]*)" data-mark="([^"]*)"')
_SHOWN = re.compile(r"Moved (\d+)\b")


@dataclass
class Watched:
    """One open page: its job, what it asks with, and when each move was made and seen."""

    job_id: uuid.UUID
    of: str = ""
    mark: str = ""
    number: int = 0
    moved_at: dict[int, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)


def measure(cloud: Cloud) -> list[Row]:
    """Open the pages, move the jobs for half a minute, and see how far behind pages are."""
    person = Person(cloud.stack.url("tenant"), cloud.owners[0], PASSWORD)
    pages = [Watched(pk) for pk in _jobs(cloud)]
    before = cloud.stack.cpu_seconds()["tenant"]
    asyncio.run(_watch(pages, person, cloud.stack.url("tenant")))
    cpu = cloud.stack.cpu_seconds()["tenant"] - before
    delays = sorted(delay for page in pages for delay in page.delays)
    unseen = sum(len(page.moved_at) for page in pages)
    p95 = delays[int(len(delays) * 0.95)]
    return [
        Row(f"{PAGES} job pages watched, {len(delays)} moves seen: median", _s(delays)),
        Row("  95 of 100 within", f"{p95:.2f} s", "< 3 s", p95 < 3 and not unseen),
        Row("  CPU of the tenant site meanwhile", f"{cpu / SECONDS * 100:.0f} % of a core"),
    ]


def _s(delays: list[float]) -> str:
    return f"{statistics.median(delays):.2f} s"


def _jobs(cloud: Cloud) -> list[uuid.UUID]:
    """Make running jobs that no worker comes for."""
    from datetime import timedelta

    from django.utils import timezone

    from fabric.models import Job
    from plans.models import Subscription

    mine = Subscription.objects.select_related("plan__offering__cloud").get(
        owner_email=cloud.owners[0]
    )
    far = timezone.now() + timedelta(hours=1)
    steps = [
        {"name": "ensure_ordered", "title": "Order the machine from the cloud", "state": "done"},
        {"name": "wait_until_deployed", "title": "Deploy", "state": "running"},
    ]
    made = Job.objects.bulk_create(
        Job(
            recipe="machine.deploy",
            title=f"Deploy watched-{n}",
            subject=uuid.uuid4(),
            subscription=mine,
            stamp_id=mine.plan.offering.cloud.stamp_id,
            state="running",
            step="wait_until_deployed",
            steps=steps,
            inputs={"name": f"watched-{n}"},
            started_at=timezone.now(),
            claimed_until=far,
            due_at=far,
            nudged_at=far,
        )
        for n in range(PAGES)
    )
    return [job.pk for job in made]


async def _watch(pages: list[Watched], person: Person, site: str) -> None:
    cookies = dict(person.http.cookies)
    browsers = [Connection(site, cookies) for _page in pages]
    try:
        for page, browser in zip(pages, browsers, strict=True):
            _status, text = await browser.get(f"/jobs/{page.job_id}/")
            page.of, page.mark = map(html.unescape, _PULSE.search(text).groups())
        ends = time.monotonic() + SECONDS
        watchers = [
            asyncio.create_task(_one(page, browser, ends, n / PAGES * CALM))
            for n, (page, browser) in enumerate(zip(pages, browsers, strict=True))
        ]
        await asyncio.to_thread(_move, pages, ends - 6)
        await asyncio.gather(*watchers)
    finally:
        for browser in browsers:
            browser.close()


async def _one(page: Watched, browser: Connection, ends: float, begins: float) -> None:
    await asyncio.sleep(begins)
    while time.monotonic() < ends:
        status, text = await browser.get(f"/pulse/?{urlencode({'of': page.of, 'mark': page.mark})}")
        if status == 200:
            page.mark = text
            _status, part = await browser.get(f"/jobs/{page.job_id}/", "HX-Request: true")
            _see(page, part)
            await asyncio.sleep(SOON)
        else:
            await asyncio.sleep(CALM)


def _see(page: Watched, text: str) -> None:
    shown = int(_SHOWN.search(text)[1]) if _SHOWN.search(text) else 0
    now = time.monotonic()
    for number in [each for each in page.moved_at if each <= shown]:
        page.delays.append(now - page.moved_at.pop(number))


def _move(pages: list[Watched], until: float) -> None:
    """Move one job after the other, so many a second, until then."""
    from fabric.models import Job

    began, count = time.monotonic(), 0
    while time.monotonic() < until:
        page = pages[count % len(pages)]
        page.number += 1
        # Noted when it is done: nobody can see it before.
        Job.objects.filter(pk=page.job_id).update(
            message=f"Moved {page.number}", percent=page.number % 100
        )
        page.moved_at[page.number] = time.monotonic()
        count += 1
        time.sleep(max(0.0, began + count / MOVES_A_SECOND - time.monotonic()))
