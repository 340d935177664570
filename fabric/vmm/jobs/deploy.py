"""Deploy a machine: a host, addresses, a disk, the guest, its networks, power, its system.

Every step may be taken twice: hosts find things by our ids, local steps commit with their record.
`inputs` say what to build: name, computer_name, user, start, cores, memory_mb, disks
[{id, image, size_gb}]. `memo` notes host and adapters. A failed deployment keeps its place.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import OuterRef, Subquery

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Turn
from fabric.hypervisors.base import AdapterSpec, DiskSpec, GuestSpec, Power
from fabric.vmm import addresses, placement, roles
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver, note_host, write
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import AddressLease, Host, NetworkAdapter, VirtualMachine
from fabric.vmm.states import MachineStatus


def ensure_placed(turn: Turn) -> None:
    """Choose a host and take room on it; one that was chosen before stays."""
    machine = VirtualMachine.objects.select_related("host").get(pk=turn.job.subject)
    host: Host | None = machine.host
    if host is None:
        host = placement.place(machine)
        write(turn, host=host)
    note_host(turn.memo, host)
    turn.host = host.name


def ensure_addresses(turn: Turn) -> None:
    """Give each connected adapter its MAC and an address, unless it has them."""
    held = AddressLease.objects.filter(adapter=OuterRef("pk")).values("address")[:1]
    adapters = (
        NetworkAdapter.objects.filter(machine=turn.job.subject, network__isnull=False)
        .select_related("network")
        .annotate(address=Subquery(held))
        .order_by("slot")
    )
    notes = []
    for adapter in adapters:
        address = adapter.address or addresses.lease(adapter)
        if adapter.mac is None:
            adapter.mac = addresses.new_mac()
            NetworkAdapter.objects.filter(pk=adapter.pk).update(mac=adapter.mac)
        notes.append(
            {
                "id": str(adapter.pk),
                "mac": adapter.mac,
                "network": adapter.network.name,
                "vlan": adapter.network.vlan,
                "address": address,
            }
        )
    turn.memo["adapters"] = notes
    turn.message = ", ".join(note["address"] for note in notes if note["address"])


def ensure_disks(turn: Turn) -> Again | None:
    """Have the host copy the library disk."""
    for disk in _disks(turn):
        outcome = driver(turn).ensure_disk(disk)
        if not outcome.done:
            return again(outcome)
    return None


def ensure_defined(turn: Turn) -> None:
    """Make the guest known to the host, without adapters: those come next."""
    spec = GuestSpec(
        id=turn.job.subject,
        name=turn.job.inputs["name"],
        cores=turn.job.inputs["cores"],
        memory_mb=turn.job.inputs["memory_mb"],
        disks=_disks(turn),
        adapters=(),
    )
    turn.memo["hypervisor_id"] = str(driver(turn).ensure_defined(spec))


def ensure_adapters(turn: Turn) -> None:
    """Attach the adapters to their networks."""
    for note in turn.memo["adapters"]:
        driver(turn).ensure_adapter(
            turn.job.subject, AdapterSpec(**{**note, "id": UUID(note["id"])})
        )


def ensure_running(turn: Turn) -> Again | None:
    """Start the guest."""
    return again(driver(turn).ensure_power(turn.job.subject, Power.RUNNING))


def ensure_guest_setup(turn: Turn) -> Again | None:
    """Give the guest's system its name and administrator, then forget the password."""
    user, password = turn.job.inputs["user"], turn.secret("password")
    # Erased means that this was done: a resumed job may pass here again.
    if user and password:
        waiting = again(
            driver(turn).ensure_guest_setup(
                turn.job.subject, turn.job.inputs["computer_name"], user, password
            )
        )
        if waiting is not None:
            return waiting
    turn.forget_secrets()
    return None


def ensure_stopped(turn: Turn) -> Again | None:
    """Leave the guest off, as it was asked for."""
    return again(driver(turn).ensure_power(turn.job.subject, Power.OFF))


def ensure_finished(turn: Turn) -> None:
    """Write what has become of the machine."""
    started = turn.job.inputs["start"]
    write(
        turn,
        status=MachineStatus.RUNNING if started else MachineStatus.POWER_OFF,
        hypervisor_id=turn.memo["hypervisor_id"],
        deployment_error=None,
        failed_job_id=None,
    )
    turn.message = "The machine is running." if started else "The machine is ready, and off."


def failed(turn: Turn, fault: Fault) -> None:
    """Keep the machine, with the reason, and its room on the host."""
    _fail(turn, fault.told())


def cancelled(turn: Turn) -> None:
    """Keep what was made until somebody removes it."""
    message = "The creation was cancelled."
    _fail(turn, {"code": "cancelled", "message": message, "advice": "Remove the machine."})


def _fail(turn: Turn, error: dict[str, str]) -> None:
    write(
        turn,
        status=MachineStatus.CREATION_FAILED,
        failed_job_id=turn.job.pk,
        deployment_error={**error, "step": turn.job.step},
    )


def _disks(turn: Turn) -> tuple[DiskSpec, ...]:
    return tuple(
        DiskSpec(UUID(disk["id"]), disk["image"], disk["size_gb"])
        for disk in turn.job.inputs["disks"]
    )


PLACE = step("ensure_placed", "Check limits and choose a host", ensure_placed, local=True, share=5)
LEASE = step("ensure_addresses", "Reserve addresses", ensure_addresses, local=True, share=5)
CLONE = step("ensure_disks", "Copy the virtual hard disk", ensure_disks, share=30)
DEFINE = step("ensure_defined", "Create the machine on the host", ensure_defined, share=5)
ATTACH = step("ensure_adapters", "Connect network adapters", ensure_adapters, share=5)
START = step("ensure_running", "Start the machine", ensure_running, share=15)
SET_UP = step("ensure_guest_setup", "Set up the operating system", ensure_guest_setup, share=30)
STOP = step("ensure_stopped", "Shut the machine down", ensure_stopped, share=10)
FINISH = step("ensure_finished", "Finish", ensure_finished, local=True, share=5)


def _recipe(name: str, *steps: object) -> Recipe:
    return Recipe(
        name=name,
        title="Create virtual machine",
        steps=(PLACE, LEASE, CLONE, DEFINE, ATTACH, *steps, FINISH),  # type: ignore[arg-type]
        failed=failed,
        cancelled=cancelled,
        cancel_before=FINISH.name,
    )


DEPLOY = _recipe("deploy", START, SET_UP)
# Its system can only be set up while it runs.
DEPLOY_STOPPED = _recipe("deploy_stopped", START, SET_UP, STOP)
DEPLOY_BARE = _recipe("deploy_bare")

WORKS = tuple(
    Work(
        recipe,
        "New-SCVirtualMachine",
        any_of=roles.CHANGE,
        busy=MachineStatus.UNDER_CREATION,
    )
    for recipe in (DEPLOY, DEPLOY_STOPPED, DEPLOY_BARE)
)
