"""Rows of SPF turned into the contract's values.

Tolerant, because generations differ: a property that is missing, null, or of an odd type becomes
its default; only a row without its id is unreadable, and left out. An Int64 comes as text.
"""

from __future__ import annotations

import ipaddress
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from fabric.odata.errors import BadRequest
from fabric.odata.literals import from_json
from fabric.providers.base import (
    Curve,
    RemoteCloud,
    RemoteJob,
    RemoteLibraryDisk,
    RemoteMachine,
    RemoteMedia,
    RemoteProfile,
    RemoteStamp,
    RemoteStep,
    RemoteTemplate,
)

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
T = TypeVar("T")

SUCCESS: Final = frozenset({"completed", "succeedwithinfo"})
FAILURE: Final = frozenset({"failed", "canceled", "invalid"})
# Dimensions of quota, and our words for them.
DIMENSIONS: Final = {
    "vmcount": "machines",
    "cpucount": "cores",
    "memorymb": "memory_mb",
    "storagegb": "storage_gb",
}
COUNTERS: Final = {
    "cpuusage": "cpu",
    "memoryusage": "memory",
    "storageiopsusage": "storage",
    "networkiousage": "network",
}
_LARGEST: Final = 2**53


@dataclass(frozen=True)
class Sizes:
    """What a machine may have at least and at most, None where nothing is said."""

    min_cores: int | None = None
    max_cores: int | None = None
    min_memory_mb: int | None = None
    max_memory_mb: int | None = None


NO_SIZES: Final = Sizes()


class Unreadable(ValueError):
    """A row without what makes it a row."""


def each(read: Callable[[Row], T], rows: Iterable[Row], what: str) -> tuple[T, ...]:
    """Read every row; one that cannot be understood is logged and left out."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except Unreadable as error:
            log.warning("a row of %s is left out: %s", what, error)
    return tuple(found)


def value(row: Row, name: str, edm_type: str) -> Any:
    """Return a property as a value of the type, None when there is none to be had."""
    try:
        return from_json(row.get(name), edm_type)
    except BadRequest:
        return None


def text(row: Row, *names: str) -> str:
    """Return the first of these properties that holds text."""
    for name in names:
        found = value(row, name, "String")
        if isinstance(found, str) and found.strip():
            return found.strip()
    return ""


def whole(row: Row, name: str, default: int = 0) -> int:
    """Return a count; a negative one means "unknown" in VMM."""
    found = value(row, name, "Int64")
    return found if isinstance(found, int) and 0 <= found < _LARGEST else default


def flag(row: Row, name: str) -> bool | None:
    """Return a Boolean, None when it is not told."""
    found = value(row, name, "Boolean")
    return found if isinstance(found, bool) else None


def guid(row: Row, *names: str) -> uuid.UUID | None:
    """Return the first of these ids; one of all zeros is none."""
    for name in names:
        found = value(row, name, "Guid")
        if isinstance(found, uuid.UUID) and found.int:
            return found
    return None


def moment(row: Row, name: str) -> datetime | None:
    """Return a point in time, always with its offset."""
    found = value(row, name, "DateTime")
    return found if isinstance(found, datetime) else None


def inside(row: Row, name: str) -> Row:
    """Return a complex value or a single related row, empty when there is none."""
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def several(row: Row, name: str) -> list[Row]:
    """Return related rows or a collection of complex values."""
    found = row.get(name)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def texts(row: Row, name: str) -> list[str]:
    """Return a collection of texts."""
    found = row.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def own_id(row: Row) -> uuid.UUID:
    """Return the row's id; raises Unreadable."""
    found = guid(row, "ID")
    if found is None:
        raise Unreadable("it has no ID")
    return found


def stamp(row: Row) -> RemoteStamp:
    """Read a row of Stamps."""
    found = own_id(row)
    return RemoteStamp(id=found, name=text(row, "Name") or str(found))


