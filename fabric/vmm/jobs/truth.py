"""What the host itself says, asked before our books are written: after each verb, and once more
before a step fails for good.

`memo["power"]` is the guest's power when it was seen last. `memo["found"]` is there when a job
failed and the host has told what is so: the books then follow it. Without it nothing is known, so
everything that may be held stays held and the job can be resumed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Sum

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Step, Turn
from fabric.hypervisors.base import DiskSpec, GuestState, Hypervisor, Power
from fabric.hypervisors.errors import DriverFault, Missing
from fabric.vmm.jobs.faults import Run, step
from fabric.vmm.jobs.hosts import driver, write
from fabric.vmm.jobs.operate import STATUS_OF_POWER
from fabric.vmm.models import DiskDrive, VirtualMachine
from fabric.vmm.states import MachineStatus

UNDONE = "The change was undone when it failed."
_STEP_LIMIT = 300
_LOOKS = 3

Ask = Callable[[Turn, GuestState], dict[str, Any]]


def asking(name: str, title: str, run: Run, ask: Ask, **options: Any) -> Step:
    """Return a step that asks the host what has become of things before it fails for good.

    `ask` may clear away what was half made. A guest that is gone is told as power None.
    """
    attempts = options.get("attempts", Step.attempts)

    def run_or_ask(turn: Turn) -> Again | None:
        turn.memo.pop("found", None)
        try:
            return run(turn)
        except DriverFault as fault:
            is_last = fault.permanent or turn.job.attempt >= attempts
            if is_last and fault.code != "unreachable":
                _find(turn, ask)
            raise

    return step(name, title, run_or_ask, **{"limit": _STEP_LIMIT, **options})


def _find(turn: Turn, ask: Ask) -> None:
    try:
        guest = look(turn)
        found = {"power": None} if guest is None else {**ask(turn, guest), "power": guest.power}
    except DriverFault as other:
        # One that may be asked again takes the place of the fault: the step comes round with it.
        if not other.permanent:
            raise
    else:
        turn.memo["found"] = found


def look(turn: Turn) -> GuestState | None:
    """Return the guest as it is; absence is believed only when it is said twice."""
    host = driver(turn)
    return host.guest(turn.job.subject) or host.guest(turn.job.subject)


def seen(turn: Turn) -> GuestState:
    """Return the guest as it is and note its power; Missing when it is not there."""
    guest = look(turn)
    if guest is None:
        raise Missing(f"There is no guest {turn.job.subject} on host {turn.host}.")
    turn.memo["power"] = str(guest.power)
    return guest


def not_yet(message: str) -> Again:
    """Return when to do again what the host said it did and did not."""
    return Again(1.0, message=message)


def attached(guest: GuestState, disk_id: UUID) -> DiskSpec | None:
    """Return the disk of the guest with this id."""
    return next((disk for disk in guest.disks if disk.id == disk_id), None)


def is_on_host(host: Hypervisor, guest: GuestState, disk_id: UUID) -> bool:
    """Tell whether the host has the disk, the guest's or nobody's.

    An answer that leaves out the disks the guest has is not believed.
    """
    for _ in range(_LOOKS):
        known = {disk.id for disk in host.disks()}
        if disk_id in known:
            return True
        if {disk.id for disk in guest.disks} - {disk_id} <= known:
            return False
    return True


def is_known(turn: Turn) -> bool:
    """Tell whether a job that failed knows what the host has, so that the books can follow."""
    return (turn.memo.get("found") or {}).get("power") is not None


def refusal(job: Any) -> str:
    """Say why a failed job whose change was undone cannot be resumed."""
    return UNDONE if (job.memo.get("found") or {}).get("power") is not None else ""


def succeeded(turn: Turn, **values: Any) -> None:
    """Write that the machine is well, and where the host said that it stands."""
    status = _status(turn, turn.memo.get("power"))
    write(turn, status=status, failed_job_id=None, **values)


def failed(turn: Turn, fault: Fault) -> None:
    """Write where the machine stands as far as the host told."""
    found = turn.memo.get("found")
    if found is not None:
        power = found["power"]
        status = MachineStatus.MISSING if power is None else _status(turn, power)
    elif fault.code == "unreachable":
        status = MachineStatus.HOST_NOT_RESPONDING
    else:
        status = turn.job.inputs["before"]
    write(turn, status=status, failed_job_id=turn.job.pk)


def _status(turn: Turn, power: str | None) -> str:
    settled = STATUS_OF_POWER.get(Power(power)) if power else None
    return str(settled or turn.job.inputs["before"])


def count_storage(machine_id: UUID) -> None:
    """Write how large the disks of a machine are together, which is what quota counts."""
    total = DiskDrive.objects.filter(machine=machine_id).aggregate(all=Sum("size_gb"))["all"] or 0
    VirtualMachine.objects.filter(pk=machine_id).update(storage_gb=total)
