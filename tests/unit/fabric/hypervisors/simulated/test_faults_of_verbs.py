"""Every fault strikes every verb that changes something, and leaves the truth it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from fabric.hypervisors.base import (
    AdapterSpec,
    DiskSpec,
    Done,
    GuestSetup,
    GuestSpec,
    HostFacts,
    Hypervisor,
    Power,
    VolumeFacts,
)
from fabric.hypervisors.errors import Rejected, Unreachable
from fabric.hypervisors.simulated import (
    SimulatedHost,
    add_host,
    clear_faults,
    open_host,
    plan_fault,
)
from fabric.hypervisors.simulated.faults import LONG_VERBS, QUESTIONS, SHORT_VERBS, VERBS


@dataclass
class World:
    """A host on which every verb has something to do."""

    host: SimulatedHost
    other: SimulatedHost
    guest: GuestSpec
    data: DiskSpec
    orphan: DiskSpec

    def everything(self) -> object:
        """All that can be seen from outside."""
        parts = [(host.guests(), host.disks(), host.images()) for host in (self.host, self.other)]
        holder = self.host if self.host.guest(self.guest.id) else self.other
        trees = holder.checkpoints(self.guest.id) if holder.guest(self.guest.id) else ()
        set_up = trees and holder.accepts_login(self.guest.id, "alice", "Pa55!")
        return parts, trees, set_up


OLD, NEW = uuid4(), uuid4()
FRESH = DiskSpec(uuid4(), "debian-12", 3)
STRANGER = GuestSpec(uuid4(), "web-2", 1, 64, (), ())
ADAPTER = AdapterSpec(uuid4(), "02:00:00:00:00:09", "green", None, ())
ASKS: dict[str, Callable[[World], object]] = {
    "ensure_disk": lambda w: w.host.ensure_disk(FRESH),
    "ensure_disk_size": lambda w: w.host.ensure_disk_size(w.data.id, 9),
    "ensure_disk_moved": lambda w: w.host.ensure_disk_moved(w.data.id, "slow"),
    "ensure_power": lambda w: w.host.ensure_power(w.guest.id, Power.PAUSED),
    "ensure_guest_setup": lambda w: w.host.ensure_guest_setup(
        w.guest.id, GuestSetup("w", "alice", "Pa55!")
    ),
    "ensure_checkpoint": lambda w: w.host.ensure_checkpoint(w.guest.id, NEW, "new"),
    "ensure_restored": lambda w: w.host.ensure_restored(w.guest.id, OLD),
    "ensure_checkpoint_removed": lambda w: w.host.ensure_checkpoint_removed(w.guest.id, OLD),
    "ensure_image": lambda w: w.host.ensure_image(w.orphan.id, "store:new"),
    "ensure_checkpoint_image": lambda w: w.host.ensure_checkpoint_image(
        w.guest.id, OLD, w.guest.disks[0].id, "store:then"
    ),
    "ensure_moved": lambda w: w.host.ensure_moved(w.guest.id, "host2", {}),
    "ensure_removed": lambda w: w.host.ensure_removed(w.guest.id),
    "ensure_defined": lambda w: w.host.ensure_defined(STRANGER),
    "ensure_adapter": lambda w: w.host.ensure_adapter(w.guest.id, ADAPTER),
    "ensure_adapter_removed": lambda w: w.host.ensure_adapter_removed(
        w.guest.id, w.guest.adapters[0].id
    ),
    "ensure_resized": lambda w: w.host.ensure_resized(w.guest.id, 2, 1024),
    "ensure_renamed": lambda w: w.host.ensure_renamed(w.guest.id, "db-1"),
    "ensure_attached": lambda w: w.host.ensure_attached(w.guest.id, w.orphan),
    "ensure_detached": lambda w: w.host.ensure_detached(w.guest.id, w.data.id),
    "ensure_media": lambda w: w.host.ensure_media(w.guest.id, "tools.iso"),
    "ensure_disk_removed": lambda w: w.host.ensure_disk_removed(w.orphan.id),
    "ensure_image_removed": lambda w: w.host.ensure_image_removed("store:old"),
}
EVERY = pytest.mark.parametrize("verb", ASKS)


@pytest.fixture
def world(rack: Path, prompt: SimulatedHost, a_guest: Callable[..., GuestSpec]) -> World:
    volumes = (VolumeFacts("data", 100), VolumeFacts("slow", 100))
    add_host(rack, HostFacts("host1", 4, 4096, 200, "simulated", "1.0", volumes))
    add_host(rack, HostFacts("host2", 4, 4096, 100, "simulated", "1.0"))
    guest = a_guest(power=Power.RUNNING)
    data, orphan = DiskSpec(uuid4(), None, 4), DiskSpec(uuid4(), None, 2)
    prompt.ensure_disk(data)
    prompt.ensure_disk(orphan)
    prompt.ensure_checkpoint(guest.id, OLD, "old")
    prompt.ensure_attached(guest.id, data)
    prompt.ensure_image(orphan.id, "store:old")
    return World(prompt, open_host(rack, "host2", scale=0), guest, data, orphan)


def test_the_verbs_are_those_of_the_contract() -> None:
    contract = {name for name in vars(Hypervisor) if not name.startswith("_")}

    assert contract - {"capabilities"} | {"counters_at"} == VERBS
    assert ASKS.keys() == LONG_VERBS | SHORT_VERBS
    assert not QUESTIONS & ASKS.keys()


@EVERY
@pytest.mark.parametrize(
    ("kind", "fault"), [("fail", Rejected), ("unreachable", Unreachable), ("vanish", Unreachable)]
)
def test_refused_before_anything_is_done(
    world: World, rack: Path, verb: str, kind: str, fault: type[Exception]
) -> None:
    before = world.everything()
    plan_fault(rack, "host1", verb, kind)

    with pytest.raises(fault):
        ASKS[verb](world)
    clear_faults(rack)

    assert world.everything() == before


@EVERY
def test_a_lie_changes_nothing(world: World, rack: Path, verb: str) -> None:
    before = world.everything()
    plan_fault(rack, "host1", verb, "lie")

    answer = ASKS[verb](world)

    assert verb not in LONG_VERBS or answer == Done
    assert world.everything() == before


@EVERY
def test_a_lost_reply_did_it_once(world: World, rack: Path, verb: str) -> None:
    before = world.everything()
    plan_fault(rack, "host1", verb, "lose_reply")

    with pytest.raises(Unreachable):
        ASKS[verb](world)
    after = world.everything()
    answer = ASKS[verb](world)

    assert verb not in LONG_VERBS or answer == Done
    assert after != before
    assert world.everything() == after


@pytest.mark.parametrize("verb", sorted(LONG_VERBS))
def test_a_hang_ends_when_it_is_let_go(world: World, rack: Path, verb: str) -> None:
    before = world.everything()
    plan_fault(rack, "host1", verb, "hang")
    for _ in range(2):
        assert not ASKS[verb](world).done  # type: ignore[attr-defined]

    clear_faults(rack)

    assert ASKS[verb](world) == Done
    assert world.everything() != before


@pytest.mark.parametrize("verb", sorted(SHORT_VERBS))
def test_a_short_verb_that_hangs_does_nothing(world: World, rack: Path, verb: str) -> None:
    before = world.everything()
    plan_fault(rack, "host1", verb, "hang")

    with pytest.raises(Unreachable):
        ASKS[verb](world)

    assert world.everything() == before
