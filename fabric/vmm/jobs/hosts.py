"""What steps share: the driver of the host a job works on, and writing the machine's row."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now

from fabric.durable.errors import Fault
from fabric.durable.recipe import Turn
from fabric.hypervisors.base import Hypervisor
from fabric.vmm.drivers import open_driver
from fabric.vmm.models import Host, VirtualMachine
from fabric.vmm.states import MachineStatus


def note_host(notes: dict[str, Any], host: Host | None) -> None:
    """Write down which host a job works on, in its inputs or its memo."""
    if host is not None:
        notes.update(host=host.name, hypervisor=host.hypervisor)


def driver_of(turn: Turn) -> Hypervisor | None:
    """Return the driver of the job's host, named by memo or inputs; None when it has none."""
    notes = turn.memo if "host" in turn.memo else turn.job.inputs
    if "host" not in notes:
        return None
    turn.host = notes["host"]
    return open_driver(notes["hypervisor"], notes["host"])


def driver(turn: Turn) -> Hypervisor:
    """Return the driver of the job's host, which it must have."""
    found = driver_of(turn)
    if found is None:
        raise Fault("This machine is on no host.", code="missing", advice="Remove the machine.")
    return found


def write(turn: Turn, **values: Any) -> None:
    """Update the machine a job works on."""
    VirtualMachine.objects.filter(pk=turn.job.subject).update(**values, modified_at=Now())


def status_after(fault: Fault, before: str) -> str:
    """Return where a machine stands when an operation on it failed.

    One that was never deployed in full stays a failed creation, so that it is resumed or removed.
    """
    if before == MachineStatus.CREATION_FAILED:
        return before
    told = {"unreachable": MachineStatus.HOST_NOT_RESPONDING, "missing": MachineStatus.MISSING}
    return str(told.get(fault.code, before))
