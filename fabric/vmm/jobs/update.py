"""Change what a machine is: size and name on its host, words in our books.

`inputs` hold `before`, the status to return to; `size` with `old_size`, and `name` with `old_name`,
when they change and there is a host. Until it is known which size the host has, the books hold the
larger of both, so that no host is ever promised more than it has.
"""

from __future__ import annotations

from typing import Any

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import GuestState
from fabric.vmm import placement, roles
from fabric.vmm.errors import NoSuitableHost
from fabric.vmm.jobs import truth
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import driver, locked, write
from fabric.vmm.jobs.work import Work
from fabric.vmm.states import MachineStatus


def ensure_resized(turn: Turn) -> Again | None:
    """Give the guest its new size, when it is to have one, and look whether it has."""
    size = turn.job.inputs.get("size")
    if size is None:
        return None
    driver(turn).ensure_resized(turn.job.subject, size["cores"], size["memory_mb"])
    if _told(truth.seen(turn))["size"] != size:
        return truth.not_yet("The machine does not have its new size yet; changing it again.")
    return None


def ensure_renamed(turn: Turn) -> Again | None:
    """Give the guest its new name, when it is to have one, and look whether it has."""
    name = turn.job.inputs.get("name")
    if name is None:
        return None
    driver(turn).ensure_renamed(turn.job.subject, name)
    if truth.seen(turn).name != name:
        return truth.not_yet("The machine does not have its new name yet; changing it again.")
    return None


def ensure_updated(turn: Turn) -> None:
    """Write that the machine is as it was asked to be; a new name mends no failed creation."""
    inputs: dict[str, Any] = turn.job.inputs
    if inputs.get("size"):
        book_size(turn, inputs["size"])
    if inputs.get("name"):
        write(turn, name=inputs["name"])
    mends = (inputs.get("size") or inputs.get("name")) and _may_be_mended(inputs["before"])
    if mends:
        truth.succeeded(turn)
    else:
        write(turn, status=inputs["before"])


def update_failed(turn: Turn, fault: Fault) -> None:
    """Write what the host has; when it did not tell, the larger of both sizes stays held."""
    inputs: dict[str, Any] = turn.job.inputs
    found = turn.memo.get("found")
    if found is not None and found.get("size") and inputs.get("size"):
        book_size(turn, found["size"])
    if found is not None and found.get("name") and inputs.get("name"):
        is_new = found["name"] == inputs["name"]
        write(turn, name=inputs["name"] if is_new else inputs["old_name"])
    if _may_be_mended(inputs["before"]):
        truth.failed(turn, fault)
    else:
        write(turn, status=inputs["before"])


def book_size(turn: Turn, size: dict[str, int]) -> None:
    """Count this size on the host and on the machine's row."""
    machine = locked(turn)
    try:
        placement.resize(machine, **size)
    except NoSuitableHost as error:
        # The host has it all the same; our books have no room for it.
        turn.message = error.message
    else:
        write(turn, **size)


def _told(guest: GuestState) -> dict[str, Any]:
    return {"size": {"cores": guest.cores, "memory_mb": guest.memory_mb}, "name": guest.name}


def _ask(turn: Turn, guest: GuestState) -> dict[str, Any]:
    return _told(guest)


def _may_be_mended(before: str) -> bool:
    return before != MachineStatus.CREATION_FAILED


def _refusal(job: Any) -> str:
    changed = job.inputs.get("size") or job.inputs.get("name")
    return truth.refusal(job) if changed else ""


def _undoing(job: Any) -> dict[str, Any]:
    """Ask for the old values, with the new ones as the old."""
    inputs = {**job.inputs, "was": job.inputs["before"]}
    for new, old in (("size", "old_size"), ("name", "old_name")):
        if inputs.get(new):
            inputs[new], inputs[old] = inputs[old], inputs[new]
    return inputs


UPDATE = Recipe(
    "update",
    "Change properties of virtual machine",
    (
        truth.asking("ensure_resized", "Change processors and memory", ensure_resized, _ask),
        truth.asking("ensure_renamed", "Rename the machine on its host", ensure_renamed, _ask),
        step("ensure_updated", "Finish", ensure_updated, local=True),
    ),
    failed=update_failed,
)

# Back to what it was, whatever of the change the host took.
UNDO_UPDATE = Recipe(
    "undo_update", "Undo change of virtual machine", UPDATE.steps, failed=update_failed
)

WORKS = (
    Work(
        UPDATE,
        "Set-SCVirtualMachine",
        any_of=roles.CHANGE,
        busy=MachineStatus.UNDER_UPDATE,
        refusal=_refusal,
        undo=UNDO_UPDATE,
        undoing=_undoing,
    ),
    Work(
        UNDO_UPDATE,
        "Repair-SCVirtualMachine",
        any_of=roles.CHANGE,
        busy=MachineStatus.UNDER_UPDATE,
        refusal=_refusal,
    ),
)
