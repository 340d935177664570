"""Disks of machines that are there: attach, enlarge, remove."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric.actions import changing, held, ordering
from fabric.errors import NotPossible
from fabric.models import Disk, Job, LibraryDisk, Machine
from fabric.providers import abilities
from fabric.providers.changes import AddDisk, GrowDisk, RemoveDisk
from fabric.states import Verb
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import User

NAME_LENGTH = 64


@transaction.atomic
def attach(
    *,
    by: User,
    machine: Machine,
    size_gb: int | None = None,
    library_disk: LibraryDisk | None = None,
    name: str = "",
    request_key: str = "",
) -> Job:
    """Give the machine one more disk: an empty one, or a copy of one of the library."""
    key, known = held.asked_before(machine, by, request_key)
    if known is not None:
        return known
    row = _ready(machine, by)
    if row.disks.count() >= ordering.MOST_DISKS:
        raise NotPossible(_("It has %(n)d disks, and room for no more.") % {"n": row.disks.count()})
    size = _size(row, size_gb, library_disk)
    called = _name(row, name.strip())
    return changing.begin(
        row,
        AddDisk,
        by=by,
        verb=Verb.DISKS,
        action="machine.disk.attach",
        title=gettext_noop("Add a disk to %(name)s"),
        doing=gettext_noop("Adding a disk…"),
        values={
            "name": called,
            "size_gb": size,
            "library_disk_id": str(library_disk.pk) if library_disk else None,
        },
        wanted={"storage_gb": size},
        told={
            "disk": called,
            "size_gb": size,
            "library_disk": library_disk.name if library_disk else "",
        },
        key=key,
    )


@transaction.atomic
def grow(*, by: User, disk: Disk, size_gb: int) -> Job:
    """Enlarge a disk; the file systems on it are the guest's to enlarge."""
    row = _ready(disk.machine, by)
    disk = _found(row, disk)
    ordering.require_disk_size(size_gb)
    if size_gb <= disk.size_gb:
        raise Refused(
            _("It has %(size)d GB already, and disks only grow.") % {"size": disk.size_gb},
            field="size_gb",
        )
    return changing.begin(
        row,
        GrowDisk,
        by=by,
        verb=Verb.DISKS,
        action="machine.disk.grow",
        title=gettext_noop("Enlarge a disk of %(name)s"),
        doing=gettext_noop("Enlarging a disk…"),
        values={"disk_id": str(disk.remote_id), "size_gb": size_gb},
        wanted={"storage_gb": size_gb - disk.size_gb},
        told={"disk": str(disk), "size_gb": size_gb, "before": disk.size_gb},
    )


@transaction.atomic
def remove(*, by: User, disk: Disk) -> Job:
    """Remove a disk with what is on it, for good; not the one the machine starts from."""
    row = _ready(disk.machine, by)
    disk = _found(row, disk)
    if disk.is_boot:
        raise NotPossible(_("The machine starts from this disk: it cannot be removed."))
    if row.is_protected:
        raise NotPossible(_("The machine is protected: take the protection off first."))
    return changing.begin(
        row,
        RemoveDisk,
        by=by,
        verb=Verb.DISKS,
        action="machine.disk.remove",
        title=gettext_noop("Remove a disk of %(name)s"),
        doing=gettext_noop("Removing a disk…"),
        values={"disk_id": str(disk.remote_id)},
        told={"disk": str(disk), "size_gb": disk.size_gb},
    )


def why_not(machine: Machine) -> str | None:
    """Return why its disks cannot be changed now, whoever asks."""
    reason = held.why_not(machine, Verb.DISKS)
    if reason is None and machine.checkpoints.exists():
        return _("Delete its checkpoints first: while it has any, its disks stay as they are.")
    return reason


def _ready(machine: Machine, by: User) -> Machine:
    row = held.held(machine, Verb.DISKS, by)
    reason = why_not(row)
    if reason:
        raise NotPossible(reason)
    return row


def _found(machine: Machine, disk: Disk) -> Disk:
    found = machine.disks.filter(pk=disk.pk).first()
    if found is None:
        raise Conflicting(_("The machine does not have this disk any more."))
    return found


def _size(machine: Machine, size_gb: int | None, library_disk: LibraryDisk | None) -> int:
    if library_disk is None:
        held.require_ability(machine.stamp.provider, abilities.EMPTY_DISKS, "size_gb")
        if size_gb is None:
            raise Refused(_("An empty disk needs a size."), field="size_gb")
    else:
        offered = machine.subscription.plan.offering.library_disks.present()
        if not offered.filter(pk=library_disk.pk).exists():
            raise NotPermitted(_("Your plan does not hold this disk."), field="library_disk")
        size_gb = library_disk.size_gb
    ordering.require_disk_size(size_gb)
    return size_gb


def _name(machine: Machine, name: str) -> str:
    """Return the name, or the first one that is free: it finds the disk again at the far side."""
    taken = {each.lower() for each in machine.disks.values_list("name", flat=True)}
    if not name:
        numbers = range(1, len(taken) + 2)
        free = (f"{machine.name}_data_{n}" for n in numbers)
        return next(each for each in free if each.lower() not in taken)
    ordering.require_text(name, NAME_LENGTH, "name")
    if name.lower() in taken:
        raise Conflicting(_("The machine has a disk of this name."), field="name")
    return name
