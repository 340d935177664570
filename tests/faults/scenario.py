"""How a recipe of VMM comes about, and what must be so once it has.

Preparations run in stages, those of many cells at once: each begins a job, or does something at
the host, and the next one comes when that has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fabric.hypervisors.simulated import meddling
from fabric.vmm import actions
from fabric.vmm.actions import drift as decisions
from fabric.vmm.actions import owners, setups, trials
from fabric.vmm.actions.adapters import NewAdapter
from fabric.vmm.models import (
    Checkpoint,
    DiskDrive,
    Drift,
    Job,
    NetworkAdapter,
    VirtualHardDisk,
    VirtualMachine,
)
from tests.factories.vmm import ADMINISTRATOR
from tests.faults.floor import BOB, Bay, Floor

GUEST_PASSWORD = "Guest-Marked-7"
OFF, RUNNING, STORED, GONE = "PowerOff", "Running", "Stored", None


@dataclass
class Case:
    """One run of a scenario: where, on which machine, and what its stages noted."""

    floor: Floor
    bay: Bay
    name: str
    machine: VirtualMachine | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def it(self) -> VirtualMachine:
        """Return the machine as it is now."""
        assert self.machine is not None
        self.machine = VirtualMachine.objects.select_related("host").get(pk=self.machine.pk)
        return self.machine

    @property
    def last_disk(self) -> DiskDrive:
        return self.it.disks.order_by("lun").last()

    @property
    def drift(self) -> Drift:
        """Return the open difference that a stage made."""
        return Drift.objects.get(object_id=self.notes["strange"], state="open")


Act = Callable[[Case], Any]
Check = Callable[[Case], bool]


def _always(case: Case) -> bool:
    return True


def _named(case: Case) -> str:
    return case.name


@dataclass(frozen=True)
class Scenario:
    """How a recipe is asked for, and where its machine stands when it has succeeded.

    `again` asks once more after a change was undone. The job is known to the probe by `target`.
    One that is `alone` needs hosts of its own whatever befalls it.
    """

    ask: Callable[[Case], Job]
    ends: str | None
    stages: tuple[Act, ...] = ()
    check: Check = _always
    again: Callable[[Case], Job] | None = None
    target: Callable[[Case], str] = _named
    alone: bool = False


def create(case: Case, *, start: bool, password: str = "") -> Job:
    """Order the case's machine."""
    case.machine, job = actions.machines.create(
        case.floor.alice,
        server=case.floor.fabric.server,
        cloud_id=case.bay.cloud.pk,
        template_id=case.floor.fabric.template.pk,
        name=case.name,
        adapters=[NewAdapter(network_id=case.floor.fabric.network.pk)],
        start=start,
        local_admin_password=password,
    )
    return job


def made_off(case: Case) -> Job:
    return create(case, start=False)


def made_running(case: Case) -> Job:
    return create(case, start=True)


def deploys(ends: str, *, start: bool, password: str = GUEST_PASSWORD) -> Scenario:
    return Scenario(lambda case: create(case, start=start, password=password), ends)


def operation(name: str, **options: Any) -> Callable[[Case], Job]:
    return lambda case: actions.machines.operate(case.floor.alice, case.it, name, **options)


def power(name: str, ends: str, *before: str, running: bool = True) -> Scenario:
    made = made_running if running else made_off
    return Scenario(operation(name), ends, (made, *map(operation, before)))


def of_off(ask: Callable[[Case], Job], *stages: Act, ends: str = OFF, **options: Any) -> Scenario:
    """Return a scenario of a machine that is made and left off."""
    return Scenario(ask, ends, (made_off, *stages), **options)


def update(cores: int, suffix: str) -> Callable[[Case], Job]:
    return lambda case: actions.machines.update(
        case.floor.alice,
        case.it,
        name=case.name + suffix,
        cores=cores,
        memory_mb=1024 * cores,
    )


def is_sized(cores: int, suffix: str = "") -> Check:
    return lambda case: (case.it.name, case.it.cores) == (case.name + suffix, cores)


def undo_by_hand(case: Case) -> Job:
    """Ask for the old values once more, or let be what has them already."""
    if is_sized(1)(case):
        return operation("Repair", dismiss=True)(case)
    return update(1, "")(case)


def failing(verb: str, kind: str, ask: Callable[[Case], Job]) -> Act:
    """Return a stage in which a job fails for good."""

    def stage(case: Case) -> None:
        case.floor.fail(case.bay, verb, kind, lambda: ask(case))

    return stage


def move(case: Case) -> Job:
    case.notes.setdefault("host", case.it.host_id)
    return actions.moves.move(ADMINISTRATOR, case.it)


def has_moved(case: Case) -> bool:
    return case.it.host_id != case.notes["host"]


def clone(*, start: bool) -> Callable[[Case], Job]:
    def ask(case: Case) -> Job:
        case.notes["source"] = case.it
        case.machine, job = actions.machines.clone(
            case.floor.alice, case.it, name=twin(case), start=start
        )
        return job

    return ask


def of_checkpoint(*, start: bool) -> Callable[[Case], Job]:
    """Make a machine of the checkpoint of one that runs."""

    def ask(case: Case) -> Job:
        case.notes["source"] = case.it
        case.machine, job = actions.machines.of_checkpoint(
            case.floor.alice, the_checkpoint(case), name=twin(case), start=start
        )
        return job

    return ask


def rebuild(*, start: bool) -> Callable[[Case], Job]:
    """Rebuild the machine of the template it was made of."""

    def ask(case: Case) -> Job:
        case.notes.setdefault("devices", _devices(case))
        return actions.machines.rebuild(
            case.floor.alice,
            case.it,
            template_id=case.floor.fabric.template.pk,
            guest=setups.Asked(local_admin_password=GUEST_PASSWORD),
            start=start,
        )

    return ask


