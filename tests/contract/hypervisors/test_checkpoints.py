"""Checkpoints: a tree of what a guest has been, and going back in it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from fabric.hypervisors.base import Capability, DiskSpec, Power
from fabric.hypervisors.errors import Busy, Missing, Rejected
from tests.contract.hypervisors.benches import (
    NEEDS,
    Bench,
    a_disk,
    checkpoint_of,
    checkpointed,
    defined,
    finish,
    in_power,
    placeless,
    running,
    seen,
    with_data_disk,
)


@pytest.fixture(autouse=True)
def _offered(bench: Bench) -> None:
    bench.needs(Capability.CHECKPOINTS)


class TestMaking:
    @pytest.mark.parametrize("power", [Power.OFF, Power.RUNNING, Power.PAUSED, Power.SAVED])
    def test_it_tells_what_the_guest_was(self, bench: Bench, power: Power) -> None:
        bench.needs(*NEEDS.get(power, ()))
        spec, id = in_power(bench, power), uuid4()

        for _ in range(2):
            finish(lambda: bench.host.ensure_checkpoint(spec.id, id, "before"))

        (made,) = bench.host.checkpoints(spec.id)
        assert (made.id, made.name, made.parent, made.power) == (id, "before", None, power)
        assert (made.cores, made.memory_mb, made.is_current) == (2, 1024, True)
        assert seen(bench.host, spec.id).power is power

    def test_each_grows_from_the_one_before(self, bench: Bench) -> None:
        spec = defined(bench)
        first, second = checkpointed(bench, spec.id), checkpointed(bench, spec.id, "after")

        made = [(c.id, c.parent, c.is_current) for c in bench.host.checkpoints(spec.id)]

        assert made == [(first, None, False), (second, first, True)]

    def test_asked_again_late_it_is_neither_doubled_nor_current(self, bench: Bench) -> None:
        spec = defined(bench)
        first, second = checkpointed(bench, spec.id), checkpointed(bench, spec.id)

        assert bench.host.ensure_checkpoint(spec.id, first, "before").done

        assert [c.id for c in bench.host.checkpoints(spec.id) if c.is_current] == [second]
        assert len(bench.host.checkpoints(spec.id)) == 2

    def test_no_guest_no_checkpoints(self, bench: Bench) -> None:
        with pytest.raises(Missing):
            bench.host.checkpoints(uuid4())
        with pytest.raises(Missing):
            bench.host.ensure_checkpoint(uuid4(), uuid4(), "before")
        assert bench.host.checkpoints(defined(bench).id) == ()

    def test_meanwhile_the_guest_does_not_change(self, bench: Bench) -> None:
        spec, disk = running(bench), a_disk(bench)
        bench.hang("ensure_checkpoint")
        id = uuid4()
        assert not bench.host.ensure_checkpoint(spec.id, id, "before").done

        for change in (
            lambda: bench.host.ensure_power(spec.id, Power.OFF),
            lambda: bench.host.ensure_resized(spec.id, 1, 512),
            lambda: bench.host.ensure_attached(spec.id, disk),
            lambda: bench.host.ensure_disk_size(spec.disks[0].id, 30),
            lambda: bench.host.ensure_checkpoint(spec.id, uuid4(), "another"),
        ):
            with pytest.raises(Busy):
                change()
        assert bench.host.checkpoints(spec.id) == ()
        bench.go_on()
        finish(lambda: bench.host.ensure_checkpoint(spec.id, id, "before"))

    def test_cutting_the_guest_off_gives_it_up(self, bench: Bench) -> None:
        spec = running(bench)
        bench.hang("ensure_checkpoint")
        bench.host.ensure_checkpoint(spec.id, uuid4(), "before")

        finish(lambda: bench.host.ensure_power(spec.id, Power.OFF, hard=True))
        bench.go_on()

        assert bench.host.checkpoints(spec.id) == ()


class TestRestoring:
    @pytest.mark.parametrize(
        ("was", "becomes"), [(Power.OFF, Power.OFF), (Power.RUNNING, Power.SAVED)]
    )
    @pytest.mark.parametrize("now", [Power.OFF, Power.RUNNING, Power.PAUSED, Power.SAVED])
    def test_the_guest_is_what_it_was(
        self, bench: Bench, was: Power, becomes: Power, now: Power
    ) -> None:
        bench.needs(*NEEDS.get(now, ()))
        spec = in_power(bench, was)
        id = checkpointed(bench, spec.id)
        finish(lambda: bench.host.ensure_power(spec.id, Power.OFF, hard=True))
        bench.host.ensure_resized(spec.id, 1, 512)
        finish(lambda: bench.host.ensure_disk_size(spec.disks[0].id, 30))
        if now is not Power.OFF:
            finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING))
            finish(lambda: bench.host.ensure_power(spec.id, now))

        for _ in range(2):
            finish(lambda: bench.host.ensure_restored(spec.id, id))

        state = seen(bench.host, spec.id)
        assert (state.power, state.cores, state.memory_mb) == (becomes, 2, 1024)
        assert placeless(state.disks) == spec.disks

    def test_a_disk_that_came_later_is_left_as_an_orphan(self, bench: Bench) -> None:
        spec, late = defined(bench), a_disk(bench)
        id = checkpointed(bench, spec.id)
        bench.host.ensure_attached(spec.id, late)

        finish(lambda: bench.host.ensure_restored(spec.id, id))

        assert placeless(seen(bench.host, spec.id).disks) == spec.disks
        assert late in placeless(bench.host.disks())

    def test_having_run_since_it_is_restored_anew(self, bench: Bench) -> None:
        spec = running(bench)
        id = checkpointed(bench, spec.id)
        for _ in range(2):
            finish(lambda: bench.host.ensure_restored(spec.id, id))
            assert seen(bench.host, spec.id).power is Power.SAVED
            finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING))

        finish(lambda: bench.host.ensure_power(spec.id, Power.OFF, hard=True))
        finish(lambda: bench.host.ensure_restored(spec.id, id))
        assert seen(bench.host, spec.id).power is Power.SAVED

    def test_what_is_made_next_branches_off(self, bench: Bench) -> None:
        spec = defined(bench)
        first, second = checkpointed(bench, spec.id), checkpointed(bench, spec.id)
        finish(lambda: bench.host.ensure_restored(spec.id, first))
        assert checkpoint_of(bench.host, spec.id, first).is_current

        third = checkpointed(bench, spec.id)

        parents = {c.id: c.parent for c in bench.host.checkpoints(spec.id)}
        assert parents == {first: None, second: first, third: first}

    def test_one_that_is_not_there(self, bench: Bench) -> None:
        spec, other = defined(bench), defined(bench)
        of_other = checkpointed(bench, other.id)

        for guest_id, id in ((spec.id, uuid4()), (spec.id, of_other), (uuid4(), of_other)):
            with pytest.raises(Missing):
                bench.host.ensure_restored(guest_id, id)


class TestRemoving:
    def test_its_children_become_its_parents(self, bench: Bench) -> None:
        spec = defined(bench)
        first, second, third = (checkpointed(bench, spec.id) for _ in range(3))

        for _ in range(2):
            finish(lambda: bench.host.ensure_checkpoint_removed(spec.id, second))

        made = [(c.id, c.parent, c.is_current) for c in bench.host.checkpoints(spec.id)]
        assert made == [(first, None, False), (third, first, True)]

    def test_the_place_of_the_current_one_falls_to_its_parent(self, bench: Bench) -> None:
        spec = defined(bench)
        first, second = checkpointed(bench, spec.id), checkpointed(bench, spec.id)

        finish(lambda: bench.host.ensure_checkpoint_removed(spec.id, second))
        assert checkpoint_of(bench.host, spec.id, first).is_current
        finish(lambda: bench.host.ensure_checkpoint_removed(spec.id, first))

        assert bench.host.checkpoints(spec.id) == ()
        assert checkpoint_of(bench.host, spec.id, checkpointed(bench, spec.id)).parent is None

    def test_the_guest_stays_as_it_is(self, bench: Bench) -> None:
        spec, _ = with_data_disk(bench, Power.RUNNING)
        id = checkpointed(bench, spec.id)
        bench.host.ensure_renamed(spec.id, "web-2")
        before = seen(bench.host, spec.id)

        finish(lambda: bench.host.ensure_checkpoint_removed(spec.id, id))

        assert seen(bench.host, spec.id) == before

    def test_none_is_removed_already(self, bench: Bench) -> None:
        assert bench.host.ensure_checkpoint_removed(defined(bench).id, uuid4()).done
        assert bench.host.ensure_checkpoint_removed(uuid4(), uuid4()).done

    def test_they_go_with_the_guest(self, bench: Bench) -> None:
        spec = defined(bench)
        checkpointed(bench, spec.id)
        finish(lambda: bench.host.ensure_removed(spec.id))

        defined(bench, spec)

        assert bench.host.checkpoints(spec.id) == ()


class TestImages:
    @pytest.mark.parametrize("power", [Power.OFF, Power.RUNNING])
    def test_a_disk_is_made_of_what_it_was_then(self, bench: Bench, power: Power) -> None:
        spec = in_power(bench, power)
        disk, id = spec.disks[0], checkpointed(bench, spec.id)
        for _ in range(2):
            finish(
                lambda: bench.host.ensure_checkpoint_image(spec.id, id, disk.id, bench.stored_image)
            )
        assert bench.host.images() == (bench.stored_image,)
        assert seen(bench.host, spec.id).power is power

        copy = DiskSpec(uuid4(), bench.stored_image, disk.size_gb)
        finish(lambda: bench.other.ensure_disk(copy))
        bench.host.ensure_image_removed(bench.stored_image)
        assert bench.host.images() == ()

    def test_what_was_not_there_then_is_missing(self, bench: Bench) -> None:
        spec = defined(bench)
        disk, id = spec.disks[0], checkpointed(bench, spec.id)
        later = a_disk(bench)
        bench.host.ensure_attached(spec.id, later)
        for checkpoint, of in ((uuid4(), disk.id), (id, later.id)):
            with pytest.raises(Missing):
                bench.host.ensure_checkpoint_image(spec.id, checkpoint, of, bench.stored_image)

    def test_its_checkpoint_stays_while_it_is_made(self, bench: Bench) -> None:
        spec = defined(bench)
        disk, id = spec.disks[0], checkpointed(bench, spec.id)
        bench.hang("ensure_checkpoint_image")
        bench.host.ensure_checkpoint_image(spec.id, id, disk.id, bench.stored_image)

        assert bench.host.images() == ()
        with pytest.raises(Busy):
            bench.host.ensure_checkpoint_removed(spec.id, id)
        bench.go_on()
        finish(lambda: bench.host.ensure_checkpoint_image(spec.id, id, disk.id, bench.stored_image))
        finish(lambda: bench.host.ensure_checkpoint_removed(spec.id, id))
        assert bench.host.images() == (bench.stored_image,)

    def test_a_name_is_of_one_disk(self, bench: Bench) -> None:
        spec, other = defined(bench), a_disk(bench)
        id = checkpointed(bench, spec.id)
        finish(lambda: bench.host.ensure_image(other.id, bench.stored_image))

        with pytest.raises(Rejected):
            bench.host.ensure_checkpoint_image(spec.id, id, spec.disks[0].id, bench.stored_image)
