"""Changes of a machine and what hangs on it, each as the one call it takes.

`type` words of bodies are SPF's; what this generation's machines do not have is left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fabric.odata.uri import entity_url
from fabric.providers import changes
from fabric.providers.base import Accepted
from fabric.providers.changes import Change
from fabric.providers.spf import orders
from fabric.providers.spf.orders import Body
from fabric.providers.spf.session import Session

AT_ONCE: Final = "?RunAsynchronously=1"
NOBODY: Final = str(uuid.UUID(int=0))
REQUEST_ID: Final = "x-ms-client-request-id"

_MACHINES: Final = "VirtualMachines"
_DISKS: Final = "VirtualDiskDrives"
_ADAPTERS: Final = "VirtualNetworkAdapters"
_CHECKPOINTS: Final = "VMCheckPoints"
_DVDS: Final = "VirtualDVDDrives"
_TYPES: Final[Mapping[str, str]] = {
    _MACHINES: "VMM.VirtualMachine",
    _DISKS: "VMM.VirtualDiskDrive",
    _ADAPTERS: "VMM.VirtualNetworkAdapter",
    _CHECKPOINTS: "VMM.VMCheckPoint",
    _DVDS: "VMM.VirtualDVDDrive",
}


@dataclass(frozen=True)
class Call:
    """Whose call it is, and of which machine; `drive_id` is that of its DVD drive, if known."""

    session: Session
    stamp_id: uuid.UUID
    tenant: uuid.UUID
    machine_id: uuid.UUID
    headers: Mapping[str, str]
    without: Collection[str] = frozenset()
    drive_id: uuid.UUID | None = None

    def as_request(self, key: uuid.UUID) -> Call:
        """The same call, known by this id when it is sent again."""
        return replace(self, headers={**self.headers, REQUEST_ID: str(key)})

    def merge(self, name: str, id: uuid.UUID, body: Body, *secrets: str) -> Accepted:
        """Change an entity."""
        answer = self.session.merge(
            self._at(name, id) + AT_ONCE,
            orders.fit({"odata.type": _TYPES[name], **body}, name, self.without),
            headers=self.headers,
            secrets=secrets,
        )
        return Accepted(id, answer.job_id)

    def post(self, name: str, body: Body) -> Accepted:
        """Make something that hangs on the machine."""
        said: Body = {
            "odata.type": _TYPES[name],
            "StampId": str(self.stamp_id),
            "VMId": str(self.machine_id),
            **body,
        }
        url = self.session.vmm(name, self.tenant) + AT_ONCE
        answer = self.session.create(url, said, headers=self.headers)
        return Accepted(answer.id, answer.job_id)

    def act(self, name: str, id: uuid.UUID, action: str, body: Body) -> Accepted:
        """Carry out an action of an entity."""
        url = f"{self._at(name, id)}/{action}{AT_ONCE}"
        answer = self.session.send("POST", url, body=body, headers=self.headers)
        return Accepted(id, answer.job_id)

    def delete(self, name: str, id: uuid.UUID) -> Accepted:
        """Remove something that hangs on the machine."""
        url = self._at(name, id) + AT_ONCE
        return Accepted(id, self.session.send("DELETE", url, headers=self.headers).job_id)

    def _at(self, name: str, id: uuid.UUID) -> str:
        return self.session.vmm(entity_url(name, {"ID": id, "StampId": self.stamp_id}), self.tenant)


def send(call: Call, change: Change) -> Accepted | None:
    """Make the call a change takes; None where nothing has to be asked."""
    match change:
        case changes.Configure():
            return call.merge(_MACHINES, change.machine_id, _configured(change))
        case changes.Store():
            return call.merge(_MACHINES, change.machine_id, {"Operation": "Store"})
        case changes.DeployStored():
            return call.merge(_MACHINES, change.machine_id, {"Operation": "Deploy"})
        case changes.Rebuild():
            return call.merge(_MACHINES, change.machine_id, _rebuilt(change), *change.secrets)
        case changes.AddDisk() | changes.GrowDisk() | changes.RemoveDisk():
            return _disk(call, change)
        case changes.AddAdapter() | changes.ChangeAdapter() | changes.RemoveAdapter():
            return _adapter(call, change)
        case changes.InsertMedia() | changes.EjectMedia():
            return _media(call, change)
    return _checkpoint(call, change)


def repair(call: Call) -> Accepted:
    """Have a change that failed half-way go on."""
    return call.merge(_MACHINES, call.machine_id, {"Operation": "Repair", "Retry": True})


def _configured(change: changes.Configure) -> Body:
    told: Mapping[str, Any] = {
        "Name": change.name,
        "Description": change.description,
        "CPUCount": change.cores,
        "Memory": change.memory_mb,
    }
    return {name: value for name, value in told.items() if value is not None}


def _rebuilt(change: changes.Rebuild) -> Body:
    return {
        "Operation": "Rebuild",
        "VMTemplateId": str(change.template_id),
        **orders.guest(change),
    }


def _disk(call: Call, change: changes.AddDisk | changes.GrowDisk | changes.RemoveDisk) -> Accepted:
    match change:
        case changes.GrowDisk():
            body: Body = {"VirtualHardDiskSizeGB": change.size_gb}
            return call.act(_DISKS, change.disk_id, "Expand", body)
        case changes.RemoveDisk():
            return call.delete(_DISKS, change.disk_id)
    body = {"Name": change.name, "SCSI": True}
    if change.library_disk_id is not None:
        body["VirtualHardDiskId"] = str(change.library_disk_id)
    else:
        # An Int64 travels as text.
        body["Size"] = str((change.size_gb or 0) * 2**30)
    return call.post(_DISKS, body)


def _adapter(
    call: Call, change: changes.AddAdapter | changes.ChangeAdapter | changes.RemoveAdapter
) -> Accepted:
    if isinstance(change, changes.RemoveAdapter):
        return call.delete(_ADAPTERS, change.adapter_id)
    body: Body = {}
    if change.network_id is not None:
        body["VMNetworkId"] = str(change.network_id)
    if change.address:
        body["IPv4AddressType"] = "Static"
        body["IPv4Addresses@odata.type"] = "Collection(Edm.String)"
        body["IPv4Addresses"] = [change.address]
    if isinstance(change, changes.AddAdapter):
        return call.post(_ADAPTERS, body)
    return call.merge(_ADAPTERS, change.adapter_id, body)


def _media(call: Call, change: changes.InsertMedia | changes.EjectMedia) -> Accepted | None:
    """Into the drive there is, or a new one; without a drive there is nothing to eject."""
    image = str(change.media_id) if isinstance(change, changes.InsertMedia) else NOBODY
    if call.drive_id is not None:
        return call.merge(_DVDS, call.drive_id, {"ISOId": image})
    return call.post(_DVDS, {"ISOId": image}) if image != NOBODY else None


def _checkpoint(
    call: Call,
    change: changes.MakeCheckpoint
    | changes.RestoreCheckpoint
    | changes.RemoveCheckpoint
    | changes.RenameCheckpoint,
) -> Accepted:
    match change:
        case changes.MakeCheckpoint():
            return call.post(_CHECKPOINTS, {"Name": change.name, "Description": change.description})
        case changes.RestoreCheckpoint():
            return call.merge(_CHECKPOINTS, change.checkpoint_id, {"VMCheckPointAction": "Restore"})
        case changes.RemoveCheckpoint():
            return call.delete(_CHECKPOINTS, change.checkpoint_id)
    body: Body = {"Name": change.name, "Description": change.description}
    return call.merge(_CHECKPOINTS, change.checkpoint_id, body)