def _devices(case: Case) -> tuple[list[Any], set[Any]]:
    adapters = [(a.pk, a.mac, a.addresses) for a in case.it.adapters.order_by("slot")]
    return adapters, {drive.pk for drive in case.it.disks.all()}


def is_rebuilt(case: Case) -> bool:
    """Tell whether it has its adapters still, and none of its disks."""
    (adapters, disks), (had, old) = _devices(case), case.notes["devices"]
    return adapters == had and len(disks) == 1 and not disks & old


def twin(case: Case) -> str:
    return f"{case.name}-twin"


def source_is(status: str) -> Check:
    return lambda case: VirtualMachine.objects.get(pk=case.notes["source"].pk).status == status


def add_disk(case: Case) -> Job:
    return actions.disks.add(case.floor.alice, case.it, size_gb=10, name=f"{case.name}-data")


def has_disks(*sizes: int) -> Check:
    return lambda case: sorted(d.size_gb for d in case.it.disks.all()) == sorted(sizes)


def grow_disk(case: Case) -> Job:
    return actions.disks.grow(case.floor.alice, case.last_disk, size_gb=40)


def move_disk(case: Case) -> Job:
    """Move it to the other kind of storage, whichever it was made on."""
    disk, (fast, slow) = case.last_disk, case.floor.storage
    is_fast = disk.volume.classification_id == fast.pk
    wanted = case.notes.setdefault("storage", slow if is_fast else fast)
    return actions.disks.move(case.floor.alice, disk, classification=wanted)


def is_on_its_storage(case: Case) -> bool:
    return case.last_disk.volume.classification == case.notes["storage"]


def is_in_library(case: Case) -> bool:
    stored = VirtualHardDisk.objects.filter(name=f"{case.name}-data", is_enabled=True)
    return has_disks(20)(case) and stored.exists()


def attach(case: Case) -> Job:
    return actions.adapters.attach(case.floor.alice, case.it, network=case.floor.back)


def last_adapter(case: Case) -> NetworkAdapter:
    return case.it.adapters.order_by("slot").last()


def change_adapter(case: Case) -> Job:
    return actions.adapters.change(case.floor.alice, last_adapter(case), network=case.floor.back)


def is_on(*networks: str) -> Check:
    return lambda case: [a.network.name for a in case.it.adapters.order_by("slot")] == [*networks]


def insert(case: Case) -> Job:
    return actions.media.insert(case.floor.alice, case.it, iso=case.floor.iso)


def has_disc(wanted: bool) -> Check:
    return lambda case: case.it.dvds.filter(iso__isnull=False).exists() is wanted


def make_checkpoint(case: Case) -> Job:
    return actions.checkpoints.create(case.floor.alice, case.it, name="Monday")[1]


def the_checkpoint(case: Case) -> Checkpoint:
    return case.it.checkpoints.get()


def has_checkpoints(count: int) -> Check:
    return lambda case: case.it.checkpoints.count() == count


def stranger(case: Case) -> None:
    case.notes["strange"] = meddling.add_guest(case.floor.rack, case.bay.hosts[0].name)


def orphan(case: Case) -> None:
    case.notes["strange"] = meddling.add_disk(case.floor.rack, case.bay.hosts[0].name).id


def meddled(do: Callable[..., None], *values: Any) -> Act:
    """Return a stage in which somebody changes the machine at its host."""

    def stage(case: Case) -> None:
        machine = case.it
        case.notes["strange"] = machine.pk
        do(case.floor.rack, machine.host.name, machine.pk, *values)

    return stage


def carried_off(case: Case) -> None:
    machine = case.it
    case.notes.update(strange=machine.pk, host=machine.host_id)
    other = next(host for host in case.bay.hosts if host.pk != machine.host_id)
    meddling.move_guest(case.floor.rack, machine.host.name, machine.pk, other.name)


def repair(case: Case) -> Job:
    return decisions.repair(ADMINISTRATOR, case.drift)


def shelve(case: Case) -> Job:
    job = decisions.adopt(ADMINISTRATOR, case.drift, share=case.floor.share)
    assert job is not None
    return job


def forget(case: Case) -> Job:
    job = decisions.adopt(ADMINISTRATOR, case.drift)
    assert job is not None
    return job


def is_forgotten(case: Case) -> bool:
    return not VirtualMachine.objects.filter(pk=case.notes["strange"]).exists()


def is_settled(case: Case) -> bool:
    found = Drift.objects.filter(object_id=case.notes["strange"])
    return [(each.state, each.settled_how) for each in found] == [("settled", "repaired")]


def _first_host(case: Case) -> str:
    return case.bay.hosts[0].name


def strange(stage: Act, ask: Callable[[Case], Job]) -> Scenario:
    """Return a scenario of something at a host that is nobody's."""
    return Scenario(ask, GONE, (stage,), is_settled, target=_first_host, alone=True)


def give(case: Case) -> Job:
    return owners.give(ADMINISTRATOR, case.it, role=case.floor.bob.role, owner_name=BOB)


def add_template(case: Case) -> None:
    fabric = case.floor.fabric
    case.notes["template"] = actions.templates.add(
        ADMINISTRATOR,
        fabric.server,
        name=case.name,
        disk=fabric.template.disk,
        os_type="Linux",
        cores=1,
        memory_mb=1024,
    )


def trial(case: Case) -> Job:
    return trials.begin(
        ADMINISTRATOR,
        template=case.notes["template"],
        cloud=case.bay.cloud,
        network=case.floor.fabric.network,
    )


def nothing_left(case: Case) -> bool:
    return not VirtualMachine.objects.filter(cloud=case.bay.cloud).exists()