def cloud(row: Row, capacity: Row, logical_networks: Iterable[uuid.UUID]) -> RemoteCloud:
    """Read a row of Clouds beside its row of CloudCapacities (empty: no limits)."""
    usage = several(row, "QuotaAndUsageComponents")
    dimensions = [(DIMENSIONS.get(text(part, "QuotaDimension").lower()), part) for part in usage]
    return RemoteCloud(
        id=own_id(row),
        name=text(row, "Name"),
        description=text(row, "Description"),
        cores=_limit(capacity, "CPUCount"),
        memory_mb=_limit(capacity, "MemoryMB"),
        storage_gb=_limit(capacity, "StorageGB"),
        machines=_limit(capacity, "VMCount"),
        used={name: whole(part, "UserRoleUsage") for name, part in dimensions if name},
        logical_network_ids=tuple(dict.fromkeys(logical_networks)),
    )


def _limit(capacity: Row, name: str) -> int | None:
    if flag(capacity, f"Use{name}Maximum"):
        return None
    found = value(capacity, name, "Int64")
    return found if isinstance(found, int) and 0 <= found < _LARGEST else None


def template(row: Row, sizes: Sizes = NO_SIZES) -> RemoteTemplate:
    """Read a row of VMTemplates; its storage is rounded up to whole GB."""
    system = inside(row, "OperatingSystemInstance")
    return RemoteTemplate(
        id=own_id(row),
        name=text(row, "Name"),
        description=text(row, "Description"),
        os_name=text(row, "OperatingSystem") or text(system, "Name"),
        os_type=text(system, "OSType") or text(row, "OSType"),
        cores=whole(row, "CPUCount", 1) or 1,
        memory_mb=whole(row, "Memory"),
        storage_gb=gigabytes(row, "TotalVHDCapacity"),
        generation=whole(row, "Generation") or None,
        adapters=whole(row, "NicCount", 1),
        cloud_id=guid(row, "CloudID", "CloudId"),
        **asdict(sizes),
    )


def sizes(row: Row) -> Sizes:
    """Read a row of CapabilityProfiles; a limit of nothing is none."""
    return Sizes(
        min_cores=whole(row, "CPUCountMinimum") or None,
        max_cores=whole(row, "CPUCountMaximum") or None,
        min_memory_mb=whole(row, "MemoryMBMinimum") or None,
        max_memory_mb=whole(row, "MemoryMBMaximum") or None,
    )


def library_disk(row: Row) -> RemoteLibraryDisk:
    """Read a row of VirtualHardDisks that no machine has; its size is rounded up to whole GB."""
    system = text(row, "OperatingSystem") or text(inside(row, "OperatingSystemInstance"), "Name")
    return RemoteLibraryDisk(
        id=own_id(row),
        name=text(row, "Name"),
        description=text(row, "Description"),
        size_gb=gigabytes(row, "MaximumSize") or gigabytes(row, "Size"),
        os_name="" if system.lower() == "none" else system,
    )


