"""How hosts are: whether they answer, and whether they still are what they were added as.

A host that became smaller keeps what its machines hold on its row, and says so in words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Sum, TextField, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from fabric.hypervisors.base import DEFAULT_VOLUME, HostFacts, VolumeFacts
from fabric.vmm.models import Health, Host

MOST_CORES = 65_535
# What the rows can keep.
_MOST = 2_147_483_647
_LONGEST = 64
_TOLD = (
    *("cores", "memory_mb", "storage_gb", "version"),
    *("health", "health_message", "checked_at"),
)


def note_health(host: Host, ok: bool, message: str = "") -> None:
    """Write whether a host answers. One query; a warning stands until the next refresh."""
    if not ok:
        values = {"health": Health.UNREACHABLE, "health_message": message}
        Host.objects.filter(pk=host.pk).update(**values, checked_at=Now())
        return
    is_warned = When(health=Health.WARNING, then=F("health"))
    keeps_words = When(health=Health.WARNING, then=F("health_message"))
    Host.objects.filter(pk=host.pk).update(
        health=Case(is_warned, default=Value(Health.OK)),
        health_message=Case(keeps_words, default=Value("", TextField())),
        checked_at=Now(),
    )


def note_answers(answered: Collection[UUID], silent: Mapping[UUID, str]) -> None:
    """Write which hosts answered and which did not, with the reason; hosts at work are left out.

    The next round finds those: nobody who places a machine waits for this.
    """
    with transaction.atomic():
        rows = Host.objects.select_for_update(no_key=True, skip_locked=True).order_by("pk")
        free = set(rows.filter(pk__in=[*answered, *silent]).values_list("pk", flat=True))
        for pk in free & silent.keys():
            note_health(Host(pk=pk), False, silent[pk])
        well = Host.objects.filter(pk__in=free - silent.keys())
        well.exclude(health__in=(Health.OK, Health.WARNING)).update(
            health=Health.OK, health_message=""
        )
        well.update(checked_at=Now())


def note_facts(told: Mapping[UUID, HostFacts]) -> None:
    """Write what hosts told of themselves where that is not what their rows say."""
    for host in Host.objects.filter(pk__in=told).prefetch_related("volumes"):
        facts = told[host.pk]
        if host.health == Health.OK and _is_as_told(host, facts):
            continue
        with transaction.atomic():
            held = Host.objects.select_for_update(no_key=True).filter(pk=host.pk).first()
            if held is not None:
                note_refresh(held, facts)


def _is_as_told(host: Host, facts: HostFacts) -> bool:
    volumes = facts.volumes or (VolumeFacts(DEFAULT_VOLUME, facts.storage_gb),)
    return (
        (host.cores, host.memory_mb) == (facts.cores, facts.memory_mb)
        and host.version == _version(facts)
        and {each.name: each.capacity_gb for each in volumes}
        == {each.name: each.capacity_gb for each in host.volumes.all()}
    )


def _version(facts: HostFacts) -> str:
    return f"{facts.hypervisor} {facts.version}".strip()[:60]


def note_refresh(host: Host, facts: HostFacts) -> None:
    """Write what a host told of itself; its row is locked. Of what makes no sense, only that."""
    if not _makes_sense(facts):
        host.health = Health.WARNING
        host.health_message = "What the host tells of itself makes no sense: it was left out."
        host.checked_at = timezone.now()
        host.save(update_fields=_TOLD)
        return
    words = _note_volumes(host, facts)
    words += [_note_cores(host, facts.cores), _note_memory(host, facts.memory_mb)]
    words += [_note_storage(host)]
    told = [text for text in words if text]
    host.version = _version(facts)
    host.health = Health.WARNING if told else Health.OK
    host.health_message = " ".join(told)
    host.checked_at = timezone.now()
    host.save(update_fields=_TOLD)


def _makes_sense(facts: HostFacts) -> bool:
    names = [volume.name for volume in facts.volumes]
    sizes = [volume.capacity_gb for volume in facts.volumes]
    return (
        0 <= facts.cores <= MOST_CORES
        and all(0 <= each <= _MOST for each in (facts.memory_mb, facts.storage_gb, *sizes))
        and sum(sizes) <= _MOST
        and len(set(names)) == len(names)
        and all(0 < len(name) <= _LONGEST and name.isprintable() for name in names)
        and _version(facts).isprintable()
    )


def _note_cores(host: Host, cores: int) -> str:
    least = -(-host.used_cores // host.cores_per_core)
    host.cores = max(cores, least)
    if cores >= least:
        return ""
    return (
        f"The host has {cores} cores now, with {host.cores_per_core} virtual processors each; "
        f"its machines hold {host.used_cores}."
    )


def _note_memory(host: Host, memory_mb: int) -> str:
    least = host.used_memory_mb + host.reserved_memory_mb
    host.memory_mb = max(memory_mb, least)
    if memory_mb >= least:
        return ""
    return (
        f"The host has {memory_mb} MB of memory now; its machines hold {host.used_memory_mb} MB "
        f"and {host.reserved_memory_mb} MB are reserved."
    )


def _note_storage(host: Host) -> str:
    total = host.volumes.aggregate(total=Sum("capacity_gb"))["total"] or 0
    least = host.used_storage_gb + host.reserved_storage_gb
    host.storage_gb = max(total, least)
    if total >= least:
        return ""
    return (
        f"The host has {total} GB of storage now; its disks hold {host.used_storage_gb} GB "
        f"and {host.reserved_storage_gb} GB are reserved."
    )


def _note_volumes(host: Host, facts: HostFacts) -> list[str]:
    """Write sizes, add new volumes, and take missing ones out of use; return what is amiss."""
    told = facts.volumes or (VolumeFacts(DEFAULT_VOLUME, facts.storage_gb),)
    known = {volume.name: volume for volume in host.volumes.all()}
    amiss = []
    for name, capacity_gb in ((each.name, each.capacity_gb) for each in told):
        volume = known.pop(name, None)
        if volume is None:
            host.volumes.create(name=name, capacity_gb=capacity_gb)
            continue
        if capacity_gb < volume.used_gb:
            amiss.append(
                f"The volume {name} has {capacity_gb} GB now; its disks hold {volume.used_gb} GB."
            )
        if capacity_gb != volume.capacity_gb:
            volume.capacity_gb = max(capacity_gb, volume.used_gb)
            volume.save(update_fields=["capacity_gb"])
    for volume in known.values():
        if volume.is_available:
            volume.is_available = False
            volume.save(update_fields=["is_available"])
        amiss.append(f"The volume {volume.name} is not there any more.")
    return amiss
