"""Change what a machine is: its size on the host, its name and words in our books.

`inputs` hold `before`, the status to return to, and `size` with `old_size` when it changes.
"""

from __future__ import annotations

from typing import Any

from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Turn
from fabric.vmm import placement, roles
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import driver, write
from fabric.vmm.jobs.operate import failed
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import VirtualMachine
from fabric.vmm.states import MachineStatus


def ensure_resized(turn: Turn) -> None:
    """Give the guest its new size, when it is to have one."""
    size = turn.job.inputs.get("size")
    if size is not None:
        driver(turn).ensure_resized(turn.job.subject, size["cores"], size["memory_mb"])


def ensure_updated(turn: Turn) -> None:
    """Write that the machine is as it was asked to be; a new name mends no failed creation."""
    mended = {"failed_job_id": None} if turn.job.inputs.get("size") else {}
    write(turn, status=turn.job.inputs["before"], **mended)


def update_failed(turn: Turn, fault: Fault) -> None:
    """Count the old size again, unless the host may have taken the new one."""
    inputs: dict[str, Any] = turn.job.inputs
    if inputs.get("size") and fault.code not in ("unreachable", "timed_out"):
        machine = VirtualMachine.objects.select_for_update(no_key=True).get(pk=turn.job.subject)
        old = inputs["old_size"]
        placement.resize(machine, old["cores"], old["memory_mb"])
        write(turn, **old)
    failed(turn, fault)


UPDATE = Recipe(
    "update",
    "Change properties of virtual machine",
    (
        step("ensure_resized", "Change processors and memory", ensure_resized),
        step("ensure_updated", "Finish", ensure_updated, local=True),
    ),
    failed=update_failed,
)


def _refusal(job: Any) -> str:
    fault = job.fault or {}
    if job.inputs.get("size") and fault.get("code") not in ("unreachable", "timed_out"):
        return "The change was undone when it failed."
    return ""


WORKS = (
    Work(
        UPDATE,
        "Set-SCVirtualMachine",
        any_of=roles.CHANGE,
        busy=MachineStatus.UNDER_UPDATE,
        refusal=_refusal,
    ),
)
