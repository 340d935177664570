"""A change asked for once, or again: what an earlier try has done is found, and not done twice."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from fabric.odata import filter
from fabric.providers import changes, reached
from fabric.providers.base import Accepted, Devices, RemoteJob, RemoteMachine
from fabric.providers.changes import Change
from fabric.providers.errors import Forbidden, Missing, Throttled
from fabric.providers.spf import changing, devices, lookups, reading
from fabric.providers.spf.changing import Call
from fabric.providers.spf.faults import Conflict
from fabric.providers.spf.session import query

REQUESTS: Final = uuid.UUID("0d9e3f57-2f0b-5b1e-8f5d-6f3a4f6f1c22")
# Where what a change takes away is found, and the name of its id.
_REMOVED: Final = {
    changes.RemoveDisk: ("VirtualDiskDrives", "disk_id"),
    changes.RemoveAdapter: ("VirtualNetworkAdapters", "adapter_id"),
    changes.RemoveCheckpoint: ("VMCheckPoints", "checkpoint_id"),
}

Jobs = Callable[[uuid.UUID], RemoteJob | None]


@dataclass(frozen=True)
class Standing:
    """What came of an earlier try: `is_settled` when nothing is left to ask for."""

    is_settled: bool = False
    accepted: Accepted | None = None
    job_id: uuid.UUID | None = None


def first(call: Call, change: Change, key: str) -> Accepted | None:
    """Ask for a change for the first time."""
    return _send(call.as_request(uuid.uuid5(REQUESTS, key)), change)


def again(call: Call, change: Change, key: str, *, expand: str, jobs: Jobs) -> Accepted | None:
    """Ask for a change once more, unless it has reached its machine or is on its way."""
    standing = _standing(call, change, expand, jobs)
    if standing.is_settled:
        return standing.accepted
    try:
        return first(call, change, key)
    except Conflict:
        if not isinstance(change, reached.MAKING):
            raise
    # Our SPF refuses to make anew what this request has made before, and a failed job took away.
    return first(call, change, f"{key}/{standing.job_id}")


def _standing(call: Call, change: Change, expand: str, jobs: Jobs) -> Standing:
    """Look at the machine, and at the job that worked on it last."""
    machine, seen = _look(call, expand)
    job = jobs(machine.job_id) if machine.job_id else None
    is_live = job is not None and not job.completed
    found = reached.look(change, machine, seen)
    if found is not None and is_live:
        return Standing(True, Accepted(found.object_id or machine.id, machine.job_id))
    if is_live:
        if reached.is_at_work(change, machine.status):
            return Standing(True, Accepted(machine.id, machine.job_id))
        raise Throttled("Another job is working on the machine.")
    has_failed = job is not None and not job.succeeded
    if found is not None and not (has_failed and isinstance(change, reached.MAKING)):
        made = Accepted(found.object_id, None) if found.object_id else None
        return Standing(True, made)
    if machine.status in reached.BROKEN and isinstance(change, reached.REPAIRED):
        return Standing(True, changing.repair(call))
    return Standing(job_id=machine.job_id)


def _look(call: Call, expand: str) -> tuple[RemoteMachine, Devices]:
    rows = lookups.by_ids(
        call.session,
        "VirtualMachines",
        call.stamp_id,
        [call.machine_id],
        expand,
        size=1,
        tenant=call.tenant,
    )
    told = reading.each(lambda row: (reading.machine(row), devices.read(row)), rows, "machines")
    if not told:
        raise Missing("There is no such virtual machine.")
    return told[0]


def _send(call: Call, change: Change) -> Accepted | None:
    if isinstance(change, changes.InsertMedia | changes.EjectMedia):
        call = replace(call, drive_id=_drive(call))
    try:
        return changing.send(call, change)
    except Missing:
        if not _is_gone(call, change):
            raise
        return None


def _drive(call: Call) -> uuid.UUID | None:
    """The machine's DVD drive; it has one at most where SPF can be asked for it."""
    condition = filter.all_of(
        filter.eq("StampId", call.stamp_id), filter.eq("VMId", call.machine_id)
    )
    url = call.session.vmm("VirtualDVDDrives", call.tenant) + query(filter=condition)
    rows = call.session.rows(url)
    return next((id for row in rows if (id := reading.guid(row, "ID"))), None)


def _is_gone(call: Call, change: Change) -> bool:
    """Tell whether what was to be removed is not there; not seen by the tenant is not yet gone."""
    where = _REMOVED.get(type(change))
    if where is None:
        return False
    name, member = where
    id: uuid.UUID = getattr(change, member)
    if lookups.by_ids(call.session, name, call.stamp_id, [id], "", size=1):
        raise Forbidden(
            "It exists, but not for this subscription.",
            advice="Ask your provider: the machine may have another owner in VMM.",
        )
    return True
