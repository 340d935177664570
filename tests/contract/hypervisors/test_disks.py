"""Volumes, growing and moving disks, attaching and detaching them, and images made of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest

from fabric.hypervisors.base import DiskSpec, Hypervisor, Power, VolumeFacts
from fabric.hypervisors.errors import Busy, Full, Missing, Rejected
from tests.contract.hypervisors.benches import (
    NEEDS,
    Bench,
    a_disk,
    a_spec,
    checkpointed,
    defined,
    finish,
    in_power,
    place,
    placeless,
    running,
    seen,
    size,
    with_data_disk,
)

POWERS = [Power.OFF, Power.RUNNING, Power.PAUSED, Power.SAVED]


class TestVolumes:
    def test_a_host_tells_its_volumes(self, bench: Bench) -> None:
        assert bench.host.facts().volumes == (VolumeFacts("fast", 100), VolumeFacts("large", 400))
        assert len(bench.other.facts().volumes) == 1

    def test_a_disk_lies_where_it_was_asked_for(self, bench: Bench) -> None:
        spec = a_spec(bench)
        spec = replace(spec, disks=(replace(spec.disks[0], volume="large"),))
        defined(bench, spec)

        assert bench.host.disks() == spec.disks == seen(bench.host, spec.id).disks

    def test_left_to_the_host_it_goes_where_there_is_room(self, bench: Bench) -> None:
        first, second = a_disk(bench, 60), a_disk(bench, 60)

        assert (place(bench.host, first.id), place(bench.host, second.id)) == ("fast", "large")

    def test_a_full_volume_says_so_though_another_has_room(self, bench: Bench) -> None:
        a_disk(bench, 60, "fast")

        with pytest.raises(Full, match="fast") as caught:
            bench.host.ensure_disk(DiskSpec(uuid4(), None, 41, "fast"))

        fault = caught.value
        assert (fault.resource, fault.free, fault.wanted) == ("storage", 40, 41)
        assert len(bench.host.disks()) == 1

    def test_no_disk_spans_volumes(self, bench: Bench) -> None:
        with pytest.raises(Full):
            bench.host.ensure_disk(DiskSpec(uuid4(), None, 401))

    def test_a_volume_nobody_knows_is_rejected(self, host: Hypervisor) -> None:
        with pytest.raises(Rejected):
            host.ensure_disk(DiskSpec(uuid4(), None, 1, "tape"))

    def test_place_is_not_identity(self, bench: Bench) -> None:
        """A disk moved since, or placed by the host, is still the disk that was asked for."""
        spec = defined(bench)
        finish(lambda: bench.host.ensure_disk_moved(spec.disks[0].id, "large"))

        for volume in ("", "fast", "large"):
            disk = replace(spec.disks[0], volume=volume)
            assert bench.host.ensure_disk(disk).done
            bench.host.ensure_defined(replace(spec, disks=(disk,)))

        assert place(bench.host, spec.disks[0].id) == "large"


class TestGrowing:
    @pytest.mark.parametrize("power", POWERS)
    def test_at_any_power(self, bench: Bench, power: Power) -> None:
        bench.needs(*NEEDS.get(power, ()))
        spec = in_power(bench, power)

        for _ in range(2):
            finish(lambda: bench.host.ensure_disk_size(spec.disks[0].id, 30))

        assert [disk.size_gb for disk in seen(bench.host, spec.id).disks] == [30]
        assert seen(bench.host, spec.id).power is power

    def test_never_smaller(self, bench: Bench) -> None:
        disk = a_disk(bench, 5)

        with pytest.raises(Rejected):
            bench.host.ensure_disk_size(disk.id, 4)

        assert size(bench.host, disk.id) == 5

    def test_not_beyond_its_volume(self, bench: Bench) -> None:
        disk = a_disk(bench, 60, "fast")

        with pytest.raises(Full, match="fast"):
            bench.host.ensure_disk_size(disk.id, 101)

        assert size(bench.host, disk.id) == 60

    def test_the_room_is_taken_at_the_first_call(self, bench: Bench) -> None:
        disk = a_disk(bench, 60, "fast")
        bench.hang("ensure_disk_size")
        bench.host.ensure_disk_size(disk.id, 90)

        with pytest.raises(Full):
            bench.host.ensure_disk(DiskSpec(uuid4(), None, 20, "fast"))
        with pytest.raises(Busy):
            bench.host.ensure_disk_size(disk.id, 95)
        bench.go_on()
        finish(lambda: bench.host.ensure_disk_size(disk.id, 90))

    def test_a_disk_that_is_not_there(self, host: Hypervisor) -> None:
        with pytest.raises(Missing):
            host.ensure_disk_size(uuid4(), 10)


class TestMovingDisks:
    @pytest.mark.parametrize("power", POWERS)
    def test_at_any_power(self, bench: Bench, power: Power) -> None:
        bench.needs(*NEEDS.get(power, ()))
        spec = in_power(bench, power)

        for _ in range(2):
            finish(lambda: bench.host.ensure_disk_moved(spec.disks[0].id, "large"))

        assert [disk.volume for disk in seen(bench.host, spec.id).disks] == ["large"]
        assert seen(bench.host, spec.id).power is power

    def test_on_the_way_it_takes_room_in_both_places(self, bench: Bench) -> None:
        disk = a_disk(bench, 60, "large")
        bench.hang("ensure_disk_moved")
        assert not bench.host.ensure_disk_moved(disk.id, "fast").done

        assert place(bench.host, disk.id) == "large"
        for volume, too_much in (("fast", 41), ("large", 341)):
            with pytest.raises(Full):
                bench.host.ensure_disk(DiskSpec(uuid4(), None, too_much, volume))
        bench.go_on()
        finish(lambda: bench.host.ensure_disk_moved(disk.id, "fast"))
        finish(partial(bench.host.ensure_disk, DiskSpec(uuid4(), None, 400, "large")))

    def test_not_where_there_is_no_room(self, bench: Bench) -> None:
        disk = a_disk(bench, 101, "large")

        with pytest.raises(Full, match="fast"):
            bench.host.ensure_disk_moved(disk.id, "fast")

        assert place(bench.host, disk.id) == "large"

    def test_nowhere_is_no_place(self, bench: Bench) -> None:
        disk = a_disk(bench)

        for volume in ("tape", ""):
            with pytest.raises(Rejected):
                bench.host.ensure_disk_moved(disk.id, volume)
        with pytest.raises(Missing):
            bench.host.ensure_disk_moved(uuid4(), "fast")


class TestAttaching:
    @pytest.mark.parametrize("power", [Power.OFF, Power.RUNNING, Power.PAUSED])
    def test_on_and_off_again(self, bench: Bench, power: Power) -> None:
        bench.needs(*NEEDS.get(power, ()))
        spec, disk = in_power(bench, power), a_disk(bench)

        for _ in range(2):
            bench.host.ensure_attached(spec.id, disk)
        assert placeless(seen(bench.host, spec.id).disks) == (*spec.disks, disk)

        for _ in range(2):
            bench.host.ensure_detached(spec.id, disk.id)
        assert placeless(seen(bench.host, spec.id).disks) == spec.disks
        assert disk in placeless(bench.host.disks())

    def test_a_saved_guest_keeps_what_it_has(self, bench: Bench) -> None:
        bench.needs(*NEEDS[Power.SAVED])
        (spec, disk), late = with_data_disk(bench, Power.SAVED), a_disk(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_attached(spec.id, late)
        with pytest.raises(Rejected):
            bench.host.ensure_detached(spec.id, disk.id)

        assert placeless(seen(bench.host, spec.id).disks) == (*spec.disks, disk)

    def test_a_disk_is_one_guests_and_what_it_is_said_to_be(self, bench: Bench) -> None:
        (_, disk), other, orphan = with_data_disk(bench), defined(bench), a_disk(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_attached(other.id, disk)
        with pytest.raises(Rejected):
            bench.host.ensure_attached(other.id, replace(orphan, size_gb=9))
        with pytest.raises(Missing):
            bench.host.ensure_attached(other.id, DiskSpec(uuid4(), None, 5))
        with pytest.raises(Missing):
            bench.host.ensure_attached(uuid4(), orphan)

        assert placeless(seen(bench.host, other.id).disks) == other.disks

    def test_half_a_disk_is_busy(self, bench: Bench) -> None:
        spec, disk = defined(bench), DiskSpec(uuid4(), bench.image, 5)
        bench.hang("ensure_disk")
        bench.host.ensure_disk(disk)

        with pytest.raises(Busy):
            bench.host.ensure_attached(spec.id, disk)

    def test_the_first_disk_stays(self, bench: Bench) -> None:
        spec, _ = with_data_disk(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_detached(spec.id, spec.disks[0].id)

    def test_a_disk_with_checkpoints_stays(self, bench: Bench) -> None:
        spec, disk = with_data_disk(bench)
        checkpoint = checkpointed(bench, spec.id)

        with pytest.raises(Rejected):
            bench.host.ensure_detached(spec.id, disk.id)
        finish(lambda: bench.host.ensure_checkpoint_removed(spec.id, checkpoint))
        bench.host.ensure_detached(spec.id, disk.id)

    def test_what_is_not_the_guests_is_detached_already(self, bench: Bench) -> None:
        (spec, disk), other = with_data_disk(bench), defined(bench)

        bench.host.ensure_detached(other.id, disk.id)
        bench.host.ensure_detached(other.id, uuid4())
        bench.host.ensure_detached(uuid4(), uuid4())

        assert placeless(seen(bench.host, spec.id).disks) == (*spec.disks, disk)


class TestImages:
    def test_a_disk_can_be_made_of_it_on_any_host(self, bench: Bench) -> None:
        spec = defined(bench)
        for _ in range(2):
            finish(lambda: bench.host.ensure_image(spec.disks[0].id, bench.stored_image))
        assert bench.host.images() == bench.other.images() == (bench.stored_image,)

        copy = DiskSpec(uuid4(), bench.stored_image, 25)
        finish(lambda: bench.other.ensure_disk(copy))

        assert placeless(bench.other.disks()) == (copy,)

    def test_it_outlives_its_disk_and_is_still_done(self, bench: Bench) -> None:
        spec = defined(bench)
        finish(lambda: bench.host.ensure_image(spec.disks[0].id, bench.stored_image))
        finish(lambda: bench.host.ensure_removed(spec.id))

        assert bench.host.ensure_image(spec.disks[0].id, bench.stored_image).done
        assert bench.host.images() == (bench.stored_image,)

    def test_one_nobody_made_is_missing(self, bench: Bench) -> None:
        with pytest.raises(Missing):
            bench.host.ensure_disk(DiskSpec(uuid4(), bench.stored_image, 20))

    def test_a_disk_is_not_smaller_than_its_image(self, bench: Bench) -> None:
        disk = a_disk(bench, 5)
        finish(lambda: bench.host.ensure_image(disk.id, bench.stored_image))

        with pytest.raises(Rejected):
            bench.host.ensure_disk(DiskSpec(uuid4(), bench.stored_image, 4))

    def test_it_takes_no_room_of_the_host(self, bench: Bench) -> None:
        disk = a_disk(bench, 60, "fast")
        finish(lambda: bench.host.ensure_image(disk.id, bench.stored_image))

        a_disk(bench, 40, "fast")

    def test_its_guest_must_be_off(self, bench: Bench) -> None:
        spec = running(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_image(spec.disks[0].id, bench.stored_image)

        assert bench.host.images() == ()

    def test_a_name_is_of_one_disk(self, bench: Bench) -> None:
        first, second = a_disk(bench), a_disk(bench)
        finish(lambda: bench.host.ensure_image(first.id, bench.stored_image))

        with pytest.raises(Rejected):
            bench.host.ensure_image(second.id, bench.stored_image)
        with pytest.raises(Missing):
            bench.host.ensure_image(uuid4(), "store:other")

    def test_half_an_image_is_no_image(self, bench: Bench) -> None:
        spec = defined(bench)
        bench.hang("ensure_image")
        bench.host.ensure_image(spec.disks[0].id, bench.stored_image)

        assert bench.host.images() == ()
        for ask in (
            lambda: bench.host.ensure_disk(DiskSpec(uuid4(), bench.stored_image, 20)),
            lambda: bench.host.ensure_power(spec.id, Power.RUNNING),
            lambda: bench.host.ensure_disk_size(spec.disks[0].id, 30),
        ):
            with pytest.raises(Busy):
                ask()
        bench.go_on()
        finish(lambda: bench.host.ensure_image(spec.disks[0].id, bench.stored_image))
        assert bench.host.images() == (bench.stored_image,)

    def test_removed_with_its_guest_half_way_the_name_is_free(self, bench: Bench) -> None:
        spec, disk = defined(bench), a_disk(bench)
        bench.hang("ensure_image")
        bench.host.ensure_image(spec.disks[0].id, bench.stored_image)
        finish(lambda: bench.host.ensure_removed(spec.id))

        finish(lambda: bench.host.ensure_image(disk.id, bench.stored_image))

    def test_removed_it_is_gone_and_its_copies_stay(self, bench: Bench) -> None:
        disk, copy = a_disk(bench), DiskSpec(uuid4(), bench.stored_image, 5)
        finish(lambda: bench.host.ensure_image(disk.id, bench.stored_image))
        finish(lambda: bench.host.ensure_disk(copy))

        for _ in range(2):
            bench.host.ensure_image_removed(bench.stored_image)

        assert bench.host.images() == ()
        assert bench.host.ensure_disk(copy).done
        with pytest.raises(Missing):
            bench.host.ensure_disk(replace(copy, id=uuid4()))
