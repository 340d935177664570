"""500 machines by 10 tenants at once, through every layer; one more tenant's one in the midst.

`thousand` makes as many again in waves, to see whether the last ones cost what the first did.
"""

from __future__ import annotations

import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bench import exact
from tests.bench.browserless import Person
from tests.bench.cloud import PASSWORD, Cloud
from tests.bench.table import Row

EACH = 50
WAVES, IN_A_WAVE = 10, 100
PATIENCE = 600


def measure(cloud: Cloud) -> list[Row]:
    """Order from ten sessions in parallel; wait until all run; count and compare everything."""
    people = _sign_in(cloud)
    total = EACH * len(people)
    patient = Person(cloud.stack.url("tenant"), cloud.lone, PASSWORD)
    spent = _Spent(cloud)
    lone = threading.Thread(target=_order_amid, args=(patient, total // 2))
    lone.start()
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda n: _order(people[n], f"b{n}", EACH), range(len(people))))
    accepted = spent.seconds
    lone.join()
    _await(total, "b")
    _await(1, "lone")
    rate = total / spent.seconds * 60
    return [
        Row(f"{total} machines, 10 tenants: all accepted after", f"{accepted:.1f} s"),
        Row(f"{total} machines, 10 tenants: all running after", f"{spent.seconds:.1f} s"),
        Row("machines a minute", f"{rate:.0f}", "≥ 800", rate >= 800),
        *spent.rows(total + 1),
        *_fairness(),
        _exactness(),
    ]


def thousand(cloud: Cloud) -> list[Row]:
    """Make a thousand in waves of a hundred, each when the one before it runs."""
    people = _sign_in(cloud)
    each = IN_A_WAVE // len(people)
    costs = []
    for wave in range(-1, WAVES):
        # The first one pays for connections that the others reuse.
        name = "warm" if wave < 0 else f"w{wave}-"
        spent = _Spent(cloud)
        with ThreadPoolExecutor(len(people)) as pool:
            list(pool.map(lambda n: _order(people[n], f"{name}{n}", each), range(len(people))))  # noqa: B023
        _await(IN_A_WAVE, name)
        costs.append(sum(spent.so_far().values()) / IN_A_WAVE)
    first, last = costs[1], costs[-1]
    return [
        Row("CPU-seconds a machine: the first hundred", f"{first:.3f}"),
        Row(f"CPU-seconds a machine: the {WAVES}th hundred", f"{last:.3f}"),
        Row("  ratio", f"{last / first:.2f}", "≤ 1.2", last / first <= 1.2),
        Row("  by hundreds", " ".join(f"{cost:.3f}" for cost in costs[1:])),
        _exactness(),
    ]


class _Spent:
    """Time and CPU since it was made."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.before, self.began = cloud.stack.cpu_seconds(), time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def so_far(self) -> dict[str, float]:
        after = self.cloud.stack.cpu_seconds()
        return {name: after[name] - self.before[name] for name in after}

    def rows(self, machines: int) -> list[Row]:
        """Return the cost of each of so many machines, and whose it is."""
        spent = self.so_far()
        each = sum(spent.values()) / machines
        return [
            Row("CPU-seconds a machine, all processes", f"{each:.3f}", "≤ 0.1", each <= 0.1),
            *(
                Row(f"  of it {name}", f"{used / machines:.3f}")
                for name, used in sorted(spent.items(), key=lambda item: -item[1])
            ),
        ]


def _sign_in(cloud: Cloud) -> list[Person]:
    return [Person(cloud.stack.url("tenant"), owner, PASSWORD) for owner in cloud.owners]


def _order(person: Person, prefix: str, times: int) -> None:
    from tests.cloudmaker import order

    form = order(person, "")
    for n in range(times):
        form |= {"name": f"{prefix}-{n}", "request_key": str(uuid.uuid4())}
        answer = person.http.post(
            "/machines/new/quick/", data=form, headers={"Referer": str(person.http.base_url)}
        )
        if answer.status_code != 302:
            raise RuntimeError(f"order {prefix}-{n} answered {answer.status_code}")


def _order_amid(person: Person, count: int) -> None:
    """Order one machine when the others have ordered so many."""
    _until(lambda: _machines("b").count() >= count, "half of the orders")
    _order(person, "lone", 1)


def _fairness() -> list[Row]:
    """Compare how long the one took with how long the many took on average."""
    from fabric.models import Job

    def taken(prefix: str) -> list[float]:
        times = Job.objects.filter(machine__name__startswith=prefix, state="succeeded")
        return [
            (ended - created).total_seconds()
            for created, ended in times.values_list("created_at", "ended_at")
        ]

    (lone,), mean = taken("lone"), statistics.mean(taken("b"))
    return [
        Row("one of another tenant in their midst runs after", f"{lone:.1f} s"),
        Row("  against the mean of the many", f"{lone / mean:.2f}", "≤ 0.5", lone / mean <= 0.5),
    ]


def _exactness() -> Row:
    _until(_all_ended, "the last jobs to end")
    found = exact.problems()
    for problem in found:
        print(problem)
    return Row(
        "ledger = rows = VMM, addresses, room, slots",
        "WRONG" if found else "exact",
        "exact",
        not found,
    )


def _machines(prefix: str) -> Any:
    from fabric.models import Machine

    return Machine.objects.filter(name__startswith=prefix)


def _all_ended() -> bool:
    from fabric.models import Job
    from fabric.vmm.models import Job as VMMJob

    return not any(jobs.objects.filter(ended_at=None).exists() for jobs in (Job, VMMJob))


def _await(count: int, prefix: str) -> None:
    _until(lambda: _machines(prefix).filter(state="running").count() >= count, prefix)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            states = Counter(_machines("").values_list("state", flat=True))
            raise RuntimeError(f"waited in vain for {what}: {dict(states)}")
        time.sleep(0.1)
