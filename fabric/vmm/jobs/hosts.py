"""What steps share: the drivers of the hosts a job works on, and writing the machine's row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Turn
from fabric.hypervisors.base import Hypervisor
from fabric.hypervisors.errors import Unreachable
from fabric.vmm.drivers import open_driver
from fabric.vmm.models import Host, Job, VirtualMachine
from fabric.vmm.states import UNFINISHED, MachineStatus

T = TypeVar("T")


def note_host(notes: dict[str, Any], host: Host | None) -> None:
    """Write down which host a job works on, in its inputs or its memo."""
    if host is not None:
        notes.update(host=host.name, hypervisor=host.hypervisor)


def note_of(host: Host) -> dict[str, str]:
    """Return what a job needs to know of a host to find it again."""
    return {"host": host.name, "hypervisor": host.hypervisor}


def driver_at(turn: Turn, note: Mapping[str, Any]) -> Hypervisor:
    """Return the driver of a host that was written down, which the step is now at."""
    turn.renew()
    turn.host = note["host"]
    return open_driver(note["hypervisor"], note["host"])


def driver_of(turn: Turn) -> Hypervisor | None:
    """Return the driver of the job's host, named by memo or inputs; None when it has none."""
    notes = turn.memo if "host" in turn.memo else turn.job.inputs
    return driver_at(turn, notes) if "host" in notes else None


def driver(turn: Turn) -> Hypervisor:
    """Return the driver of the job's host, which it must have."""
    found = driver_of(turn)
    if found is None:
        raise Fault("This machine is on no host.", code="missing", advice="Remove the machine.")
    return found


def on_any_host(turn: Turn, do: Callable[[Hypervisor], T]) -> T:
    """Do what any host can do, such as reach the library, on the first that answers.

    The hosts are those of the job's inputs under `library`, in that order.
    """
    silent: Unreachable | None = None
    for note in turn.job.inputs.get("library", ()):
        try:
            return do(driver_at(turn, note))
        except Unreachable as fault:
            silent = fault
    if silent is not None:
        raise silent
    raise Fault(
        "The cloud has no host that could reach the library.",
        code="missing",
        retry_after=10.0,
        advice="Resume when the cloud has a host again.",
    )


def write(turn: Turn, **values: Any) -> None:
    """Update the machine a job works on.

    The job it failed in last is the only one that may be resumed: secrets of others are erased.
    """
    VirtualMachine.objects.filter(pk=turn.job.subject).update(**values)
    if "failed_job_id" in values:
        erase_secrets(turn.job.subject, but=turn.job.pk)


def erase_secrets(machine_id: UUID, *, but: UUID | None = None) -> None:
    """Erase what jobs of a machine were given to keep and need no more."""
    jobs = Job.objects.filter(subject=machine_id).exclude(sealed="")
    jobs.exclude(pk=but).update(sealed="")


def locked(turn: Turn) -> VirtualMachine:
    """Return the job's machine with its row locked, before any other."""
    return VirtualMachine.objects.select_for_update(no_key=True).get(pk=turn.job.subject)


def ending_broke(turn: Turn, fault: Fault) -> None:
    """Leave a machine whose job could not even fail as it should to be repaired or removed.

    One that the job merely held, as a clone does its source, is let go of.
    """
    machine = VirtualMachine.objects.filter(pk=turn.job.subject)
    for status, now in (
        (MachineStatus.CREATION_FAILED, machine.filter(status__in=UNFINISHED)),
        (MachineStatus.UPDATE_FAILED, machine.exclude(status__in=UNFINISHED)),
    ):
        now.update(status=status, failed_job_id=turn.job.pk)
    held = VirtualMachine.objects.filter(
        most_recent_job_id=turn.job.pk, status=MachineStatus.UNDER_UPDATE
    )
    held.exclude(pk=turn.job.subject).update(status=source_stood(turn))


def source_stood(turn: Turn) -> str:
    """Return where the source of a clone stood before the clone held it."""
    before = turn.memo.get("source_before") or turn.job.inputs.get("source_before")
    return str(before or MachineStatus.POWER_OFF)


def status_after(fault: Fault, before: str) -> str:
    """Return where a machine stands when an operation on it failed.

    One that was never deployed in full stays a failed creation, so that it is resumed or removed.
    """
    if before == MachineStatus.CREATION_FAILED:
        return before
    told = {"unreachable": MachineStatus.HOST_NOT_RESPONDING, "missing": MachineStatus.MISSING}
    return str(told.get(fault.code, before))
