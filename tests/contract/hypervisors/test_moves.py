"""Guests that move to another host: there in the end, here until then, never on both."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID, uuid4

import pytest

from fabric.hypervisors.base import Capability, DiskSpec, GuestSpec, Power
from fabric.hypervisors.errors import Busy, Full, Missing, Rejected
from tests.contract.hypervisors.benches import (
    NEEDS,
    Bench,
    a_spec,
    checkpointed,
    defined,
    finish,
    in_power,
    place,
    placeless,
    running,
    seen,
    with_data_disk,
)

NOWHERE: Mapping[UUID, str] = {}


def live(bench: Bench, power: Power) -> None:
    """Skip where a guest in this power cannot be moved."""
    bench.needs(*NEEDS.get(power, ()))
    if power in (Power.RUNNING, Power.PAUSED):
        bench.needs(Capability.LIVE_MOVE)


def move(bench: Bench, guest_id: UUID, volumes: Mapping[UUID, str] = NOWHERE) -> None:
    there = bench.other.facts().name
    finish(lambda: bench.host.ensure_moved(guest_id, there, volumes), bench.patience)


@pytest.mark.parametrize("power", [Power.OFF, Power.RUNNING, Power.PAUSED, Power.SAVED])
def test_the_guest_arrives_as_it_left(bench: Bench, power: Power) -> None:
    live(bench, power)
    spec, disk = with_data_disk(bench, power)
    bench.host.ensure_media(spec.id, "tools.iso")
    before = seen(bench.host, spec.id)

    for _ in range(2):
        move(bench, spec.id)

    after = seen(bench.other, spec.id)
    assert (after.power, after.name, after.media) == (power, "web-1", "tools.iso")
    assert (after.adapters, after.addresses) == (before.adapters, before.addresses)
    assert placeless(after.disks) == (*spec.disks, disk)
    assert placeless(bench.other.disks()) == (*spec.disks, disk)
    assert (bench.host.guests(), bench.host.disks(), bench.host.guest(spec.id)) == ((), (), None)


def test_it_is_adopted_and_managed_over_there(bench: Bench) -> None:
    spec = defined(bench)
    known_as = seen(bench.host, spec.id).hypervisor_id
    move(bench, spec.id)

    assert bench.other.ensure_disk(spec.disks[0]).done
    assert bench.other.ensure_defined(spec) == known_as
    bench.other.ensure_adapter(spec.id, spec.adapters[0])
    finish(lambda: bench.other.ensure_removed(spec.id))

    assert (bench.other.guests(), bench.other.disks()) == ((), ())


def test_its_checkpoints_come_along(bench: Bench) -> None:
    bench.needs(Capability.CHECKPOINTS)
    spec = defined(bench)
    first, _ = checkpointed(bench, spec.id), checkpointed(bench, spec.id)
    before = bench.host.checkpoints(spec.id)

    move(bench, spec.id)

    assert bench.other.checkpoints(spec.id) == before
    bench.other.ensure_resized(spec.id, 1, 512)
    finish(lambda: bench.other.ensure_restored(spec.id, first))
    assert seen(bench.other, spec.id).memory_mb == 1024


def test_there_and_back_again(bench: Bench) -> None:
    spec = defined(bench)
    here = bench.host.facts().name
    move(bench, spec.id)

    finish(lambda: bench.other.ensure_moved(spec.id, here, {spec.disks[0].id: "large"}))

    assert place(bench.host, spec.disks[0].id) == "large"
    assert bench.other.guests() == ()


def test_a_volume_is_named_or_chosen(bench: Bench) -> None:
    spec = defined(bench)

    with pytest.raises(Rejected):
        move(bench, spec.id, {spec.disks[0].id: "tape"})
    assert seen(bench.host, spec.id)
    (volume,) = bench.other.facts().volumes
    move(bench, spec.id, {spec.disks[0].id: volume.name})

    assert place(bench.other, spec.disks[0].id) == volume.name


def test_a_host_nobody_knows(bench: Bench) -> None:
    spec = defined(bench)

    with pytest.raises(Rejected):
        bench.host.ensure_moved(spec.id, "host9", {})
    with pytest.raises(Missing):
        move(bench, uuid4())
    assert bench.host.ensure_moved(spec.id, bench.host.facts().name, {}).done


def test_no_room_for_its_disks(bench: Bench) -> None:
    disk = DiskSpec(uuid4(), bench.image, 201, "large")
    spec = defined(bench, GuestSpec(uuid4(), "big", 1, 512, (disk,), ()))

    with pytest.raises(Full) as caught:
        move(bench, spec.id)

    assert caught.value.resource == "storage"
    assert (bench.host.disks(), bench.other.disks()) == ((disk,), ())


def test_no_room_for_its_memory_unless_it_holds_none(bench: Bench) -> None:
    bench.needs(Capability.LIVE_MOVE)
    spec = running(bench, a_spec(bench, memory_mb=5000))

    with pytest.raises(Full) as caught:
        move(bench, spec.id)
    assert caught.value.resource == "memory"
    assert seen(bench.host, spec.id).power is Power.RUNNING

    finish(lambda: bench.host.ensure_power(spec.id, Power.OFF, hard=True))
    move(bench, spec.id)


def test_the_room_is_taken_at_the_first_call(bench: Bench) -> None:
    bench.needs(Capability.LIVE_MOVE)
    there = bench.other.facts().name
    spec, late = running(bench, a_spec(bench, memory_mb=3000)), running(bench)
    bench.hang("ensure_moved")
    assert not bench.host.ensure_moved(spec.id, there, {}).done

    with pytest.raises(Full):
        bench.other.ensure_disk(DiskSpec(uuid4(), None, 181))
    finish(lambda: bench.host.ensure_power(late.id, Power.OFF, hard=True))
    bench.host.ensure_resized(late.id, 2, 1500)
    finish(lambda: bench.host.ensure_power(late.id, Power.RUNNING))
    with pytest.raises(Full):
        bench.host.ensure_moved(late.id, there, {})
    bench.go_on()
    move(bench, spec.id)


def test_on_the_way_it_is_here_alone_and_left_in_peace(bench: Bench) -> None:
    spec, disk = with_data_disk(bench)
    there = bench.other.facts().name
    bench.hang("ensure_moved")
    assert not bench.host.ensure_moved(spec.id, there, {}).done

    assert seen(bench.host, spec.id).power is Power.OFF
    assert (bench.other.guests(), bench.other.disks()) == ((), ())
    for work in (
        lambda: bench.host.ensure_power(spec.id, Power.RUNNING),
        lambda: bench.host.ensure_resized(spec.id, 1, 512),
        lambda: bench.host.ensure_renamed(spec.id, "web-2"),
        lambda: bench.host.ensure_media(spec.id, "tools.iso"),
        lambda: bench.host.ensure_adapter(spec.id, spec.adapters[0]),
        lambda: bench.host.ensure_adapter_removed(spec.id, spec.adapters[0].id),
        lambda: bench.host.ensure_detached(spec.id, disk.id),
        lambda: bench.host.ensure_disk_size(disk.id, 30),
        lambda: bench.host.ensure_disk_moved(disk.id, "large"),
        lambda: bench.host.ensure_checkpoint(spec.id, uuid4(), "before"),
        lambda: bench.host.ensure_image(disk.id, bench.stored_image),
        lambda: bench.other.ensure_defined(spec),
        lambda: bench.other.ensure_disk(disk),
    ):
        with pytest.raises(Busy):
            work()
    bench.go_on()
    move(bench, spec.id)


def test_removed_on_the_way_it_leaves_nothing_on_either_side(bench: Bench) -> None:
    spec = in_power(bench, Power.OFF)
    bench.hang("ensure_moved")
    bench.host.ensure_moved(spec.id, bench.other.facts().name, {})

    finish(lambda: bench.host.ensure_removed(spec.id))
    bench.go_on()

    for host in (bench.host, bench.other):
        assert (host.guests(), host.disks()) == ((), ())
    finish(partial(bench.other.ensure_disk, DiskSpec(uuid4(), None, 200)))


def test_a_guest_with_other_work_waits(bench: Bench) -> None:
    spec = defined(bench)
    bench.hang("ensure_disk_size")
    bench.host.ensure_disk_size(spec.disks[0].id, 30)

    with pytest.raises(Busy):
        bench.host.ensure_moved(spec.id, bench.other.facts().name, {})
