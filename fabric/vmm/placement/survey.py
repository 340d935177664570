"""Read what placement judges by: plain values, in a number of queries that is always the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef
from django.db.models.functions import JSONObject

from fabric.vmm.drivers import platforms
from fabric.vmm.models import (
    AffinityKind,
    AffinitySet,
    Cloud,
    DiskDrive,
    Host,
    HostGroup,
    NetworkAdapter,
    StorageVolume,
    VirtualMachine,
)
from fabric.vmm.placement.limits import Disk, Need, Offer, Rule, Volume

_HOST = (
    *("pk", "name", "group_id", "cores", "cores_per_core", "used_cores"),
    *("memory_mb", "reserved_memory_mb", "used_memory_mb"),
    *("storage_gb", "reserved_storage_gb", "used_storage_gb", "slots", "busy_slots"),
    *("hypervisor", "cluster", "health", "is_available", "is_in_maintenance"),
)


_DISKS = DiskDrive.objects.filter(machine=OuterRef("pk")).annotate(
    plain=JSONObject(
        id="pk", size_gb="size_gb", kind="classification", label="classification__name"
    )
)
_NETWORKS = NetworkAdapter.objects.filter(machine=OuterRef("pk"), network__isnull=False).annotate(
    plain=JSONObject(
        name="network__logical_network__name",
        site="network__logical_network__sites__pk",
        group="network__logical_network__sites__host_groups",
    )
)
_CLASSIFICATIONS = Cloud.classifications.through.objects.filter(cloud=OuterRef("cloud"))


@dataclass(frozen=True)
class Groups:
    """The tree of a server's host groups, and which of it and its rules concern a machine."""

    parents: Mapping[UUID, UUID | None]
    rules: Mapping[UUID, tuple[Rule, ...]] = field(default_factory=dict)
    of_cloud: frozenset[UUID] = frozenset()

    def below(self, tops: Collection[UUID]) -> frozenset[UUID]:
        """Return these groups and all below them."""
        return frozenset(g for g in self.parents if any(up in tops for up in self.upwards(g)))

    def upwards(self, group: UUID | None) -> Iterable[UUID]:
        """Yield the group, its parent, and so on."""
        while group is not None:
            yield group
            group = self.parents[group]


def read_machine(machine: VirtualMachine, *, lock: bool) -> VirtualMachine:
    """Return the machine's row as it is now, with all it asks of a host. One query."""
    rows = VirtualMachine.objects.select_related("cloud", "template__capability_profile").annotate(
        its_disks=ArraySubquery(_DISKS.values_list("plain")),
        its_networks=ArraySubquery(_NETWORKS.values_list("plain")),
        its_classifications=ArraySubquery(_CLASSIFICATIONS.values("storageclassification")),
    )
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    return rows.get(pk=machine.pk)


def read_groups(machine: VirtualMachine) -> Groups:
    """Return the host groups of the machine's server."""
    of_cloud = Cloud.host_groups.through.objects.filter(
        cloud=machine.cloud_id, hostgroup=OuterRef("pk")
    )
    rows = HostGroup.objects.filter(server=machine.server_id).values_list(
        "pk", "parent", "placement_rules", Exists(of_cloud)
    )
    tags = tags_of(machine)
    parents, own, tops = {}, {}, set()
    for pk, parent, rules, is_of_cloud in rows:
        parents[pk] = parent
        own[pk] = tuple(rule for rule in map(_rule, rules) if rule.tag in tags)
        if is_of_cloud:
            tops.add(pk)
    tree = Groups(parents)
    rules = {g: tuple(r for up in tree.upwards(g) for r in own[up]) for g in parents}
    return Groups(parents, rules, tree.below(tops))


def tags_of(machine: VirtualMachine) -> frozenset[str]:
    """Return the tags that placement rules look at: the machine's own and its template's."""
    template = machine.template.tags if machine.template is not None else []
    return _tags([machine.tag, *template])


def read_need(
    machine: VirtualMachine, groups: Groups, *, lock: bool, needs_slot: bool = False
) -> Need:
    """Return what the machine needs, its affinity set locked when `lock` says so."""
    profile = machine.template.capability_profile if machine.template is not None else None
    disks = (
        Disk(disk["id"], disk["size_gb"], disk["kind"], disk["label"] or "")
        for disk in machine.its_disks
    )
    return Need(
        cores=machine.cores,
        memory_mb=machine.memory_mb,
        disks=tuple(disks),
        classifications=frozenset(map(str, machine.its_classifications)),
        networks=_networks(machine.its_networks, groups),
        platform=profile.platform if profile is not None else "",
        is_highly_available=machine.is_highly_available,
        current=machine.host_id,
        needs_slot=needs_slot,
        **(_affinity(machine, lock=lock) if machine.affinity_id is not None else {}),
    )


