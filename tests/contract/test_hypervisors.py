"""One suite over every hypervisor driver: what fabric/hypervisors/base.py promises.

A driver joins by adding a function that yields a fresh Bench to BENCHES.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest

from fabric.hypervisors.base import (
    AdapterSpec,
    Capability,
    Counters,
    DiskSpec,
    GuestSpec,
    GuestState,
    HostFacts,
    Hypervisor,
    LoadHistory,
    Outcome,
    Power,
)
from fabric.hypervisors.errors import DriverFault, Missing, Rejected, Unreachable
from fabric.hypervisors.simulated import add_host, open_host, plan_fault


@dataclass
class Bench:
    """A driver to try, with what the suite must know about its surroundings."""

    host: Hypervisor
    image: str
    patience: float
    lose_reply: Callable[[str], None]
    """Let the next reply of this verb be lost, or skip the test where that cannot be arranged."""


def simulated(tmp_path: Path, scale: float) -> Bench:
    rack = tmp_path / "rack.sqlite"
    add_host(rack, HostFacts("host1", 8, 16_384, 500, "simulated", "1.0"))
    return Bench(
        host=open_host(rack, "host1", scale=scale),
        image="debian-12",
        patience=10,
        lose_reply=lambda verb: plan_fault(rack, "host1", verb, "lose_reply"),
    )


BENCHES = {
    "simulated": lambda tmp_path: simulated(tmp_path, 0),
    # Quick, but pending at least once at every long verb.
    "simulated-slow": lambda tmp_path: simulated(tmp_path, 0.002),
}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return BENCHES[request.param](tmp_path)


@pytest.fixture
def host(bench: Bench) -> Hypervisor:
    return bench.host


def finish(ask: Callable[[], Outcome], patience: float = 10) -> Outcome:
    """Ask until done, as a job does."""
    end = time.monotonic() + patience
    while not (outcome := ask()).done:
        assert time.monotonic() < end, "never done"
        assert outcome.percent < 100
        assert outcome.retry_in is not None
        assert outcome.retry_in >= 0.05
        time.sleep(0.002)
    assert (outcome.percent, outcome.retry_in) == (100, None)
    return outcome


def adapter(*, address: str | None = "10.0.0.5", network: str = "blue") -> AdapterSpec:
    tail = uuid4().hex[:6]
    mac = f"02:00:00:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"
    return AdapterSpec(uuid4(), mac, network, vlan=None, address=address)


def a_spec(bench: Bench, *adapters: AdapterSpec) -> GuestSpec:
    disk = DiskSpec(uuid4(), bench.image, 20)
    return GuestSpec(uuid4(), "web-1", 2, 1024, (disk,), adapters or (adapter(),))


def defined(bench: Bench, spec: GuestSpec | None = None) -> GuestSpec:
    spec = spec or a_spec(bench)
    for disk in spec.disks:
        finish(partial(bench.host.ensure_disk, disk))
    bench.host.ensure_defined(spec)
    return spec


def running(bench: Bench) -> GuestSpec:
    spec = defined(bench)
    finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING), bench.patience)
    return spec


def in_power(bench: Bench, power: Power) -> GuestSpec:
    """A guest brought to this power by the road that exists for it."""
    spec = defined(bench)
    if power is not Power.OFF:
        finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING), bench.patience)
        finish(lambda: bench.host.ensure_power(spec.id, power), bench.patience)
    return spec


def placeless(disks: Iterable[DiskSpec]) -> tuple[DiskSpec, ...]:
    """Disks as they were asked for, when the place was left to the host."""
    return tuple(replace(disk, volume="") for disk in disks)


def seen(host: Hypervisor, guest_id: UUID) -> GuestState:
    state = host.guest(guest_id)
    assert state is not None
    return state


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
            finish(lambda: host.ensure_guest_setup(spec.id, "web1", "alice", "Pa55!"))

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
        late = adapter(address=None, network="green")
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
        moved = replace(spec.adapters[0], address="10.0.0.9", vlan=7)

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

    @pytest.mark.parametrize(
        "verb",
        [
            lambda host, id: host.ensure_adapter(id, adapter()),
            lambda host, id: host.ensure_power(id, Power.RUNNING),
            lambda host, id: host.ensure_guest_setup(id, "web1", "alice", "Pa55!"),
            lambda host, id: host.ensure_resized(id, 1, 512),
        ],
        ids=["adapter", "power", "setup", "resize"],
    )
    def test_verbs_on_a_guest_that_is_not_there(
        self, host: Hypervisor, verb: Callable[[Hypervisor, UUID], object]
    ) -> None:
        with pytest.raises(Missing) as caught:
            verb(host, uuid4())

        assert caught.value.permanent
        assert caught.value.retry_after is None


YES, NO = True, False
POWER_TABLE = [
    (Power.OFF, Power.RUNNING, False, YES),
    (Power.OFF, Power.OFF, False, YES),
    (Power.OFF, Power.OFF, True, YES),
    (Power.OFF, Power.PAUSED, False, NO),
    (Power.OFF, Power.SAVED, False, NO),
    (Power.RUNNING, Power.RUNNING, False, YES),
    (Power.RUNNING, Power.PAUSED, False, YES),
    (Power.RUNNING, Power.SAVED, False, YES),
    (Power.RUNNING, Power.OFF, False, YES),
    (Power.RUNNING, Power.OFF, True, YES),
    (Power.PAUSED, Power.RUNNING, False, YES),
    (Power.PAUSED, Power.PAUSED, False, YES),
    (Power.PAUSED, Power.SAVED, False, YES),
    (Power.PAUSED, Power.OFF, False, NO),
    (Power.PAUSED, Power.OFF, True, YES),
    (Power.SAVED, Power.RUNNING, False, YES),
    (Power.SAVED, Power.PAUSED, False, NO),
    (Power.SAVED, Power.SAVED, False, YES),
    (Power.SAVED, Power.OFF, False, NO),
    (Power.SAVED, Power.OFF, True, YES),
]
NEEDS = {Power.PAUSED: Capability.PAUSE, Power.SAVED: Capability.SAVE}


class TestPower:
    @pytest.mark.parametrize(("start", "target", "hard", "allowed"), POWER_TABLE)
    def test_the_table(
        self, bench: Bench, start: Power, target: Power, hard: bool, allowed: bool
    ) -> None:
        for power in (start, target):
            if power in NEEDS and NEEDS[power] not in bench.host.capabilities:
                pytest.skip(f"the driver does not offer {NEEDS[power]}")
        spec = in_power(bench, start)

        def ask() -> Outcome:
            return bench.host.ensure_power(spec.id, target, hard=hard)

        if allowed:
            finish(ask, bench.patience)
        else:
            with pytest.raises(Rejected):
                ask()

        assert seen(bench.host, spec.id).power is (target if allowed else start)

    @pytest.mark.parametrize("passing", [Power.STARTING, Power.STOPPING])
    def test_passing_states_cannot_be_asked_for(self, bench: Bench, passing: Power) -> None:
        spec = defined(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_power(spec.id, passing)

    def test_a_running_guest_reports_its_fixed_addresses(self, bench: Bench) -> None:
        spec = a_spec(bench, adapter(address="10.0.0.5"), adapter(network="green", address=None))
        defined(bench, spec)
        assert seen(bench.host, spec.id).addresses == ()

        finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING), bench.patience)

        assert "10.0.0.5" in seen(bench.host, spec.id).addresses


class TestGuestSetup:
    def test_it_wants_a_running_guest(self, bench: Bench) -> None:
        spec = defined(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_guest_setup(spec.id, "web1", "alice", "Pa55!")

    def test_asked_again_it_is_done_even_when_off(self, bench: Bench) -> None:
        spec = running(bench)
        finish(lambda: bench.host.ensure_guest_setup(spec.id, "web1", "alice", "Pa55!"))
        finish(lambda: bench.host.ensure_power(spec.id, Power.OFF, hard=True))

        assert bench.host.ensure_guest_setup(spec.id, "web1", "alice", "Pa55!").done

    def test_no_fault_repeats_the_password(self, bench: Bench) -> None:
        spec = defined(bench)

        with pytest.raises(DriverFault) as caught:
            bench.host.ensure_guest_setup(spec.id, "web1", "alice", "Pa55-secret")

        assert "Pa55-secret" not in repr(caught.value)


class TestRemoval:
    @pytest.mark.parametrize("power", [Power.OFF, Power.RUNNING, Power.PAUSED, Power.SAVED])
    def test_nothing_is_left(self, bench: Bench, power: Power) -> None:
        if power in NEEDS and NEEDS[power] not in bench.host.capabilities:
            pytest.skip(f"the driver does not offer {NEEDS[power]}")
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


class TestCounters:
    def test_a_batch_leaves_out_strangers_and_counts_the_idle_as_zero(self, bench: Bench) -> None:
        busy, idle = running(bench), defined(bench)

        counted = {c.id: c for c in bench.host.counters([busy.id, idle.id, uuid4()])}

        assert set(counted) == {busy.id, idle.id}
        assert counted[idle.id] == Counters(idle.id, 0, 0, 0, 0)
        assert 0 <= counted[busy.id].cpu_percent <= 100
        assert 0 < counted[busy.id].memory_mb <= busy.memory_mb

    def test_without_ids_all_are_counted(self, bench: Bench) -> None:
        ids = {defined(bench).id, running(bench).id}

        assert {c.id for c in bench.host.counters()} == ids
        assert bench.host.counters([]) == ()

    def test_history_is_zero_before_the_start(self, bench: Bench) -> None:
        if Capability.LOAD_HISTORY not in bench.host.capabilities:
            pytest.skip("the driver does not remember")
        spec = running(bench)
        history = cast(LoadHistory, bench.host)

        (before,) = history.counters_at([spec.id], datetime.now(UTC) - timedelta(hours=1))

        assert before == Counters(spec.id, 0, 0, 0, 0)
