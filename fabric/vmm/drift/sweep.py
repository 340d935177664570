"""Ask every host what it has, lay it beside our books, and keep the list of differences true.

Power is no drift: a guest may shut itself down, so where it stands is simply written. Everything
else waits for somebody to decide; nothing is deleted unasked. A host that breaks costs only its
own part.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fabric.durable.states import LIVE
from fabric.hypervisors.base import HostFacts
from fabric.hypervisors.errors import DriverFault
from fabric.vmm import health
from fabric.vmm.drift.compare import Books, Difference, HostView, OurMachine, compare
from fabric.vmm.drivers import open_driver
from fabric.vmm.jobs.operate import STATUS_OF_POWER
from fabric.vmm.models import DiskDrive, Drift, DriftState, Host, Job, Server, VirtualMachine
from fabric.vmm.states import MachineStatus

log = logging.getLogger(__name__)

# Where a machine of ours is wholly on its host, unless something is wrong.
SETTLED = frozenset(
    {
        *STATUS_OF_POWER.values(),
        MachineStatus.HOST_NOT_RESPONDING,
        MachineStatus.MISSING,
        MachineStatus.UPDATE_FAILED,
    }
)
# A job that ended while hosts were asked may explain what they said.
JUST_ENDED = timedelta(seconds=5)
BATCH = 2000
LONGEST_NAME = 255
# What the database refuses: NUL, and halves of characters.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def sweep(now: datetime | None = None) -> int:
    """Compare everything with every host; return how many differences stand open."""
    began = now or timezone.now()
    servers: dict[UUID, list[tuple[UUID, str, str]]] = defaultdict(list)
    for server, pk, kind, name in Host.objects.values_list("server", "pk", "hypervisor", "name"):
        servers[server].append((pk, kind, name))
    for server, hosts in servers.items():
        views, facts = _views(hosts)
        health.note_facts(facts)
        # Our rows are read after the hosts: what is made on a host is on our books before.
        books = _books(server, began)
        _write_power(books, views)
        _keep(server, compare(books, views), {view.host_id for view in views}, began)
        Server.objects.filter(pk=server).update(compared_at=timezone.now())
    return Drift.objects.filter(state=DriftState.OPEN).count()


def _views(
    hosts: Iterable[tuple[UUID, str, str]],
) -> tuple[list[HostView], dict[UUID, HostFacts]]:
    views, facts = [], {}
    for pk, kind, name in hosts:
        try:
            driver = open_driver(kind, name)
            # Disks first: one that becomes a guest's in between is then known by the guest.
            disks = driver.disks()
            views.append(HostView(pk, driver.guests(), disks))
            facts[pk] = driver.facts()
        except DriverFault as fault:
            log.info("host %s was not compared: %s", name, fault.code)
        except Exception:
            log.exception("host %s was not compared, reference %s", name, uuid.uuid4().hex[:8])
    return views, facts


def _books(server: UUID, began: datetime) -> Books:
    rows = VirtualMachine.objects.filter(server=server).values_list(
        *("pk", "host", "name", "cores", "memory_mb", "status", "moving_to", "stored_on")
    )
    # With room on two hosts, or copies in the library, it is for its repair to say where it is.
    machines = {}
    for pk, host, name, cores, memory_mb, status, moving, stored in rows.iterator(chunk_size=BATCH):
        settled = status in SETTLED and moving is None and stored is None
        machines[pk] = OurMachine(pk, host, name, cores, memory_mb, status, settled)
    disks: dict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
    disk_ids = set()
    drives = DiskDrive.objects.filter(machine__server=server)
    for pk, machine, size_gb in drives.values_list("pk", "machine", "size_gb").iterator(
        chunk_size=BATCH
    ):
        disks[machine].append((pk, size_gb))
        disk_ids.add(pk)
    at_work = Job.objects.filter(Q(state__in=LIVE) | Q(ended_at__gte=began - JUST_ENDED))
    left_alone = set()
    for subject, inputs in at_work.filter(server=server).values_list("subject", "inputs"):
        left_alone.add(subject)
        # A removal knows the disks that are off our books by now.
        disks_at_work = [*inputs.get("disks", ()), inputs.get("drive")]
        left_alone |= {UUID(disk) for disk in disks_at_work if isinstance(disk, str)}
    return Books(machines, disks, disk_ids, left_alone)


def _write_power(books: Books, views: Iterable[HostView]) -> None:
    """Write where guests stand that moved by themselves, or are here again, or are gone."""
    changed: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    seen: set[UUID] = set()
    answered: set[UUID] = set()
    for view in views:
        answered.add(view.host_id)
        for guest in view.guests:
            seen.add(guest.id)
            mine, status = books.machines.get(guest.id), STATUS_OF_POWER.get(guest.power)
            if mine and status and mine.is_settled and mine.host_id == view.host_id:
                changed[mine.status, str(status)].append(mine.id)
    for mine in books.machines.values():
        if mine.is_settled and mine.host_id in answered and mine.id not in seen:
            changed[mine.status, str(MachineStatus.MISSING)].append(mine.id)
    for (old, new), ids in changed.items():
        if old == new:
            continue
        moved = [pk for pk in ids if pk not in books.left_alone]
        live = Job.objects.filter(subject__in=moved, state__in=LIVE).values("subject")
        VirtualMachine.objects.filter(pk__in=moved, status=old).exclude(pk__in=live).update(
            status=new, modified_at=timezone.now()
        )


def _keep(server: UUID, found: Iterable[Difference], answered: set[UUID], now: datetime) -> None:
    """Add what is new, mark what is still there, settle what went away by itself."""
    standing = {
        (drift.kind, drift.object_id, drift.host_id): drift
        for drift in Drift.objects.filter(server=server).exclude(state=DriftState.SETTLED)
    }
    new, same, other = [], [], []
    for difference in map(_writable, found):
        known = standing.pop(difference.key, None)
        if known is None:
            new.append(_row(server, difference, now))
        elif (known.ours, known.theirs) == (difference.ours, difference.theirs):
            same.append(known.pk)
        else:
            # Ignored was what it was; what it has become is to be decided again.
            known.ours, known.theirs = difference.ours, difference.theirs
            known.state, known.seen_at, known.message = DriftState.OPEN, now, ""
            other.append(known)
    gone = [drift.pk for drift in standing.values() if drift.host_id in answered]
    with transaction.atomic():
        Drift.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)
        Drift.objects.filter(pk__in=same).update(seen_at=now)
        Drift.objects.bulk_update(
            other, ["ours", "theirs", "state", "seen_at", "message"], batch_size=BATCH
        )
        Drift.objects.filter(pk__in=gone).exclude(state=DriftState.SETTLED).update(
            state=DriftState.SETTLED, settled_how="gone", settled_at=now
        )


def _writable(difference: Difference) -> Difference:
    """Return the difference as the database can keep it: a host may call things anything."""
    ours, theirs = _plain(difference.ours), _plain(difference.theirs)
    name = str(_plain(difference.name))[:LONGEST_NAME]
    return replace(difference, name=name, ours=ours, theirs=theirs)


def _plain(value: Any) -> Any:
    match value:
        case str():
            return _UNWRITABLE.sub("\ufffd", value)
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value


def _row(server: UUID, difference: Difference, now: datetime) -> Drift:
    return Drift(
        server_id=server,
        host_id=difference.host_id,
        machine_id=difference.machine_id,
        kind=difference.kind,
        object_id=difference.object_id,
        object_name=difference.name,
        ours=difference.ours,
        theirs=difference.theirs,
        seen_at=now,
    )
