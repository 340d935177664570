"""What a machine needs, what a host offers, and what stands between them. Pure.

No text here names a host: tenants read why nothing fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

MOST_TRIES = 500


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk to be laid on a volume; `classification` None is any, `label` is its name.

    Ids of disks, volumes and classifications are text here: there are thousands of them.
    """

    id: str
    size_gb: int
    classification: str | None = None
    label: str = ""


@dataclass(slots=True)
class Volume:
    """A volume as it stands."""

    id: str
    name: str
    free_gb: int
    classification: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Machines with a tag must (should, must_not, should_not) be on hosts with another."""

    tag: str
    relation: str
    host_tag: str

    def is_met_by(self, host_tags: frozenset[str]) -> bool:
        """Tell whether a host with these tags is where the rule wants the machine."""
        return (self.host_tag in host_tags) != self.relation.endswith("_not")

    def __str__(self) -> str:
        words = self.relation.replace("_", " ")
        return f"machines tagged {self.tag} {words} be on hosts tagged {self.host_tag}"


@dataclass(frozen=True, slots=True)
class Need:
    """What a machine asks of a host.

    `networks` are those that are not everywhere: the name and the host groups that have it.
    `classifications` are the cloud's; none is any. `apart` and `together` are hosts of the other
    machines of its affinity set.
    """

    cores: int
    memory_mb: int
    disks: tuple[Disk, ...] = ()
    classifications: frozenset[str] = frozenset()
    networks: tuple[tuple[str, frozenset[UUID]], ...] = ()
    platform: str = ""
    is_highly_available: bool = False
    affinity: str = ""
    is_strict: bool = False
    apart: frozenset[UUID] = frozenset()
    together: frozenset[UUID] = frozenset()
    current: UUID | None = None
    needs_slot: bool = False

    @property
    def storage_gb(self) -> int:
        """All its disks together."""
        return sum(disk.size_gb for disk in self.disks)


@dataclass(slots=True)
class Offer:
    """A host as it stands; totals are without its reserve. `rules` concern this machine only.

    `volumes` None have not been read yet, and are no obstacle.
    """

    id: UUID
    name: str
    group: UUID
    cores: int
    free_cores: int
    memory_mb: int
    free_memory_mb: int
    storage_gb: int
    free_storage_gb: int
    slots: int = 1
    busy_slots: int = 0
    volumes: tuple[Volume, ...] | None = ()
    rules: tuple[Rule, ...] = ()
    tags: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    cluster: str = ""
    health: str = "ok"
    is_available: bool = True
    is_in_maintenance: bool = False


class Obstacle(NamedTuple):
    """One reason why a host is out of the question; `kind` is the method that found it."""

    kind: str
    text: str


ROOM = frozenset({"memory", "cores", "storage", "volumes"})
BUSY = "slots"


def obstacles(need: Need, offer: Offer) -> list[Obstacle]:
    """Return everything that keeps the machine off the host; nothing when it fits."""
    return [
        Obstacle(kind, text)
        for kind, check in _CHECKS.items()
        if (text := check(need, offer)) is not None
    ]


def lay(disks: Iterable[Disk], need: Need, volumes: Collection[Volume]) -> dict[str, str] | None:
    """Return a volume for each disk, the freest where there is a choice; None when they do not fit.

    Large disks come first. A hopeless search among many disks is given up after MOST_TRIES.
    """
    order = sorted(disks, key=lambda disk: (-disk.size_gb, disk.id))
    free = {volume.id: volume.free_gb for volume in volumes}
    allowed = [_allowed(disk, need, volumes) for disk in order]
    tries = iter(range(MOST_TRIES))
    laid: dict[str, str] = {}

    def search(at: int) -> bool:
        if at == len(order):
            return True
        disk = order[at]
        for volume in sorted(allowed[at], key=lambda v: (-free[v.id], v.name)):
            if free[volume.id] < disk.size_gb or next(tries, None) is None:
                return False
            free[volume.id] -= disk.size_gb
            laid[disk.id] = volume.id
            if search(at + 1):
                return True
            free[volume.id] += disk.size_gb
        return False

    return laid if search(0) else None


def lacking(disk: Disk) -> str:
    """Return the words for a disk that fits no volume."""
    return f"no volume{f' of {disk.label}' if disk.label else ''} with {disk.size_gb} GB free"


def _allowed(disk: Disk, need: Need, volumes: Collection[Volume]) -> list[Volume]:
    return [
        volume
        for volume in volumes
        if disk.classification in (None, volume.classification)
        and (not need.classifications or volume.classification in need.classifications)
    ]


def _maintenance(need: Need, offer: Offer) -> str | None:
    return "in maintenance" if offer.is_in_maintenance else None


def _available(need: Need, offer: Offer) -> str | None:
    return None if offer.is_available else "not available for placement"


def _health(need: Need, offer: Offer) -> str | None:
    return "not responding" if offer.health == "unreachable" else None


def _current(need: Need, offer: Offer) -> str | None:
    return "the machine is here already" if offer.id == need.current else None


def _memory(need: Need, offer: Offer) -> str | None:
    if need.memory_mb <= offer.free_memory_mb:
        return None
    return f"memory: {max(0, offer.free_memory_mb)} MB free, {need.memory_mb} MB wanted"


def _cores(need: Need, offer: Offer) -> str | None:
    if need.cores <= offer.free_cores:
        return None
    return f"processors: {max(0, offer.free_cores)} free, {need.cores} wanted"


def _storage(need: Need, offer: Offer) -> str | None:
    if need.storage_gb <= offer.free_storage_gb:
        return None
    return f"storage: {max(0, offer.free_storage_gb)} GB free, {need.storage_gb} GB wanted"


def _volumes(need: Need, offer: Offer) -> str | None:
    if not need.disks or offer.volumes is None:
        return None
    if lay(need.disks, need, offer.volumes) is not None:
        return None
    for disk in need.disks:
        if lay([disk], need, offer.volumes) is None:
            return lacking(disk)
    return f"no volumes with room for all {len(need.disks)} disks at once"


def _networks(need: Need, offer: Offer) -> str | None:
    for name, groups in need.networks:
        if offer.group not in groups:
            return f"without the network {name}"
    return None


def _platform(need: Need, offer: Offer) -> str | None:
    if not need.platform or need.platform in offer.platforms:
        return None
    return f"not of the platform {need.platform}"


def _cluster(need: Need, offer: Offer) -> str | None:
    if need.is_highly_available and not offer.cluster:
        return "in no cluster, and the machine is to be highly available"
    return None


def _affinity(need: Need, offer: Offer) -> str | None:
    return broken_affinity(need, offer) if need.is_strict else None


def broken_affinity(need: Need, offer: Offer) -> str | None:
    """Return how the affinity set would be broken here, strict or not."""
    if offer.id in need.apart:
        return f"another machine of the affinity set {need.affinity} is there"
    if need.together and offer.id not in need.together:
        return f"the other machines of the affinity set {need.affinity} are elsewhere"
    return None


def _rules(need: Need, offer: Offer) -> str | None:
    for rule in offer.rules:
        if rule.relation.startswith("must") and not rule.is_met_by(offer.tags):
            return f"against a placement rule: {rule}"
    return None


def _slots(need: Need, offer: Offer) -> str | None:
    if need.needs_slot and offer.busy_slots >= offer.slots:
        return f"busy: {offer.busy_slots} of {offer.slots} jobs"
    return None


_CHECKS: Mapping[str, Callable[[Need, Offer], str | None]] = {
    "maintenance": _maintenance,
    "available": _available,
    "health": _health,
    "current": _current,
    "networks": _networks,
    "platform": _platform,
    "cluster": _cluster,
    "affinity": _affinity,
    "rules": _rules,
    "memory": _memory,
    "cores": _cores,
    "storage": _storage,
    "volumes": _volumes,
    BUSY: _slots,
}
