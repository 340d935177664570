"""Choose the host of a machine: hard limits first, then a rating by the cloud's strategy.

All hosts are judged without a lock; the best is locked and judged again, and when it filled up
meanwhile the next best is tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.db import transaction

from fabric.vmm.errors import NoFreeSlot, NoSuitableHost, VMMError
from fabric.vmm.models import Host, VirtualMachine
from fabric.vmm.placement import room, survey
from fabric.vmm.placement.limits import BUSY, ROOM, Need, Obstacle, Offer, lay, obstacles
from fabric.vmm.placement.rating import Rating, points, rating

FIRST_READ = 20
SMALLER = "Choose a smaller size, or try again when machines have been removed."


@dataclass(frozen=True)
class Choice:
    """A host on which room is taken, with its `rating`, and the volume of each disk."""

    host: Host
    volumes: dict[str, str]


def place(
    machine: VirtualMachine,
    *,
    among: Iterable[Host] | None = None,
    exclude: Iterable[Host] = (),
    needs_slot: bool = False,
) -> Host:
    """Take room for a machine and its disks on the best host; writes machine.host and volumes.

    The host has `rating`. One that was chosen before stays, with `rating` None. Raises
    NoSuitableHost, or NoFreeSlot when all that fit are busy.
    """
    held = survey.read_machine(machine, lock=True)
    host: Host | None = held.host
    if host is None:
        choice = seize(held, among=among, exclude=exclude, needs_slot=needs_slot)
        host = choice.host
        room.assign(held, host, choice.volumes)
    machine.host = host
    return host


def rate(
    machine: VirtualMachine,
    *,
    among: Iterable[Host] | None = None,
    exclude: Iterable[Host] = (),
) -> list[Rating]:
    """Return the hosts of the machine's cloud, the best first, with reasons; takes nothing."""
    held = survey.read_machine(machine, lock=False)
    groups = survey.read_groups(held)
    need = survey.read_need(held, groups, lock=False)
    offers = _offers(groups, among, exclude)
    survey.read_volumes(offers)
    ratings = [rating(need, offer, held.cloud.strategy) for offer in offers]
    return sorted(ratings, key=lambda r: (bool(r.excluded), -r.stars, r.host))


def seize(
    machine: VirtualMachine,
    *,
    among: Iterable[Host] | None = None,
    exclude: Iterable[Host] = (),
    needs_slot: bool = False,
) -> Choice:
    """Take room on the best host for a machine whose row is locked; writes hosts and volumes."""
    groups = survey.read_groups(machine)
    need = survey.read_need(machine, groups, lock=True, needs_slot=needs_slot)
    strategy = machine.cloud.strategy
    offers = {offer.id: offer for offer in _offers(groups, among, exclude)}
    order = sorted(
        offers.values(), key=lambda o: (-points(need, o, strategy), -o.free_memory_mb, o.name)
    )
    for offer in _fitting(need, order):
        # What does not fit any more is let go of: nobody holds a host while waiting for one.
        with transaction.atomic():
            host = Host.objects.select_for_update(no_key=True).filter(pk=offer.id).first()
            if host is not None:
                now = offers[offer.id] = survey.offer_of(host, groups)
                laid = None if obstacles(need, now) else lay(need.disks, need, now.volumes or ())
                if laid is not None:
                    room.take(host.pk, machine.cores, machine.memory_mb, _sizes(need, laid))
                    host.rating = rating(need, now, strategy)
                    return Choice(host, laid)
            transaction.set_rollback(True)
    raise nowhere(need, list(offers.values()))


def _fitting(need: Need, order: Iterable[Offer]) -> Iterator[Offer]:
    """Yield the hosts that fit: the best as it is, because its volumes are read under the lock.

    Of the others they are read beforehand, of a few at first, then of many at a time.
    """
    rest = (offer for offer in order if not obstacles(need, offer))
    yield from islice(rest, 1)
    count = FIRST_READ
    while few := list(islice(rest, count)):
        survey.read_volumes(few)
        yield from (offer for offer in few if not obstacles(need, offer))
        count *= FIRST_READ


def nowhere(need: Need, offers: list[Offer]) -> VMMError:
    """Return the error that says what lacks, in words that name no host."""
    if not offers:
        return NoSuitableHost(
            "The cloud has no host that could be chosen.", advice="Your provider can add a host."
        )
    found = {offer.id: obstacles(need, offer) for offer in offers}
    kinds = {pk: {obstacle.kind for obstacle in against} for pk, against in found.items()}
    if any(each <= {BUSY} for each in kinds.values()):
        return NoFreeSlot(
            f"Every host that fits is busy with other jobs ({_count(len(offers))} in all).",
            advice="Try again when jobs have ended.",
        )
    narrow = [offer for offer in offers if kinds[offer.id] <= {*ROOM, BUSY}]
    said = [_lacks(need, narrow, found)] if narrow else []
    others = Counter(
        next(text for kind, text in against if kind not in ROOM)
        for pk, against in found.items()
        if not kinds[pk] <= {*ROOM, BUSY}
    )
    said += [f"{_count(count)}: {text}" for text, count in sorted(others.items())]
    advice = SMALLER if narrow else "Your provider can say which hosts are to be had."
    return NoSuitableHost(f"No host has room for this machine: {'; '.join(said)}.", advice=advice)


def _lacks(need: Need, offers: list[Offer], found: dict[UUID, list[Obstacle]]) -> str:
    needs = (
        (need.memory_mb, max(offer.free_memory_mb for offer in offers), " MB of memory"),
        (need.cores, max(offer.free_cores for offer in offers), " processors"),
        (need.storage_gb, max(offer.free_storage_gb for offer in offers), " GB of storage"),
    )
    said = [
        f"{wanted}{what} are wanted and at most {max(0, free)} are free on one host"
        for wanted, free, what in needs
        if wanted > free
    ]
    texts = [text for offer in offers for kind, text in found[offer.id] if kind == "volumes"]
    if len(texts) == len(offers):
        said += sorted(set(texts))
    return "; ".join(said) or "no single host has enough of everything at once"


def _offers(
    groups: survey.Groups, among: Iterable[Host] | None, exclude: Iterable[Host]
) -> list[Offer]:
    wanted = None if among is None else [host.pk for host in among]
    unwanted = {host.pk for host in exclude}
    offers = survey.read_offers(wanted, groups)
    return [offer for offer in offers if offer.id not in unwanted]


def _sizes(need: Need, laid: dict[str, str]) -> dict[str, int]:
    """Return how much each volume takes."""
    sizes: Counter[str] = Counter()
    for disk in need.disks:
        sizes[laid[disk.id]] += disk.size_gb
    return dict(sizes)


def _count(hosts: int) -> str:
    return "1 host" if hosts == 1 else f"{hosts} hosts"
