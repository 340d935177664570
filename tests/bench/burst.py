"""300 machines by 10 tenants at once, through every layer, and what they cost in CPU."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.table import Row

EACH = 30


def measure(cloud: Cloud) -> list[Row]:
    """Order from ten sessions in parallel; wait until all run; count and compare with quota."""
    from fabric.models import Machine

    people = [Person(cloud.stack.url("tenant"), owner, PASSWORD) for owner in cloud.owners]
    total = EACH * len(people)
    before, began = cloud.stack.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(_order_all, people, (f"b{n}" for n in range(len(people)))))
    ordered = time.perf_counter() - began
    deadline = time.monotonic() + 300
    while Machine.objects.filter(name__startswith="b", state="running").count() < total:
        if time.monotonic() > deadline:
            raise RuntimeError(_stuck())
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    after = cloud.stack.cpu_seconds()
    spent = {name: after[name] - before[name] for name in after}
    each = sum(spent.values()) / total
    rate = total / seconds * 60
    exact = _quota_is_exact()
    return [
        Row(f"{total} machines, 10 tenants: all accepted after", f"{ordered:.1f} s"),
        Row(f"{total} machines, 10 tenants: all running after", f"{seconds:.1f} s"),
        Row("machines a minute", f"{rate:.0f}", "≥ 300", rate >= 300),
        Row("CPU-seconds a machine, all processes", f"{each:.3f}", "≤ 0.25", each <= 0.25),
        *(
            Row(f"  of it {name}", f"{used / total:.3f}")
            for name, used in sorted(spent.items(), key=lambda item: -item[1])
        ),
        Row("quota equals what is there", "exact" if exact else "WRONG", "exact", exact),
    ]


def _order_all(person: Person, prefix: str) -> None:
    from tests.cloudmaker import order

    form = order(person, "")
    for n in range(EACH):
        form |= {"name": f"{prefix}-{n}", "request_key": str(uuid.uuid4())}
        answer = person.http.post(
            "/machines/new/", data=form, headers={"Referer": str(person.http.base_url)}
        )
        if answer.status_code != 302:
            raise RuntimeError(f"order {prefix}-{n} answered {answer.status_code}")


def _quota_is_exact() -> bool:
    """Compare the ledger, our rows and VMM's rows for every subscription."""
    from django.db.models import Sum

    from fabric.vmm.models import VirtualMachine
    from plans.actions import quota
    from plans.models import Subscription

    for subscription in Subscription.objects.all():
        used = quota.used(subscription)
        ours = subscription.machines.exclude(state="deleted").aggregate(
            cores=Sum("cores", default=0), memory=Sum("memory_mb", default=0)
        )
        count = subscription.machines.exclude(state="deleted").count()
        there = VirtualMachine.objects.filter(role_id=subscription.pk)
        theirs = there.aggregate(cores=Sum("cores", default=0), memory=Sum("memory_mb", default=0))
        if not (used["machines"] == count == there.count()):
            return False
        if used["cores"] != ours["cores"] or used["memory_mb"] != ours["memory"]:
            return False
        if ours != theirs:
            return False
    return True


def _stuck() -> str:
    from collections import Counter

    from fabric.models import Machine

    states = Counter(Machine.objects.filter(name__startswith="b").values_list("state", flat=True))
    return f"not all machines run after five minutes: {dict(states)}"
