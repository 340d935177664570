"""Deploy a machine: a host, addresses, disks, the guest, its networks, power, its system.

Every step may be taken twice: hosts find things by our ids, local steps commit with their record.
`inputs` say what to build: name, computer_name, start, cores, memory_mb, the guest's `settings`,
and the names of its sealed `secrets`. `memo` notes host, why it was chosen (`placement`), disks and
adapters. A failed deployment keeps its place.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.hypervisors.base import AdapterSpec, DiskSpec, GuestSetup, GuestSpec, Power
from fabric.vmm import addresses, placement, roles, slots
from fabric.vmm.jobs.faults import again, step
from fabric.vmm.jobs.hosts import driver, note_host, write
from fabric.vmm.jobs.operate import ensure_at
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import DiskDrive, Host, NetworkAdapter, VirtualMachine
from fabric.vmm.states import MachineStatus


def ensure_placed(turn: Turn) -> Again | None:
    """Choose a host and take room on it, in line for one that is not busy; once chosen it stays."""
    machine = VirtualMachine(pk=turn.job.subject)
    host = slots.hold(turn, lambda: placement.place(machine, needs_slot=True))
    if isinstance(host, Again):
        return host
    note_host(turn.memo, host)
    note_rating(turn, host)
    turn.host = host.name
    drives = DiskDrive.objects.filter(machine=machine.pk).select_related("volume")
    turn.memo["disks"] = [
        {
            "id": str(drive.pk),
            "image": drive.stored_image or drive.image,
            "size_gb": drive.size_gb,
            "volume": drive.volume.name if drive.volume is not None else "",
        }
        for drive in drives.order_by("bus_type", "bus", "lun")
    ]
    return None


def note_rating(turn: Turn, host: Host) -> None:
    """Keep why a host was chosen, for the page of the job."""
    if host.rating is not None:
        turn.memo["placement"] = told(host.rating)


def told(rating: placement.Rating) -> dict[str, Any]:
    """Return a rating as jobs keep it."""
    return {"stars": rating.stars, "reasons": list(rating.reasons)}


def ensure_addresses(turn: Turn) -> None:
    """Give each connected adapter its MAC and addresses, unless it has them."""
    adapters = list(
        NetworkAdapter.objects.filter(machine=turn.job.subject, network__isnull=False)
        .select_related("network", "machine__host")
        .order_by("slot")
    )
    needy = next((adapter.machine for adapter in adapters if adapter.mac is None), None)
    pools = addresses.lock(
        [adapter.network_id for adapter in adapters],
        macs_of=needy and needy.server_id,
        host=needy and needy.host,
    )
    held = {}
    for adapter in adapters:
        held[adapter.pk] = addresses.lease(adapter)
        if adapter.mac is None:
            adapter.mac = addresses.new_mac(pools)
            NetworkAdapter.objects.filter(pk=adapter.pk).update(mac=adapter.mac)
    turn.memo["adapters"] = [_note(adapter, held[adapter.pk]) for adapter in adapters]
    turn.message = ", ".join(address for adapter in adapters for address in held[adapter.pk])


def _note(adapter: NetworkAdapter, held: list[str]) -> dict[str, Any]:
    assert adapter.network is not None
    return {
        "id": str(adapter.pk),
        "mac": adapter.mac,
        "network": adapter.network.name,
        "vlan": adapter.network.vlan,
        "addresses": held,
    }


def ensure_disks(turn: Turn) -> Again | None:
    """Have the host copy the library's disks, and make the empty ones."""
    for disk in _disks(turn):
        waiting = again(driver(turn).ensure_disk(disk))
        if waiting is not None:
            return waiting
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


def ensure_adapters(turn: Turn) -> Again | None:
    """Attach the adapters to their networks, and look whether the host did."""
    host, notes = driver(turn), turn.memo["adapters"]
    for note in notes:
        told = {**note, "id": UUID(note["id"]), "addresses": tuple(note["addresses"])}
        host.ensure_adapter(turn.job.subject, AdapterSpec(**told))
    guest = host.guest(turn.job.subject)
    attached = {str(adapter.id) for adapter in guest.adapters} if guest is not None else set()
    if {note["id"] for note in notes} - attached:
        return Again(1.0, message="An adapter is not there yet; connecting it again.")
    return None


def ensure_running(turn: Turn) -> Again | None:
    """Start the guest."""
    return ensure_at(turn, Power.RUNNING)


def ensure_guest_setup(turn: Turn) -> Again | None:
    """Give the guest's system its name, administrator and settings, then forget the secrets."""
    setup = _setup(turn)
    if setup is not None:
        waiting = again(driver(turn).ensure_guest_setup(turn.job.subject, setup))
        if waiting is not None:
            return waiting
    turn.forget_secrets()
    return None


def _setup(turn: Turn) -> GuestSetup | None:
    """What is left to set up: nothing when nothing was ordered, or when it was done.

    Erased secrets mean that it was done: a resumed job may pass here again.
    """
    inputs = turn.job.inputs
    # Deployments begun before there were more settings name a user alone.
    settings = inputs.get("settings", {"user": inputs.get("user", "")})
    secrets: dict[str, Any] = {
        name: turn.secret(name) for name in inputs.get("secrets", ("password",))
    }
    if not (secrets or settings) or not all(secrets.values()):
        return None
    keys = tuple(settings.get("ssh_keys", ()))
    return GuestSetup(inputs["computer_name"], **{**settings, "ssh_keys": keys}, **secrets)


def ensure_stopped(turn: Turn) -> Again | None:
    """Leave the guest off, as it was asked for."""
    return ensure_at(turn, Power.OFF)


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
        DiskSpec(UUID(disk["id"]), disk["image"], disk["size_gb"], disk["volume"])
        for disk in turn.memo["disks"]
    )


def resume_at(job: Any) -> str | None:
    """Resume at the disks when the host had lost something: what is there is found again."""
    is_placed = "disks" in job.memo
    return CLONE.name if is_placed and (job.fault or {}).get("code") == "missing" else None


PLACE = step("ensure_placed", "Check limits and choose a host", ensure_placed, local=True, share=5)
LEASE = step("ensure_addresses", "Reserve addresses", ensure_addresses, local=True, share=5)
CLONE = step("ensure_disks", "Copy the virtual hard disk", ensure_disks, share=30)
DEFINE = step("ensure_defined", "Create the machine on the host", ensure_defined, share=5)
ATTACH = step("ensure_adapters", "Connect network adapters", ensure_adapters, share=5)
START = step("ensure_running", "Start the machine", ensure_running, share=15)
SET_UP = step("ensure_guest_setup", "Set up the operating system", ensure_guest_setup, share=30)
STOP = step("ensure_stopped", "Shut the machine down", ensure_stopped, share=10)
FINISH = step("ensure_finished", "Finish", ensure_finished, local=True, share=5)

# What every machine needs that comes to a host.
LANDING = (PLACE, LEASE, CLONE, DEFINE, ATTACH)


def _recipe(name: str, *steps: Step) -> Recipe:
    recipe = Recipe(
        name=name,
        title="Create virtual machine",
        steps=(*LANDING, *steps, FINISH),
        failed=failed,
        cancelled=cancelled,
        cancel_before=FINISH.name,
    )
    return slots.heavy(recipe, placed_by=PLACE.name)


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
        resume_at=resume_at,
        # One that is made and left off takes a fraction of the time.
        timed=recipe is not DEPLOY_BARE,
    )
    for recipe in (DEPLOY, DEPLOY_STOPPED, DEPLOY_BARE)
)
