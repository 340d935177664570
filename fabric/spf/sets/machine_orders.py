"""Virtual machines made over SPF: what an order says, in VMM's words.

Inputs that VMM has no use for are dropped before they come here.
"""

from __future__ import annotations

from hashlib import sha256

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Create, Row, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.userroles import ADMINISTRATOR_ID
from fabric.vmm.actions import machines
from fabric.vmm.models import Checkpoint, RunAsAccount, Server, UserRole, VirtualMachine

# What is said of the guest, and VMM's keyword that takes it as it is; so with the rest of an order.
GUEST = {
    "Domain": "domain",
    "LinuxAdministratorSSHKeyString": "ssh_keys",
    "LocalAdminPassword": "local_admin_password",
    "LocalAdminUserName": "local_admin_user",
    "MachineObjectOU": "domain_unit",
    "Password": "domain_password",
    "ProductKey": "product_key",
    "UserData": "user_data",
    "UserName": "domain_user",
    "WorkGroup": "workgroup",
}
_PLAIN = GUEST | {
    "ComputerName": "computer_name",
    "CostCenter": "cost_center",
    "CPUCount": "cores",
    "Description": "description",
    "DynamicMemoryEnabled": "is_dynamic_memory",
    "HardwareProfileId": "hardware_profile_id",
    "HighlyAvailable": "is_highly_available",
    "Memory": "memory_mb",
    "StartAction": "start_action",
    "StopAction": "stop_action",
    "Tag": "tag",
    "VirtualHardDiskId": "disk_id",
    "VMTemplateId": "template_id",
}

# What makes a copy of a machine, or of what it was at a checkpoint, and what such a copy takes.
_OF_MACHINES = ("SourceVMId", "SourceCheckpointId")
_OF_COPIES = {
    "CostCenter": "cost_center",
    "Description": "description",
    "Name": "name",
    "StartVM": "start",
    "Tag": "tag",
}
# Clients send a computer name unasked.
_WITH_COPIES = {"StampId", "CloudId", "ComputerName", *_OF_MACHINES, *_OF_COPIES}


def _create(scope: Scope, body: Row) -> Written:
    assert scope.caller is not None
    if any(name in body for name in _OF_MACHINES):
        return _copy(scope, body)
    if "CloudId" not in body:
        raise BadRequest("The parameter CloudId is mandatory.")
    _require_source(body)
    server = named.server_of(scope, body)
    owner = body.get("Owner") or {}
    machine, job = machines.create(
        scope.caller,
        server=server,
        cloud_id=body["CloudId"],
        name=body["Name"],
        adapters=[_adapter(item) for item in body.get("NewVirtualNetworkAdapterInput", ())],
        # Here a time zone is the number Windows set-up knows it by.
        time_zone=str(body.get("TimeZone", "")),
        local_admin_account=_account(scope, server, body),
        start=body.get("StartVM", False),
        request_key=_key(scope, body),
        owner_role=_owner_role(scope, owner),
        owner_name=owner.get("UserName") or "",
        **{keyword: body[name] for name, keyword in _PLAIN.items() if name in body},
    )
    return Written(machine, job.pk)


def _copy(scope: Scope, body: Row) -> Written:
    """A machine made of another one: its size, networks and guest are the source's."""
    assert scope.caller is not None
    if all(name in body for name in _OF_MACHINES):
        raise BadRequest("Give either the parameter SourceVMId or SourceCheckpointId.")
    for name, value in body.items():
        if value not in (None, "", []) and name not in _WITH_COPIES:
            raise BadRequest(f"The parameter {name} is not for a copy of a machine.")
    said = {keyword: body[name] for name, keyword in _OF_COPIES.items() if name in body}
    key = _key(scope, body)
    if "SourceVMId" in body:
        source = named.machine(scope, body, "SourceVMId")
        _require_cloud(source, body)
        machine, job = machines.clone(scope.caller, source, request_key=key, **said)
    else:
        rows = Checkpoint.objects.visible_to(scope.caller).select_related("machine")
        rows = rows.filter(machine__server=scope.server_of(body["StampId"]))
        id = body["SourceCheckpointId"]
        checkpoint = named.one(rows, "SourceCheckpointId", id, "checkpoint")
        _require_cloud(checkpoint.machine, body)
        machine, job = machines.of_checkpoint(scope.caller, checkpoint, request_key=key, **said)
    return Written(machine, job.pk)


def _require_cloud(source: VirtualMachine, body: Row) -> None:
    if body.get("CloudId", source.cloud_id) != source.cloud_id:
        raise BadRequest("The parameter CloudId is another cloud than that of the machine to copy.")


def _key(scope: Scope, body: Row) -> str | None:
    """What is the same for an order and its repeat: some clients give one id to several orders.

    Which machine it is about is enough; of the rest, passwords must leave no trace.
    """
    if not scope.request_key:
        return None
    said = "\0".join(str(body.get(name, "")) for name in ("StampId", "CloudId", "Name"))
    said += "".join(f"\0{body[name]}" for name in _OF_MACHINES if name in body)
    return f"{scope.request_key}:{sha256(said.encode()).hexdigest()[:24]}"


def _require_source(body: Row) -> None:
    if ("VMTemplateId" in body) == ("VirtualHardDiskId" in body):
        raise BadRequest("Give either the parameter VMTemplateId or VirtualHardDiskId.")
    if "VirtualHardDiskId" in body and not (
        "HardwareProfileId" in body or ("CPUCount" in body and "Memory" in body)
    ):
        raise BadRequest(
            "The parameter VirtualHardDiskId needs HardwareProfileId, or CPUCount and Memory."
        )


def _adapter(item: Row) -> machines.NewAdapter:
    return machines.NewAdapter(
        network_id=item.get("VMNetworkId"),
        network_name=item.get("VMNetworkName") or "",
        mac=item.get("MACAddress") or "",
        mac_type=item.get("MACAddressType") or "",
        ipv4_type=item.get("IPv4AddressType") or "",
        address=_address(item),
    )


def _address(item: Row) -> str:
    address = (item.get("IPv4Address") or "").strip()
    if ":" in address:
        raise BadRequest("The parameter IPv4Address takes an IPv4 address.")
    return address


def _account(scope: Scope, server: Server, body: Row) -> RunAsAccount | None:
    """The run-as account that is to be the local administrator, by its name."""
    assert scope.caller is not None
    name = body.get("LocalAdminRunAsAccountName")
    if not name:
        return None
    rows = RunAsAccount.objects.visible_to(scope.caller).filter(server=server, is_enabled=True)
    found: RunAsAccount | None = rows.filter(name=name).first()
    if found is None:
        raise BadRequest("The parameter LocalAdminRunAsAccountName names no account you may use.")
    return found


def _owner_role(scope: Scope, owner: Row) -> UserRole | None:
    """The role an administrator makes the machine for; everybody else makes it for its own."""
    assert scope.caller is not None
    role_id = owner.get("RoleID")
    if scope.caller.role is not None or role_id in (None, ADMINISTRATOR_ID):
        return None
    role: UserRole | None = UserRole.objects.visible_to(scope.caller).filter(pk=role_id).first()
    if role is None:
        raise BadRequest("The parameter Owner names no user role.")
    return role


CREATE = Create(
    _create,
    takes=names(
        "StampId CloudId Name NewVirtualNetworkAdapterInput TimeZone LocalAdminRunAsAccountName "
        "StartVM Owner SourceVMId SourceCheckpointId"
    )
    | _PLAIN.keys(),
    requires=("StampId", "Name"),
)
