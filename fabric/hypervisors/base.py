"""The contract between the VMM and a host: plain values in, plain values out, verbs that repeat.

Every driver passes tests/contract/hypervisors. A driver object belongs to one host.
Rare abilities are small second protocols (LoadHistory), never a verb that is not implemented.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Power(StrEnum):
    """Where a guest stands. The last two are only ever reported, never asked for."""

    RUNNING = "running"
    OFF = "off"
    PAUSED = "paused"
    SAVED = "saved"
    STARTING = "starting"
    STOPPING = "stopping"


class Capability(StrEnum):
    """What a driver may offer beyond define, start, turn off and remove."""

    GRACEFUL_SHUTDOWN = "graceful_shutdown"
    PAUSE = "pause"
    SAVE = "save"
    GUEST_SETUP = "guest_setup"
    LIVE_RESIZE = "live_resize"
    LIVE_MOVE = "live_move"
    CHECKPOINTS = "checkpoints"
    LOAD_HISTORY = "load_history"


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """A place for disks, by its name on the host, and how much it can hold in all."""

    name: str
    capacity_gb: int


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a host is and how much it can hold in all (not what is free).

    Without volumes it has one, called DEFAULT_VOLUME, of all its storage.
    """

    name: str
    cores: int
    memory_mb: int
    storage_gb: int
    hypervisor: str
    version: str
    volumes: tuple[VolumeFacts, ...] = ()


DEFAULT_VOLUME = "data"


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """A disk: a copy of a library image, or empty when source_image is None. It may be larger than
    the image. `volume` "" leaves the place to the host.
    """

    id: UUID
    source_image: str | None
    size_gb: int
    volume: str = ""


@dataclass(frozen=True, slots=True)
class AdapterSpec:
    """A network adapter; with addresses the guest is to use these, without any, whatever."""

    id: UUID
    mac: str
    network: str
    vlan: int | None
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """What a guest is to be. The id is the caller's and is its name for good."""

    id: UUID
    name: str
    cores: int
    memory_mb: int
    disks: tuple[DiskSpec, ...]
    adapters: tuple[AdapterSpec, ...]


