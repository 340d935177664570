"""Give machines to other owners."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from fabric.vmm import quota, roles
from fabric.vmm.actions import fields, grants, held
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.jobs.give import GIVE
from fabric.vmm.models import Cloud, Job, NetworkAdapter, UserRole, VirtualMachine, VMNetwork
from fabric.vmm.roles import Caller


@transaction.atomic
def give(
    caller: Caller, machine: VirtualMachine, *, role: UserRole | None, owner_name: str | None
) -> Job:
    """Give a machine to a member of a role (None: to nobody but the administrators).

    An owner who is not said (None) stays, where the role has that member, and else is nobody. The
    role must have the machine's cloud in its scope, room for it, and its networks. Between members
    of the caller's own role any of them may; else it takes an administrator, or one role that may
    share and another that may receive.
    """
    row = held.held(caller, machine)
    if owner_name is None:
        owner_name = row.owner_name if role is None or _is_member(role, row.owner_name) else ""
    is_within = role is not None and role.pk == row.role_id
    if is_within:
        roles.require_any(caller, *roles.CHANGE, clouds=[row.cloud_id])
        # Nobody's within a role, it would count against no member.
        if machine.owner_name and not owner_name.strip():
            raise Invalid("Choose the member whose machine it shall be.", field="owner_name")
    elif role is not None:
        roles.require_may_give(caller, role, clouds=[row.cloud_id])
    else:
        roles.require_fabric(caller)
    held.require_idle(row)
    owner = fields.text(owner_name, "The name of the owner", longest=320, field="owner_name")
    if role is not None:
        _require_member(role, owner)
        require_networks(row, role)
    before = _words(row.role, row.owner_name)
    _require_room(row, role, owner)
    affinity = row.affinity_id if is_within else None
    changes: dict[str, Any] = {"role": role, "owner_name": owner}
    VirtualMachine.objects.filter(pk=row.pk).update(affinity=affinity)
    was = row.role
    if was is not None and (role is None or role.tenant_id != was.tenant_id):
        grants.forget(row)
    row.role = role
    inputs = {"before": row.status, "from": before, "to": _words(role, owner)}
    return held.begin(caller, row, GIVE, inputs=inputs, **changes)


def _require_room(machine: VirtualMachine, role: UserRole | None, owner: str) -> None:
    """Count the machine as nobody's, then see whether the new owner has room for all of it."""
    VirtualMachine.objects.filter(pk=machine.pk).update(role=None)
    if role is None:
        return
    # The cloud has the machine already: only the role's limits are in question.
    unlimited = Cloud(pk=machine.cloud_id, name=machine.cloud.name)
    wanted = quota.Size(1, machine.cores, machine.memory_mb, machine.storage_gb, machine.points)
    quota.require_room(role, unlimited, wanted, member=owner)


def _is_member(role: UserRole, owner: str) -> bool:
    """Tell whether the role has this member; one without any has all."""
    members = {member.casefold() for member in role.members}
    return not members or owner.casefold() in members


def _require_member(role: UserRole, owner: str) -> None:
    if owner and not _is_member(role, owner):
        raise Invalid(f"{owner} is no member of the user role {role.name}.", field="owner_name")


def require_networks(machine: VirtualMachine, role: UserRole) -> None:
    """Raise Conflict naming a network the machine is on and the role may not use."""
    adapters = NetworkAdapter.objects.filter(machine=machine.pk, network__isnull=False)
    seen = VMNetwork.objects.visible_to(Caller(role=role)).values("pk")
    strange = adapters.exclude(network__in=seen).select_related("network").first()
    if strange is not None:
        raise Conflict(
            f"The machine {machine.name} is on the VM network {strange.network}, which the user "
            f"role {role.name} may not use.",
            advice="Grant the network to the role, or disconnect the machine from it.",
            field="role",
        )


def _words(role: UserRole | None, owner: str) -> str:
    return f"{owner or 'nobody'} ({role.name if role is not None else 'Administrator'})"