def read_classifications(cloud_id: UUID) -> frozenset[str]:
    """Return the storage classifications that a cloud is limited to; none is any."""
    rows = Cloud.classifications.through.objects.filter(cloud=cloud_id)
    return frozenset(map(str, rows.values_list("storageclassification", flat=True)))


def read_offers(hosts: Iterable[UUID] | None, groups: Groups) -> list[Offer]:
    """Return the hosts of the cloud (these only, when given) as they stand, without volumes.

    One query.
    """
    wanted: dict[str, Any] = {"group__in": groups.of_cloud}
    if hosts is not None:
        wanted["pk__in"] = list(hosts)
    # Tags matter to rules alone, and cost the most of all.
    columns = (*_HOST, "tags") if any(groups.rules.values()) else _HOST
    return [_offer(row, groups) for row in Host.objects.filter(**wanted).values_list(*columns)]


def offer_of(host: Host, groups: Groups) -> Offer:
    """Return a host whose row is locked, with its volumes. One query."""
    offer = _offer([getattr(host, name) for name in (*_HOST, "tags")], groups)
    read_volumes([offer])
    return offer


def read_volumes(offers: Collection[Offer]) -> None:
    """Put the volumes that may be used on the hosts. One query."""
    found = _volumes(offer.id for offer in offers)
    for offer in offers:
        offer.volumes = tuple(found.get(offer.id, ()))


def volumes_of(host: Host) -> list[Volume]:
    """Return the volumes of a host that may be used. One query."""
    return _volumes([host.pk]).get(host.pk, [])


def _volumes(hosts: Iterable[UUID]) -> dict[UUID, list[Volume]]:
    found: dict[UUID, list[Volume]] = defaultdict(list)
    rows = StorageVolume.objects.filter(host__in=list(hosts), is_available=True).values_list(
        "host_id", "pk", "name", "capacity_gb", "used_gb", "classification_id"
    )
    for host, pk, name, capacity, used, kind in rows:
        text = None if kind is None else str(kind)
        found[host].append(Volume(str(pk), name, capacity - used, text))
    return found


def _offer(row: Sequence[Any], groups: Groups) -> Offer:
    pk, name, group, cores, times, used_cores = row[:6]
    memory, kept_mb, used_mb, storage, kept_gb, used_gb, slots, busy = row[6:14]
    kind, cluster, health, is_available, is_in_maintenance, *tags = row[14:]
    return Offer(
        id=pk,
        name=name,
        group=group,
        cores=cores * times,
        free_cores=cores * times - used_cores,
        memory_mb=memory - kept_mb,
        free_memory_mb=memory - kept_mb - used_mb,
        storage_gb=storage - kept_gb,
        free_storage_gb=storage - kept_gb - used_gb,
        slots=slots,
        busy_slots=busy,
        volumes=None,
        rules=groups.rules.get(group, ()),
        tags=_tags(tags[0]) if tags else frozenset(),
        platforms=platforms(kind),
        cluster=cluster,
        health=health,
        is_available=is_available,
        is_in_maintenance=is_in_maintenance,
    )


def _networks(
    plain: Iterable[Mapping[str, str]], groups: Groups
) -> tuple[tuple[str, frozenset[UUID]], ...]:
    """Return the logical networks that have sites, and the host groups that reach those."""
    reach: dict[str, set[UUID]] = defaultdict(set)
    for row in plain:
        if row["site"] is not None:
            reach[row["name"]] |= {UUID(row["group"])} if row["group"] else set()
    return tuple((name, groups.below(tops)) for name, tops in sorted(reach.items()))


def _affinity(machine: VirtualMachine, *, lock: bool) -> dict[str, Any]:
    sets = AffinitySet.objects.filter(pk=machine.affinity_id)
    found = (sets.select_for_update(no_key=True) if lock else sets).first()
    if found is None:
        return {}
    pairs = list(
        VirtualMachine.objects.filter(affinity=found)
        .exclude(pk=machine.pk)
        .values_list("host_id", "moving_to_id")
    )
    values: dict[str, Any] = {"affinity": found.name, "is_strict": found.is_strict}
    if found.kind == AffinityKind.APART:
        # A machine on its way holds both places.
        return values | {"apart": frozenset(pk for pair in pairs for pk in pair) - {None}}
    hosts = frozenset(there or here for here, there in pairs) - {None}
    # A host in maintenance does not hold its machines together, else it could never be emptied.
    if machine.host_id in hosts and _is_left(machine.host_id):
        hosts -= {machine.host_id}
    return values | {"together": hosts}


def _is_left(host_id: UUID | None) -> bool:
    return Host.objects.filter(pk=host_id, is_in_maintenance=True).exists()


def _rule(plain: Mapping[str, str]) -> Rule:
    return Rule(plain["tag"].lower(), plain["relation"], plain["host_tag"].lower())


def _tags(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in names if name.strip())