@dataclass(frozen=True, slots=True)
class GuestSetup:
    """How a guest's system is to be set up; what is "" is left as it is.

    A user comes with a password, SSH keys (public, one whole line each) or both, a password with a
    user, a domain without a workgroup: else Rejected. Answer file, script and user data are whole
    texts, and may hold secrets. Who joins a domain with an account finds it in the answer file.
    """

    computer_name: str
    user: str = ""
    password: str = field(default="", repr=False)
    time_zone: str = ""
    workgroup: str = ""
    domain: str = ""
    product_key: str = field(default="", repr=False)
    answer_file: str = field(default="", repr=False)
    script: str = field(default="", repr=False)
    ssh_keys: tuple[str, ...] = ()
    user_data: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GuestState:
    """What a guest is. `addresses` (IPv4 first) and `os_ready` are what its system reports."""

    id: UUID
    hypervisor_id: UUID
    name: str
    power: Power
    cores: int
    memory_mb: int
    disks: tuple[DiskSpec, ...]
    adapters: tuple[AdapterSpec, ...]
    addresses: tuple[str, ...]
    os_ready: bool
    media: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointState:
    """A checkpoint of a guest: the one it was made after, and where the guest stood."""

    id: UUID
    name: str
    parent: UUID | None
    power: Power
    cores: int
    memory_mb: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Counters:
    """The load of one guest at one moment; all zero unless it is running.

    cpu_percent is of its own cores together (0 to 100).
    """

    id: UUID
    cpu_percent: int
    memory_mb: int
    storage_iops: int
    network_kbps: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a long verb has come; when not done, ask again in `retry_in` seconds."""

    done: bool
    percent: int
    retry_in: float | None


Done = Outcome(True, 100, None)


def pending(percent: float, retry_in: float) -> Outcome:
    """An outcome that is not done yet: at most 99 percent, asked again no sooner than 50 ms."""
    return Outcome(False, max(0, min(99, int(percent))), max(0.05, retry_in))


class Hypervisor(Protocol):
    """One host. Duties of every verb:

    1. It may be repeated at any time, also by two processes at once, also after the caller was
       killed in the middle: the second call adopts what the first one made. Things are found by
       the caller's id, never by name.
    2. It does not wait. A verb that takes long begins the work, returns `pending(…)` and is
       asked again with the same arguments until `Done`. The work goes on when nobody asks.
    3. It is all or nothing: when it raises, apart from Unreachable, nothing was changed.
       After Unreachable the caller knows nothing and repeats the verb.
    4. It raises only `fabric.hypervisors.errors.DriverFault`s.
       Any verb may raise Unreachable, Busy or Throttled. A thing in the middle of another verb's
       work is Busy; a guest or disk that is not there is Missing (only the removals do not mind).
    5. It is safe in several threads and after a fork.
    6. No secret given to it is stored readably, logged, or put into an error.
    """

    @property
    def capabilities(self) -> frozenset[str]:
        """What of `Capability` this driver offers; a verb without it raises Unsupported."""

    def facts(self) -> HostFacts:
        """The host's size and make; also the way to ask whether it answers at all."""

    def guest(self, id: UUID) -> GuestState | None:
        """One guest, or None when the host is sure that it has no such guest.

        A guest being removed is reported (as stopping) until nothing of it is left.
        """

    def guests(self) -> tuple[GuestState, ...]:
        """Every guest on the host, whoever defined it, in a steady order."""

    def disks(self) -> tuple[DiskSpec, ...]:
        """Every disk on the host: attached, orphaned, or still being cloned."""

    def ensure_disk(self, disk: DiskSpec) -> Outcome:
        """The disk exists and is whole.

        1. Its room is taken at the first call, so a clone under way cannot run out: else Full.
        2. A disk of that id with another image or size is Rejected; the disk is left alone.
        """

    def ensure_defined(self, spec: GuestSpec) -> UUID:
        """The guest is known to the host, switched off; returns the host's own id for it.

        1. Its disks must be there (else Missing) and whole (else Busy), and be no other guest's
           (else Rejected). Its adapters are attached in the same go: see ensure_adapter.
        2. A guest of that id is adopted, whatever its power, when the spec is the one it was
           defined with, or is what the guest has become since; else Rejected.
        3. Takes no memory: that is taken by starting.
        """

    def ensure_adapter(self, guest_id: UUID, adapter: AdapterSpec) -> None:
        """The guest has this adapter; network, VLAN and addresses are brought up to date.

        1. Allowed at any power.
        2. A MAC is never twice on one network: Rejected. Nor may an adapter change its MAC or
           its guest: Rejected.
        """

    def ensure_power(self, guest_id: UUID, power: Power, *, hard: bool = False) -> Outcome:
        """The guest is running, off, paused or saved.

        | from    | running | paused   | saved    | off            | off, hard |
        |---------|---------|----------|----------|----------------|-----------|
        | off     | start   | Rejected | Rejected | done           | done      |
        | running | done    | pause    | save     | ask the system | cut       |
        | paused  | resume  | done     | save     | Rejected       | cut       |
        | saved   | restore | Rejected | done     | Rejected       | discard   |

        1. Start and restore take the memory, else Full; paused keeps it; off and saved free it.
        2. A change under way to another state is Busy, except that `off, hard` always overrides
           it: also a shutdown the guest does not obey, or a change that never ends.
        3. `hard` means nothing for other targets. Starting or stopping as a target is Rejected.
        """

    def ensure_guest_setup(self, guest_id: UUID, setup: GuestSetup) -> Outcome:
        """The guest's system has this name, administrator and settings.

        1. The guest must be running, else Rejected (Busy while it starts). The driver may
           restart it. A guest with no system on its disks is Rejected.
        2. Asked again with the same values it is done, whatever the power; with other values
           they are set anew (so this also resets a password). Script and user data run once for
           each text. SSH keys take the place of those the user had.
        3. Turning the guest off meanwhile stops the work; asking again begins it afresh.
        """

    def ensure_resized(self, guest_id: UUID, cores: int, memory_mb: int) -> None:
        """The guest has this size, at once.

        It must be off, else Rejected, unless it has it already. With Capability.LIVE_RESIZE it may
        also be running: more memory is taken, else Full.
        """

    def ensure_renamed(self, guest_id: UUID, name: str) -> None:
        """The guest is called this on the host; at any power."""

    def ensure_disk_size(self, disk_id: UUID, size_gb: int) -> Outcome:
        """The disk, orphan or a guest's at any power, has at least become this large.

        Smaller than it is: Rejected. No room on its volume: Full.
        """

    def ensure_disk_moved(self, disk_id: UUID, volume: str) -> Outcome:
        """The disk lies on this volume of the host; at any power of its guest.

        Its room there is taken at the first call, else Full; the old place is free when Done.
        """

    def ensure_attached(self, guest_id: UUID, disk: DiskSpec) -> None:
        """The disk, there and whole, is the guest's last one; at any power but saved (Rejected)."""

    def ensure_detached(self, guest_id: UUID, disk_id: UUID) -> None:
        """The disk is there and no guest's; at any power but saved. Not there or not this
        guest's is done. A guest's first disk, or one with checkpoints, is Rejected."""

    def ensure_adapter_removed(self, guest_id: UUID, adapter_id: UUID) -> None:
        """The guest has no such adapter; at any power."""

    def ensure_media(self, guest_id: UUID, image: str) -> None:
        """The guest's DVD drive holds this image; "" is none. At any power."""

    def checkpoints(self, guest_id: UUID) -> tuple[CheckpointState, ...]:
        """The guest's checkpoints, oldest first."""

    def ensure_checkpoint(self, guest_id: UUID, checkpoint_id: UUID, name: str) -> Outcome:
        """The checkpoint is there: disks, size, and memory unless the guest is off.

        Its parent is the current one, and it is current now.
        """

    def ensure_restored(self, guest_id: UUID, checkpoint_id: UUID) -> Outcome:
        """The guest is as it was at the checkpoint: size, disks, and saved if it had memory, else
        off. At any power. Missing when there is no such checkpoint; done again when the guest has
        run since."""

    def ensure_checkpoint_removed(self, guest_id: UUID, checkpoint_id: UUID) -> Outcome:
        """The checkpoint is gone, its children now children of its parent; none is done."""

    def images(self) -> tuple[str, ...]:
        """The images made here or by other hosts, as the library that all share knows them."""

    def ensure_image(self, disk_id: UUID, image: str) -> Outcome:
        """The library has an image of this name that is a copy of the disk.

        The disk's guest must be off, else Rejected. An image of that name made of another disk is
        Rejected. A disk may then be made of it, on any host.
        """

    def ensure_checkpoint_image(
        self, guest_id: UUID, checkpoint_id: UUID, disk_id: UUID, image: str
    ) -> Outcome:
        """The library has an image of this name that is a copy of the guest's disk as it was at
        the checkpoint; at any power. Else as `ensure_image`. A checkpoint that is not there, or has
        no such disk, is Missing.
        """

    def ensure_image_removed(self, image: str) -> None:
        """The library has no such image made by these two."""

    def ensure_moved(self, guest_id: UUID, target: str, volumes: Mapping[UUID, str]) -> Outcome:
        """The guest, with disks, adapters and checkpoints, is on the host of this name and not
        here; Done as well when it is there already. Asked of the host it leaves.

        1. Running and paused need Capability.LIVE_MOVE, and stay what they are.
        2. Room on the target (disks, and memory if held) is taken at the first call, else Full.
        3. Each disk goes to the volume named for it, else to one of the target's choice.
        4. On the way the guest is on this host alone; other work on it is Busy.
        """

    def ensure_removed(self, guest_id: UUID) -> Outcome:
        """The guest, its disks and adapters are gone.

        1. At any power: it is cut off first, and other work on it is given up.
        2. Done only when nothing is left; also when it never existed. Disks cloned but never
           defined into a guest are not known to be its: see ensure_disk_removed.
        3. Afterwards the ids are free again.
        """

    def ensure_disk_removed(self, disk_id: UUID) -> None:
        """The orphan disk is gone, a clone under way given up. A guest's disk is Rejected."""

    def counters(self, ids: Iterable[UUID] | None = None) -> tuple[Counters, ...]:
        """The load now of these guests (of all when None) in one question; unknown ids are left
        out."""


class LoadHistory(Protocol):
    """For drivers with Capability.LOAD_HISTORY."""

    def counters_at(self, ids: Iterable[UUID] | None, at: datetime) -> tuple[Counters, ...]:
        """As `counters`, for an aware moment in the past; zero before the guest was started."""
