"""Questions, repeating, and what a guest is made of: what fabric/hypervisors/base.py promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from fabric.hypervisors.base import Capability, DiskSpec, GuestSetup, Hypervisor, Power
from fabric.hypervisors.errors import Full, Missing, Rejected, Unreachable
from tests.contract.hypervisors.benches import (
    NEEDS,
    Bench,
    a_spec,
    adapter,
    defined,
    finish,
    in_power,
    placeless,
    running,
    seen,
)


class TestQuestions:
    def test_a_host_tells_its_size_and_make(self, host: Hypervisor) -> None:
        facts = host.facts()

        assert facts.cores > 0
        assert facts.memory_mb > 0
        assert facts.storage_gb > 0
        assert facts.hypervisor

    def test_capabilities_are_of_the_known_ones(self, host: Hypervisor) -> None:
        assert host.capabilities <= frozenset(Capability)

    def test_a_guest_nobody_defined_is_none(self, host: Hypervisor) -> None:
        assert host.guest(uuid4()) is None

    def test_a_defined_guest_is_what_was_asked_for(self, bench: Bench) -> None:
        spec = defined(bench)

        state = seen(bench.host, spec.id)

        assert (state.name, state.cores, state.memory_mb) == ("web-1", 2, 1024)
        assert (placeless(state.disks), state.adapters) == (spec.disks, spec.adapters)
        assert (state.power, state.addresses, state.os_ready) == (Power.OFF, (), False)
        assert state in bench.host.guests()

    def test_orphan_disks_are_listed_too(self, bench: Bench) -> None:
        orphan = DiskSpec(uuid4(), None, 3)
        finish(lambda: bench.host.ensure_disk(orphan))

        assert orphan in placeless(bench.host.disks())


class TestRepeating:
    def test_every_verb_twice_is_as_good_as_once(self, bench: Bench) -> None:
        host, spec = bench.host, a_spec(bench)
        for _ in range(2):
            finish(lambda: host.ensure_disk(spec.disks[0]))
        assert host.ensure_defined(spec) == host.ensure_defined(spec)
        for _ in range(2):
            host.ensure_adapter(spec.id, spec.adapters[0])
        for _ in range(2):
            host.ensure_resized(spec.id, 1, 512)
        for _ in range(2):
            finish(lambda: host.ensure_power(spec.id, Power.RUNNING), bench.patience)
        for _ in range(2):
            finish(lambda: host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", "Pa55!")))

        (state,) = host.guests()
        assert (state.power, state.os_ready) == (Power.RUNNING, True)
        assert (state.cores, state.memory_mb) == (1, 512)
        assert (placeless(state.disks), state.adapters) == (spec.disks, spec.adapters)
        assert placeless(host.disks()) == spec.disks

    def test_the_early_steps_may_be_repeated_late(self, bench: Bench) -> None:
        """A job that lost its place starts over against a guest that is long running."""
        spec = running(bench)
        before = seen(bench.host, spec.id)

        finish(lambda: bench.host.ensure_disk(spec.disks[0]))
        bench.host.ensure_defined(spec)
        bench.host.ensure_adapter(spec.id, spec.adapters[0])

        assert seen(bench.host, spec.id) == before

    def test_a_resized_guest_is_adopted_under_its_old_and_its_new_spec(self, bench: Bench) -> None:
        spec = defined(bench)
        first = bench.host.ensure_defined(spec)
        bench.host.ensure_resized(spec.id, 4, 2048)

        assert bench.host.ensure_defined(spec) == first
        assert bench.host.ensure_defined(replace(spec, cores=4, memory_mb=2048)) == first
        assert seen(bench.host, spec.id).cores == 4

    @pytest.mark.parametrize(
        "verb", ["ensure_disk", "ensure_defined", "ensure_adapter", "ensure_power"]
    )
    def test_a_lost_reply_is_found_not_repeated(self, bench: Bench, verb: str) -> None:
        host, spec = bench.host, a_spec(bench)
        late = adapter(network="green")
        steps: dict[str, Callable[[], object]] = {
            "ensure_disk": lambda: finish(lambda: host.ensure_disk(spec.disks[0])),
            "ensure_defined": lambda: host.ensure_defined(spec),
            "ensure_adapter": lambda: host.ensure_adapter(spec.id, late),
            "ensure_power": lambda: finish(lambda: host.ensure_power(spec.id, Power.RUNNING)),
        }
        bench.lose_reply(verb)

        for name, step in steps.items():
            if name == verb:
                with pytest.raises(Unreachable):
                    step()
            step()

        (state,) = host.guests()
        assert state.power is Power.RUNNING
        assert state.adapters == (*spec.adapters, late)
        assert placeless(host.disks()) == spec.disks


class TestDisksAndGuests:
    def test_another_spec_under_the_same_id_is_rejected(self, bench: Bench) -> None:
        spec = defined(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_defined(replace(spec, name="db-1"))
        with pytest.raises(Rejected):
            bench.host.ensure_disk(replace(spec.disks[0], size_gb=21))

        assert seen(bench.host, spec.id).name == "web-1"

    def test_a_guest_needs_its_disks(self, bench: Bench) -> None:
        spec = a_spec(bench)

        with pytest.raises(Missing):
            bench.host.ensure_defined(spec)

        assert bench.host.guest(spec.id) is None

    def test_a_disk_belongs_to_one_guest(self, bench: Bench) -> None:
        spec = defined(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_defined(replace(spec, id=uuid4(), adapters=()))

    def test_two_guests_never_share_a_mac(self, bench: Bench) -> None:
        first = defined(bench)
        taken = replace(first.adapters[0], id=uuid4(), mac=first.adapters[0].mac.upper())
        second = defined(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_adapter(second.id, taken)
        third = a_spec(bench, taken)
        with pytest.raises(Rejected):
            defined(bench, third)

        assert bench.host.guest(third.id) is None

    def test_an_adapter_follows_its_spec_but_keeps_its_mac(self, bench: Bench) -> None:
        spec = defined(bench)
        moved = replace(spec.adapters[0], addresses=("10.0.0.9", "2001:db8::9"), vlan=7)

        bench.host.ensure_adapter(spec.id, moved)

        assert seen(bench.host, spec.id).adapters == (moved,)
        with pytest.raises(Rejected):
            bench.host.ensure_adapter(spec.id, replace(moved, mac="02:aa:bb:cc:dd:ee"))

    def test_without_live_resize_only_a_guest_that_is_off_is_resized(self, bench: Bench) -> None:
        if Capability.LIVE_RESIZE in bench.host.capabilities:
            pytest.skip("the driver resizes running guests")
        spec = running(bench)

        bench.host.ensure_resized(spec.id, spec.cores, spec.memory_mb)
        with pytest.raises(Rejected):
            bench.host.ensure_resized(spec.id, 4, 2048)

        assert seen(bench.host, spec.id).memory_mb == 1024

    def test_a_running_guest_is_resized_as_far_as_there_is_room(self, bench: Bench) -> None:
        bench.needs(Capability.LIVE_RESIZE)
        spec, memory_mb = running(bench), bench.host.facts().memory_mb

        for _ in range(2):
            bench.host.ensure_resized(spec.id, 4, memory_mb)
        assert (seen(bench.host, spec.id).cores, seen(bench.host, spec.id).power) == (
            *(4, Power.RUNNING),
        )
        with pytest.raises(Full) as caught:
            bench.host.ensure_resized(spec.id, 4, memory_mb + 1)
        assert caught.value.resource == "memory"

        late = defined(bench)
        with pytest.raises(Full):
            bench.host.ensure_power(late.id, Power.RUNNING)
        bench.host.ensure_resized(spec.id, 4, memory_mb - late.memory_mb)
        finish(lambda: bench.host.ensure_power(late.id, Power.RUNNING))

    @pytest.mark.parametrize("power", [Power.PAUSED, Power.SAVED])
    def test_a_guest_between_off_and_running_keeps_its_size(
        self, bench: Bench, power: Power
    ) -> None:
        bench.needs(*NEEDS[power])
        spec = in_power(bench, power)

        with pytest.raises(Rejected):
            bench.host.ensure_resized(spec.id, 1, 512)

    @pytest.mark.parametrize("power", [Power.OFF, Power.RUNNING, Power.PAUSED, Power.SAVED])
    def test_name_drive_and_adapters_change_at_any_power(self, bench: Bench, power: Power) -> None:
        bench.needs(*NEEDS.get(power, ()))
        spec = in_power(bench, power)
        late = adapter(network="green")

        for _ in range(2):
            bench.host.ensure_renamed(spec.id, "db-1")
            bench.host.ensure_media(spec.id, "tools.iso")
            bench.host.ensure_adapter(spec.id, late)
            bench.host.ensure_adapter_removed(spec.id, spec.adapters[0].id)

        state = seen(bench.host, spec.id)
        assert (state.name, state.media, state.adapters) == ("db-1", "tools.iso", (late,))
        assert state.power is power
        bench.host.ensure_media(spec.id, "")
        assert seen(bench.host, spec.id).media == ""

    def test_a_renamed_guest_is_adopted_under_its_old_and_its_new_name(self, bench: Bench) -> None:
        spec = defined(bench)
        first = bench.host.ensure_defined(spec)
        bench.host.ensure_renamed(spec.id, "db-1")

        assert bench.host.ensure_defined(spec) == first
        assert bench.host.ensure_defined(replace(spec, name="db-1")) == first
        assert seen(bench.host, spec.id).name == "db-1"

    def test_a_removed_adapter_frees_its_mac_and_only_its_own_guest_loses_it(
        self, bench: Bench
    ) -> None:
        spec, other = defined(bench), defined(bench)
        bench.host.ensure_adapter_removed(other.id, spec.adapters[0].id)
        assert seen(bench.host, spec.id).adapters == spec.adapters

        bench.host.ensure_adapter_removed(spec.id, spec.adapters[0].id)
        again = replace(spec.adapters[0], id=uuid4())
        bench.host.ensure_adapter(other.id, again)

        assert seen(bench.host, other.id).adapters == (*other.adapters, again)
        bench.host.ensure_adapter_removed(uuid4(), uuid4())

    @pytest.mark.parametrize(
        "verb",
        [
            lambda host, id: host.ensure_adapter(id, adapter()),
            lambda host, id: host.ensure_power(id, Power.RUNNING),
            lambda host, id: host.ensure_guest_setup(id, GuestSetup("web1", "alice", "Pa55!")),
            lambda host, id: host.ensure_resized(id, 1, 512),
            lambda host, id: host.ensure_renamed(id, "db-1"),
            lambda host, id: host.ensure_media(id, "tools.iso"),
        ],
        ids=["adapter", "power", "setup", "resize", "name", "media"],
    )
    def test_verbs_on_a_guest_that_is_not_there(
        self, host: Hypervisor, verb: Callable[[Hypervisor, UUID], object]
    ) -> None:
        with pytest.raises(Missing) as caught:
            verb(host, uuid4())

        assert caught.value.permanent
        assert caught.value.retry_after is None


class TestRemoval:
    @pytest.mark.parametrize("power", [Power.OFF, Power.RUNNING, Power.PAUSED, Power.SAVED])
    def test_nothing_is_left(self, bench: Bench, power: Power) -> None:
        bench.needs(*NEEDS.get(power, ()))
        spec = in_power(bench, power)

        finish(lambda: bench.host.ensure_removed(spec.id), bench.patience)

        assert bench.host.guest(spec.id) is None
        assert bench.host.guests() == ()
        assert bench.host.disks() == ()
        assert bench.host.counters([spec.id]) == ()
        assert bench.host.ensure_removed(spec.id).done

    def test_what_never_existed_is_removed_already(self, host: Hypervisor) -> None:
        assert host.ensure_removed(uuid4()).done
        host.ensure_disk_removed(uuid4())

    def test_the_ids_and_the_mac_are_free_again(self, bench: Bench) -> None:
        spec = running(bench)
        finish(lambda: bench.host.ensure_removed(spec.id), bench.patience)

        defined(bench, spec)

        assert seen(bench.host, spec.id).power is Power.OFF

    def test_other_guests_are_left_alone(self, bench: Bench) -> None:
        stays, goes = running(bench), running(bench)

        finish(lambda: bench.host.ensure_removed(goes.id), bench.patience)

        assert [state.id for state in bench.host.guests()] == [stays.id]
        assert placeless(bench.host.disks()) == stays.disks

    def test_orphan_disks_go_but_a_guests_disk_stays(self, bench: Bench) -> None:
        spec, orphan = defined(bench), DiskSpec(uuid4(), None, 5)
        bench.host.ensure_disk(orphan)

        for _ in range(2):
            bench.host.ensure_disk_removed(orphan.id)
        with pytest.raises(Rejected):
            bench.host.ensure_disk_removed(spec.disks[0].id)

        assert placeless(bench.host.disks()) == spec.disks
