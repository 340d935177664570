"""DVD drives of machines, and the ISO images in them."""

from __future__ import annotations

from django.db import transaction

from fabric.vmm import capability, roles
from fabric.vmm.actions import held
from fabric.vmm.errors import Conflict, NotFound, WrongState
from fabric.vmm.jobs.media import EJECT, INSERT
from fabric.vmm.models import DVDDrive, FileKind, Job, LibraryFile, VirtualMachine
from fabric.vmm.roles import Caller

_WHAT = "its DVD drive cannot be changed"


@transaction.atomic
def insert(caller: Caller, machine: VirtualMachine, *, iso: LibraryFile) -> Job:
    """Put an ISO image of the machine's cloud into its DVD drive, in the place of any other.

    A machine without a drive gets one.
    """
    row = _ready(caller, machine)
    found = (
        LibraryFile.objects.visible_to(caller)
        .filter(pk=iso.pk, kind=FileKind.ISO, is_enabled=True, share__clouds=row.cloud_id)
        .first()
    )
    if found is None:
        raise NotFound(
            f"There is no ISO image {iso} on the library shares of the cloud {row.cloud}.",
            field="iso",
        )
    if not row.dvds.exists():
        capability.require(row, dvds=1)
    inputs = {"iso": str(found.pk), "image": found.path or found.name}
    return held.begin_change(caller, row, INSERT, **inputs)


@transaction.atomic
def eject(caller: Caller, machine: VirtualMachine) -> Job:
    """Take the ISO image out of the machine's DVD drive."""
    row = _ready(caller, machine)
    if not row.dvds.exists():
        raise WrongState(f"The machine {row.name} has no DVD drive.")
    return held.begin_change(caller, row, EJECT, iso=None, image="")


@transaction.atomic
def add_drive(caller: Caller, machine: VirtualMachine) -> DVDDrive:
    """Give the machine an empty DVD drive; it can have one."""
    row = _ready(caller, machine)
    if row.dvds.exists():
        raise Conflict(f"The machine {row.name} has a DVD drive already.")
    capability.require(row, dvds=1)
    return DVDDrive.objects.create(machine=row)


@transaction.atomic
def remove_drive(caller: Caller, drive: DVDDrive) -> None:
    """Take an empty DVD drive away from its machine."""
    row = _ready(caller, drive.machine)
    found = row.dvds.select_related("iso").filter(pk=drive.pk).first()
    if found is None:
        raise NotFound(f"The machine {row.name} has no such DVD drive.")
    if found.iso is not None:
        raise Conflict(
            f"The DVD drive of {row.name} holds {found.iso}.", advice="Eject the image first."
        )
    found.delete()


def _ready(caller: Caller, machine: VirtualMachine) -> VirtualMachine:
    row = held.held(caller, machine)
    roles.require_any(caller, *roles.CHANGE, clouds=[row.cloud_id])
    held.require_idle(row)
    held.require_status(row, held.SETTLED, _WHAT)
    return row
