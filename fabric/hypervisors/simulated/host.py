"""The driver of a simulated host: every verb is one transaction on the rack, faults included."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

from fabric.hypervisors.base import (
    AdapterSpec,
    Capability,
    CheckpointState,
    Counters,
    DiskSpec,
    Done,
    GuestSetup,
    GuestSpec,
    GuestState,
    HostFacts,
    Outcome,
    Power,
)
from fabric.hypervisors.errors import Unreachable
from fabric.hypervisors.simulated import (
    adapters,
    attachments,
    checkpoints,
    disks,
    faults,
    guest_setup,
    guests,
    hosts,
    images,
    moves,
)
from fabric.hypervisors.simulated import power as power_moves
from fabric.hypervisors.simulated.load import load
from fabric.hypervisors.simulated.rack import Rack
from fabric.hypervisors.simulated.turn import DUE, Turn

Answer = TypeVar("Answer")
NO_GUESTS: tuple[GuestState, ...] = ()


def open_host(
    rack: Path, name: str, *, scale: float = 1.0, clock: Callable[[], float] = time.time
) -> SimulatedHost:
    """The driver of a host on the rack; opening touches nothing."""
    return SimulatedHost(rack, name, scale, clock=clock)


class SimulatedHost:
    """One host of a rack. `scale` stretches all durations; with 0 nothing is ever pending."""

    capabilities: frozenset[str] = frozenset(Capability)

    def __init__(
        self, rack: Path, name: str, scale: float, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self.scale = scale
        self._rack = Rack(rack)
        self._clock = clock

    def __repr__(self) -> str:
        return f"SimulatedHost({str(self._rack.path)!r}, {self.name!r}, {self.scale!r})"

    def facts(self) -> HostFacts:
        """The host's size and make."""
        return self._ask("facts", hosts.facts, HostFacts(self.name, 0, 0, 0, "", ""))

    def guest(self, id: UUID) -> GuestState | None:
        """One guest, or None."""
        found = self._ask("guest", lambda turn: guests.states(turn, id), NO_GUESTS)
        return found[0] if found else None

    def guests(self) -> tuple[GuestState, ...]:
        """Every guest, in the order they were defined."""
        return self._ask("guests", guests.all_states, NO_GUESTS)

    def disks(self) -> tuple[DiskSpec, ...]:
        """Every disk, in the order they were begun."""
        return self._ask("disks", disks.all_disks, ())

    def ensure_disk(self, disk: DiskSpec) -> Outcome:
        """The disk exists and is whole."""
        return self._do("ensure_disk", lambda turn: disks.ensure_disk(turn, disk), Done)

    def ensure_defined(self, spec: GuestSpec) -> UUID:
        """The guest is known to the host."""
        return self._do("ensure_defined", lambda turn: guests.ensure_defined(turn, spec), uuid4())

    def ensure_adapter(self, guest_id: UUID, adapter: AdapterSpec) -> None:
        """The guest has this adapter."""
        self._do(
            "ensure_adapter", lambda turn: adapters.ensure_adapter(turn, guest_id, adapter), None
        )

    def ensure_power(self, guest_id: UUID, power: Power, *, hard: bool = False) -> Outcome:
        """The guest is running, off, paused or saved."""
        return self._do(
            "ensure_power",
            lambda turn: power_moves.ensure_power(turn, guest_id, power, hard),
            Done,
        )

    def ensure_guest_setup(self, guest_id: UUID, setup: GuestSetup) -> Outcome:
        """The guest's system has this name, administrator and settings."""
        return self._do(
            "ensure_guest_setup",
            lambda turn: guest_setup.ensure_guest_setup(turn, guest_id, setup),
            Done,
        )

    def ensure_resized(self, guest_id: UUID, cores: int, memory_mb: int) -> None:
        """The guest has this size."""
        self._do(
            "ensure_resized",
            lambda turn: guests.ensure_resized(turn, guest_id, cores, memory_mb),
            None,
        )

    def ensure_renamed(self, guest_id: UUID, name: str) -> None:
        """The guest is called this."""
        self._do("ensure_renamed", lambda turn: guests.ensure_renamed(turn, guest_id, name), None)

    def ensure_disk_size(self, disk_id: UUID, size_gb: int) -> Outcome:
        """The disk is this large."""
        return self._do(
            "ensure_disk_size", lambda turn: disks.ensure_disk_size(turn, disk_id, size_gb), Done
        )

    def ensure_disk_moved(self, disk_id: UUID, volume: str) -> Outcome:
        """The disk lies on this volume."""
        return self._do(
            "ensure_disk_moved", lambda turn: disks.ensure_disk_moved(turn, disk_id, volume), Done
        )

    def ensure_attached(self, guest_id: UUID, disk: DiskSpec) -> None:
        """The disk is the guest's last one."""
        self._do(
            "ensure_attached", lambda turn: attachments.ensure_attached(turn, guest_id, disk), None
        )

    def ensure_detached(self, guest_id: UUID, disk_id: UUID) -> None:
        """The disk is no guest's."""
        self._do(
            "ensure_detached",
            lambda turn: attachments.ensure_detached(turn, guest_id, disk_id),
            None,
        )

    def ensure_adapter_removed(self, guest_id: UUID, adapter_id: UUID) -> None:
        """The guest has no such adapter."""
        self._do(
            "ensure_adapter_removed",
            lambda turn: adapters.ensure_adapter_removed(turn, guest_id, adapter_id),
            None,
        )

    def ensure_media(self, guest_id: UUID, image: str) -> None:
        """The guest's drive holds this image."""
        self._do("ensure_media", lambda turn: guests.ensure_media(turn, guest_id, image), None)

    def checkpoints(self, guest_id: UUID) -> tuple[CheckpointState, ...]:
        """The guest's checkpoints, oldest first."""
        return self._ask("checkpoints", lambda turn: checkpoints.of_guest(turn, guest_id), ())

    def ensure_checkpoint(self, guest_id: UUID, checkpoint_id: UUID, name: str) -> Outcome:
        """The checkpoint is there."""
        return self._do(
            "ensure_checkpoint",
            lambda turn: checkpoints.ensure_checkpoint(turn, guest_id, checkpoint_id, name),
            Done,
        )

    def ensure_restored(self, guest_id: UUID, checkpoint_id: UUID) -> Outcome:
        """The guest is as it was at the checkpoint."""
        return self._do(
            "ensure_restored",
            lambda turn: checkpoints.ensure_restored(turn, guest_id, checkpoint_id),
            Done,
        )

    def ensure_checkpoint_removed(self, guest_id: UUID, checkpoint_id: UUID) -> Outcome:
        """The checkpoint is gone."""
        return self._do(
            "ensure_checkpoint_removed",
            lambda turn: checkpoints.ensure_checkpoint_removed(turn, guest_id, checkpoint_id),
            Done,
        )

    def images(self) -> tuple[str, ...]:
        """The images made on this rack."""
        return self._ask("images", images.all_images, ())

    def ensure_image(self, disk_id: UUID, image: str) -> Outcome:
        """The library has this copy of the disk."""
        return self._do(
            "ensure_image", lambda turn: images.ensure_image(turn, disk_id, image), Done
        )

    def ensure_checkpoint_image(
        self, guest_id: UUID, checkpoint_id: UUID, disk_id: UUID, image: str
    ) -> Outcome:
        """The library has this copy of the disk as it was at the checkpoint."""
        return self._do(
            "ensure_checkpoint_image",
            lambda turn: images.ensure_checkpoint_image(
                turn, guest_id, checkpoint_id, disk_id, image
            ),
            Done,
        )

    def ensure_image_removed(self, image: str) -> None:
        """The library has no such image."""
        self._do(
            "ensure_image_removed", lambda turn: images.ensure_image_removed(turn, image), None
        )

    def ensure_moved(self, guest_id: UUID, target: str, volumes: Mapping[UUID, str]) -> Outcome:
        """The guest is on the host of this name."""
        return self._do(
            "ensure_moved", lambda turn: moves.ensure_moved(turn, guest_id, target, volumes), Done
        )

    def ensure_removed(self, guest_id: UUID) -> Outcome:
        """The guest, its disks and adapters are gone."""
        return self._do("ensure_removed", lambda turn: guests.ensure_removed(turn, guest_id), Done)

    def ensure_disk_removed(self, disk_id: UUID) -> None:
        """The orphan disk is gone."""
        self._do("ensure_disk_removed", lambda turn: disks.ensure_disk_removed(turn, disk_id), None)

    def counters(self, ids: Iterable[UUID] | None = None) -> tuple[Counters, ...]:
        """The load now."""
        wanted = _as_json(ids)
        return self._ask("counters", lambda turn: _counters(turn, wanted, turn.now), ())

    def counters_at(self, ids: Iterable[UUID] | None, at: datetime) -> tuple[Counters, ...]:
        """The load at an aware moment, as far back as the guest has been running."""
        wanted, moment = _as_json(ids), at.timestamp()
        return self._ask("counters_at", lambda turn: _counters(turn, wanted, moment), ())

    def accepts_login(self, guest_id: UUID, user: str, password: str) -> bool:
        """Whether the guest is set up and lets this user in: what its console would tell."""
        with self._rack.reading() as connection:
            turn = Turn(connection, self.name, self._clock(), self.scale)
            row = turn.guest(guest_id)
            return bool(row["is_set_up"]) and guest_setup.accepts(row, user, password)

    def is_set_up(self, guest_id: UUID, setup: GuestSetup) -> bool:
        """Whether the guest's system is as told: what a look inside would tell."""
        with self._rack.reading() as connection:
            turn = Turn(connection, self.name, self._clock(), self.scale)
            row = turn.guest(guest_id)
            return bool(row["is_set_up"]) and guest_setup.has(row, setup)

    def _ask(self, verb: str, read: Callable[[Turn], Answer], lie: Answer) -> Answer:
        """Answer a question without the write lock, unless a fault or the end of work is due."""
        with self._rack.reading() as connection:
            turn = Turn(connection, self.name, self._clock(), self.scale)
            is_troubled = turn.row(
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM faults WHERE host=?1)"
                " OR NOT EXISTS (SELECT 1 FROM hosts WHERE name=?1)"
            )
            if not is_troubled and turn.row(DUE, turn.now) is None:
                return read(turn)
        return self._do(verb, read, lie)

    def _do(self, verb: str, deed: Callable[[Turn], Answer], lie: Answer) -> Answer:
        """Carry out a verb in one transaction, or what a planned fault makes of it."""
        with self._rack.writing() as connection:
            fault = faults.matching(connection, self.name, verb)
            if fault is None:
                return self._turn(connection, hangs=False, deed=deed)[0]
            if fault.strikes_before(verb) or fault.kind == "lie":
                fault.spend(connection)
            else:
                answer, has_begun = self._turn(connection, fault.kind == "hang", deed)
                if has_begun or fault.kind == "lose_reply":
                    fault.spend(connection)
                if fault.kind == "hang":
                    return answer
        # Raised out here, so that what was done and the countdown are committed.
        if fault.kind == "lie":
            return lie
        fault.strike()

    def _turn(
        self, connection: sqlite3.Connection, hangs: bool, deed: Callable[[Turn], Answer]
    ) -> tuple[Answer, bool]:
        turn = Turn(connection, self.name, self._clock(), self.scale, hangs)
        if turn.row("SELECT 1 FROM hosts WHERE name=?1") is None:
            raise Unreachable(f"There is no host {self.name} on the rack.")
        turn.settle()
        return deed(turn), turn.has_begun


def _as_json(ids: Iterable[UUID] | None) -> str | None:
    return None if ids is None else json.dumps([str(id) for id in ids])


def _counters(turn: Turn, ids: str | None, at: float) -> tuple[Counters, ...]:
    rows = turn.run(
        "SELECT id, memory_mb, iif(power='running', running_since, NULL) FROM guests"
        " WHERE host=?1 AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))"
        " ORDER BY rowid",
        ids,
    )
    return tuple(load(UUID(id), at, memory_mb, since) for id, memory_mb, since in rows)
