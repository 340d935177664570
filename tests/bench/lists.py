"""The machine list with 1,000 machines in the tenant and 20,000 in all, against 20 in all."""

from __future__ import annotations

import statistics
import uuid

from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.table import Row

TIMES = 60
FEW, MINE, ALL = 20, 1000, 20_000


def measure(cloud: Cloud) -> list[Row]:
    """Empty the tables of machines, fill them with few, then with many; measure both."""
    from django.db import connection

    from fabric.models import Job, Machine
    from plans.models import Subscription

    Job.objects.all().delete()
    Machine.objects.all().delete()
    mine = Subscription.objects.get(owner_email=cloud.owners[0])
    others = list(Subscription.objects.exclude(pk=mine.pk))
    person = Person(cloud.stack.url("tenant"), cloud.owners[0], PASSWORD)
    fill([mine], FEW)
    small, few_queries = person.timed("/machines/", TIMES), _queries(cloud)
    fill([mine], MINE - FEW)
    fill(others, ALL - MINE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    large, many_queries = person.timed("/machines/", TIMES), _queries(cloud)
    size = len(person.get("/machines/").content) / 1000
    few, many = statistics.median(small), statistics.median(large)
    return [
        Row(f"list, {FEW} machines in all, median", f"{few:.1f} ms"),
        Row(f"list, {MINE:,} of {ALL:,} machines, median", f"{many:.1f} ms"),
        Row("  ratio", f"{many / few:.2f}", "≤ 1.3", many / few <= 1.3),
        Row(
            "  queries, few and many",
            f"{few_queries} and {many_queries}",
            "≤ 12, constant",
            few_queries == many_queries <= 12,
        ),
        Row("  page size", f"{size:.0f} kB", "≤ 60 kB", size <= 60),
    ]


def fill(subscriptions: list, count: int) -> None:
    """Make machines that are off, shared out among subscriptions."""
    from django.utils import timezone

    from fabric.models import Machine

    now = timezone.now()
    rows = []
    for n in range(count):
        subscription = subscriptions[n % len(subscriptions)]
        offering = subscription.plan.offering
        template = offering.templates.all()[0] if n == 0 else template  # noqa: F821
        rows.append(
            Machine(
                subscription=subscription,
                stamp_id=offering.cloud.stamp_id,
                cloud_id=offering.cloud_id,
                template=template,
                name=f"vm-{uuid.uuid4().hex[:10]}",
                state="stopped",
                os_name=template.os_name,
                cores=1,
                memory_mb=1024,
                storage_gb=10,
                addresses=["10.20.0.9"],
                synced_at=now,
            )
        )
    Machine.objects.bulk_create(rows, batch_size=1000)


def _queries(cloud: Cloud) -> int:
    """Return how many queries the page takes, counted in this process through Django's client."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, override_settings

    from tenants.models import User

    with override_settings(SITE="tenant", ROOT_URLCONF="portal.urls.tenant", ALLOWED_HOSTS=["*"]):
        client = Client()
        client.force_login(
            User.objects.get(email=cloud.owners[0]), settings.AUTHENTICATION_BACKENDS[0]
        )
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = client.get("/machines/")
    if answer.status_code != 200:
        raise RuntimeError(f"/machines/ answered {answer.status_code}")
    return len(captured)
