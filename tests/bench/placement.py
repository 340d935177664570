"""Placing one machine among 500 hosts with 20,000 machines, by each strategy; rating all hosts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from uuid import UUID

from tests.bench.cloud import Cloud
from tests.bench.estate import fill
from tests.bench.table import Row

HOSTS, EACH, TIMES = 500, 40, 40
GOAL_MS = 20.0


def measure(cloud: Cloud) -> list[Row]:
    """Place machines with a network, a tag that rules know, and a strict set."""
    from django.db import connection, transaction

    from fabric.vmm import placement
    from fabric.vmm.models import Cloud as VMMCloud
    from fabric.vmm.models import Strategy

    estate = fill(HOSTS, EACH)
    _refine(estate.server_id)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    rows = []
    for strategy in Strategy.values:
        VMMCloud.objects.filter(pk=estate.cloud_id).update(strategy=strategy)
        machines = _machines(estate.cloud_id, strategy, TIMES)

        def place(machines: list = machines) -> None:
            with transaction.atomic():
                placement.place(machines.pop())

        middle, worst = _timed(place)
        rows.append(
            Row(
                f"one machine among {HOSTS} hosts, {strategy}, median",
                f"{middle:.1f} ms ({worst:.1f} at worst)",
                f"≤ {GOAL_MS:.0f} ms",
                middle <= GOAL_MS,
            )
        )
    machine = _machines(estate.cloud_id, "rated", 1)[0]
    middle, worst = _timed(lambda: placement.rate(machine))
    rows.append(Row("  all hosts rated with reasons, median", f"{middle:.1f} ms"))
    return rows


def _refine(server_id: UUID) -> None:
    """Give the hosts a second volume and tags, and the groups rules and sites."""
    from fabric.vmm.models import (
        Host,
        HostGroup,
        LogicalNetwork,
        NetworkSite,
        StorageClassification,
        StorageVolume,
    )

    fast = StorageClassification.objects.create(server_id=server_id, name="Fast")
    hosts = Host.objects.filter(server=server_id)
    hosts.update(tags=["ssd"], storage_gb=12_000)
    StorageVolume.objects.bulk_create(
        StorageVolume(host=host, name="fast", capacity_gb=4_000, classification=fast)
        for host in hosts
    )
    group = HostGroup.objects.get(server=server_id)
    group.placement_rules = [{"tag": "db", "relation": "should", "host_tag": "ssd"}]
    group.save()
    site = NetworkSite.objects.create(
        logical_network=LogicalNetwork.objects.get(server=server_id), name="Everywhere"
    )
    site.host_groups.add(group)


def _machines(cloud_id: UUID, name: str, count: int) -> list:
    from fabric.vmm.models import (
        AffinitySet,
        Cloud,
        DiskDrive,
        NetworkAdapter,
        StorageClassification,
        VirtualMachine,
        VMNetwork,
    )

    cloud = Cloud.objects.get(pk=cloud_id)
    server = cloud.server
    apart = AffinitySet.objects.create(server=server, name=name)
    network = VMNetwork.objects.get(server=server)
    fast = StorageClassification.objects.get(server=server)
    machines = []
    for number in range(count):
        machine = VirtualMachine.objects.create(
            server=server,
            cloud=cloud,
            name=f"{name}-{number}",
            computer_name=f"{name}-{number}",
            tag="db",
            affinity=apart,
            cores=2,
            memory_mb=4096,
            storage_gb=60,
        )
        for lun, kind in enumerate((None, fast)):
            DiskDrive.objects.create(
                machine=machine, name=f"disk {lun}", size_gb=30, lun=lun, classification=kind
            )
        NetworkAdapter.objects.create(machine=machine, network=network)
        machines.append(machine)
    return machines


def _timed(work: Callable[[], object], times: int = TIMES) -> tuple[float, float]:
    """Return the median and the worst time in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), max(taken)
