"""The same acts on our own SPF, VMM and simulated hosts, all in this process: what is asked for
comes about there, and three books (the portal's, VMM's, the hosts') say the same.
"""

from __future__ import annotations

import pytest

from fabric.actions import (
    adapters,
    checkpoints,
    configuring,
    copies,
    disks,
    machines,
    media,
    power,
)
from fabric.models import Machine, Media, Network
from fabric.orders import Guest, NewAdapter, NewDisk
from fabric.states import MachineState, Verb
from fabric.vmm.models import VirtualMachine
from tests.factories.fabric import new_machine


@pytest.fixture
def running(alice, subscription, ask) -> Machine:
    front = Network.objects.get(name="front")
    order = new_machine(
        subscription, adapters=(NewAdapter(front, "10.20.0.77"),), disks=(NewDisk(20, "logs"),)
    )
    return ask(machines.deploy(by=alice, subscription=subscription, order=order, request_key="k"))


@pytest.fixture
def stopped(running, alice, ask) -> Machine:
    return ask(power.operate(by=alice, machine=running, verb=Verb.STOP))


def test_an_order_with_a_fixed_address_and_a_disk(running, books):
    assert running.state == MachineState.RUNNING
    assert running.addresses == ["10.20.0.77"]
    assert [disk.name for disk in running.disks.all()][1:] == ["logs"]
    there = VirtualMachine.objects.get(pk=running.remote_id)
    assert running.storage_gb == there.storage_gb == books()["storage_gb"]


def test_size_and_names(stopped, alice, ask, books):
    machine = ask(
        configuring.configure(
            by=alice, machine=stopped, name="db-01", description="x", cores=3, memory_mb=3072
        )
    )
    there = VirtualMachine.objects.get(pk=machine.remote_id)
    assert (there.name, there.description) == (machine.name, machine.description) == ("db-01", "x")
    assert (there.cores, there.memory_mb) == (3, 3072)
    assert (books()["cores"], books()["memory_mb"]) == (3, 3072)
    ask(configuring.configure(by=alice, machine=machine, cores=1, memory_mb=1024))
    assert (books()["cores"], books()["memory_mb"]) == (1, 1024)


def test_disks(running, alice, ask, books):
    before = books()["storage_gb"]
    disk = running.disks.get(name="logs")
    ask(disks.grow(by=alice, disk=disk, size_gb=30))
    assert books()["storage_gb"] == before + 10
    ask(disks.attach(by=alice, machine=running, size_gb=7))
    assert books()["storage_gb"] == before + 17
    ask(disks.remove(by=alice, disk=disk))
    assert books()["storage_gb"] == before - 13


def test_networks(running, alice, ask):
    back = Network.objects.get(name="back")
    ask(adapters.attach(by=alice, machine=running, network=back, address="10.30.0.50"))
    adapter = running.adapters.get(network=back)
    assert adapter.addresses == ["10.30.0.50"]
    ask(adapters.remove(by=alice, adapter=adapter))
    assert running.adapters.count() == 1


def test_checkpoints_and_what_is_made_of_them(running, alice, ask, books):
    ask(checkpoints.create(by=alice, machine=running, name="clean"))
    ask(checkpoints.create(by=alice, machine=running, name="later"))
    first, second = running.checkpoints.order_by("created_at")
    assert second.parent == first
    copy = copies.from_checkpoint(by=alice, checkpoint=first, name="web-02", request_key="c")
    assert ask(copy).state == MachineState.STOPPED
    assert books()["machines"] == 2
    ask(checkpoints.restore(by=alice, checkpoint=first))
    first.refresh_from_db()
    assert first.is_current
    ask(checkpoints.rename(by=alice, checkpoint=first, name="base", description="As made"))
    ask(checkpoints.remove(by=alice, checkpoint=second))
    assert [each.name for each in running.checkpoints.all()] == ["base"]


def test_restart_save_and_reset(running, alice, ask):
    assert ask(power.operate(by=alice, machine=running, verb=Verb.RESTART)).state == "running"
    assert ask(power.operate(by=alice, machine=running, verb=Verb.RESET)).state == "running"
    assert ask(power.operate(by=alice, machine=running, verb=Verb.SAVE)).state == "saved"


def test_a_clone(stopped, alice, ask, books):
    made = ask(copies.clone(by=alice, machine=stopped, name="web-02", request_key="c"))
    assert made.state == MachineState.STOPPED
    assert made.disks.count() == stopped.disks.count()
    assert books()["storage_gb"] == 2 * stopped.storage_gb


def test_a_rebuild_keeps_the_address(running, alice, ask, books):
    guest = Guest(password="Canary-Again-1")
    mac = running.adapters.get().mac
    machine = ask(
        copies.rebuild(
            by=alice, machine=running, template=running.template, guest=guest, request_key="r"
        )
    )
    assert (machine.state, machine.addresses) == (MachineState.RUNNING, ["10.20.0.77"])
    assert machine.adapters.get().mac == mac
    assert books()["storage_gb"] == sum(disk.size_gb for disk in machine.disks.all())


def test_rescue_and_its_end(running, alice, ask):
    image = Media.objects.get()
    machine = ask(copies.rescue(by=alice, machine=running, media=image))
    assert (machine.media, machine.state) == (image, MachineState.RUNNING)
    machine = ask(copies.end_rescue(by=alice, machine=machine))
    assert (machine.media, machine.state) == (None, MachineState.RUNNING)
    assert ask(media.insert(by=alice, machine=machine, media=image)).media == image
    assert ask(media.eject(by=alice, machine=machine)).media is None


def test_everything_is_given_back(running, alice, ask, books):
    ask(machines.delete(by=alice, machine=running))
    assert set(books().values()) == {0}
    assert not VirtualMachine.objects.exists()