def media(row: Row) -> RemoteMedia:
    """Read a row of ISOs; its size is rounded up to whole MB."""
    return RemoteMedia(
        id=own_id(row),
        name=text(row, "Name"),
        description=text(row, "Description"),
        size_mb=-(-whole(row, "Size") // 2**20),
    )


def gigabytes(row: Row, name: str) -> int:
    """Return a number of bytes in whole GB, rounded up."""
    return -(-whole(row, name) // 2**30)


def profile(row: Row) -> RemoteProfile:
    """Read a row of HardwareProfiles."""
    return RemoteProfile(
        id=own_id(row),
        name=text(row, "Name"),
        description=text(row, "Description"),
        cores=whole(row, "CPUCount", 1) or 1,
        memory_mb=whole(row, "Memory"),
    )


def machine(row: Row, guest: Row | None = None) -> RemoteMachine:
    """Read a row of VirtualMachines with its adapters expanded; an empty tag comes as "(none)".

    Adapters of 2012 SP1 tell no addresses: there the row of GuestInfos does, where it was read.
    """
    tag = text(row, "Tag")
    system = inside(row, "OperatingSystemInstance")
    return RemoteMachine(
        id=own_id(row),
        tag="" if tag.lower() == "(none)" else tag,
        name=text(row, "Name"),
        status=text(row, "Status", "VirtualMachineState"),
        status_text=text(row, "StatusString", "Status"),
        cores=whole(row, "CPUCount"),
        memory_mb=whole(row, "Memory"),
        os_name=text(row, "OperatingSystem") or text(system, "Name"),
        addresses=_told_addresses(row, guest),
        host_name=text(row, "VMHostName"),
        job_id=guid(row, "MostRecentTaskId"),
        owner_role_id=guid(inside(row, "Owner"), "RoleID"),
        created_at=moment(row, "AddedTime") or moment(row, "CreationTime"),
        modified_at=moment(row, "ModifiedTime"),
        description=text(row, "Description"),
    )


def _told_addresses(row: Row, guest: Row | None) -> tuple[str, ...] | None:
    adapters = several(row, "VirtualNetworkAdapters")
    if guest is not None:
        return addresses([guest])
    if adapters and not any(
        "IPv4Addresses" in each or "IPv6Addresses" in each for each in adapters
    ):
        return None
    return addresses(adapters)


def addresses(adapters: Iterable[Row]) -> tuple[str, ...]:
    """Return the addresses that can be connected to: IPv4 of all adapters first, then IPv6."""
    found: dict[int, list[str]] = {4: [], 6: []}
    for adapter in adapters:
        for name in ("IPv4Addresses", "IPv6Addresses"):
            for item in ";".join([*texts(adapter, name), text(adapter, name)]).split(";"):
                try:
                    parsed = ipaddress.ip_address(item.strip())
                except ValueError:
                    continue
                if not parsed.is_link_local:
                    found[parsed.version].append(str(parsed))
    return tuple(dict.fromkeys(found[4] + found[6]))


def job(row: Row) -> RemoteJob:
    """Read a row of Jobs, with its steps where they are expanded."""
    status = text(row, "Status")
    word, error = status.lower(), inside(row, "ErrorInfo")
    completed = bool(flag(row, "IsCompleted")) or word in SUCCESS | FAILURE
    known = word in SUCCESS | FAILURE
    succeeded = completed and (word in SUCCESS if known else bool(flag(error, "IsSuccess")))
    failed = completed and not succeeded
    return RemoteJob(
        id=own_id(row),
        completed=completed,
        succeeded=succeeded,
        status=status,
        percent=100 if succeeded else percent(row),
        steps=tuple(
            step(item) for item in sorted(several(row, "Steps"), key=lambda s: whole(s, "Number"))
        ),
        problem=_problem(error, row) if failed else "",
        advice=text(error, "RecommendedAction") if failed else "",
    )


def _problem(error: Row, row: Row) -> str:
    told = text(error, "Problem", "ExceptionDetails", "CloudProblem")
    return told or text(row, "StatusString", "Status") or "The job failed."


def percent(row: Row) -> int:
    """Return how far a job or a step is: a number, or text as "42 %"."""
    for name in ("ProgressValue", "PercentComplete", "Progress"):
        found = value({name: text(row, name).rstrip("% ")}, name, "Double")
        if isinstance(found, float) and found >= 0:
            return int(min(found, 100))
    return 0


def step(row: Row) -> RemoteStep:
    """Read a step of a job."""
    word = text(row, "Status", "State").lower()
    state = "pending"
    if word in SUCCESS:
        state = "done"
    elif word in FAILURE:
        state = "failed"
    elif word == "running":
        state = "running"
    return RemoteStep(
        title=text(row, "Name", "Title", "Description"),
        state=state,
        percent=100 if state == "done" else percent(row),
        started_at=moment(row, "StartTime"),
        ended_at=moment(row, "EndTime"),
    )


def curves(rows: Iterable[Row]) -> tuple[Curve, ...]:
    """Read the rows of PerformanceData we show, in a fixed order."""
    found = {text(row, "PerformanceCounter").lower(): row for row in rows}
    return tuple(_curve(COUNTERS[name], found[name]) for name in COUNTERS if name in found)


def _curve(counter: str, row: Row) -> Curve:
    """Read one counter; samples without a time beside them are left out."""
    history, samples = row.get("PerformanceHistory"), row.get("TimeSamples")
    pairs = []
    if isinstance(history, list) and isinstance(samples, list):
        for number, told in zip(history, samples, strict=False):
            at = moment({"at": told}, "at")
            if at is not None:
                pairs.append((whole({"number": number}, "number"), at))
    return Curve(
        counter=counter,
        samples=tuple(number for number, _ in pairs),
        times=tuple(at for _, at in pairs),
    )
