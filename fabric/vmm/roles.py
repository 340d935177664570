"""Who may do what: the one place for permission and ownership, whoever calls.

Limits are counted in quota.py. Permission names are those on SPF's wire.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fabric.vmm.errors import Denied, Invalid, NotFound

if TYPE_CHECKING:
    from fabric.vmm.models import UserRole, VirtualMachine

PERMISSIONS = frozenset(
    {
        "AllowLocalAdmin",
        "Author",
        "AuthorVMNetwork",
        "CanReceive",
        "CanShare",
        "Checkpoint",
        "CheckpointRestoreOnly",
        "Create",
        "CreateFromVHDOrTemplate",
        "DeployShielded",
        "ManageAzureProfiles",
        "MigrateVM",
        "PauseAndResume",
        "RemoteConnect",
        "Remove",
        "Save",
        "Shutdown",
        "Start",
        "Stop",
        "Store",
        "UpdateVMFunctionalLevel",
    }
)

# Each operation needs all of its permissions. Store also says who may deploy what was stored.
OPERATION_PERMISSIONS: dict[str, tuple[str, ...]] = {
    "Start": ("Start",),
    "Stop": ("Stop",),
    "Shutdown": ("Shutdown",),
    "Reset": ("Start", "Stop"),
    "Suspend": ("PauseAndResume",),
    "Resume": ("PauseAndResume",),
    "SaveState": ("Save",),
    "DiscardSavedState": ("Save",),
    "Refresh": (),
    "Store": ("Store",),
    "Deploy": ("Store",),
    "CreateCheckpoint": ("Checkpoint",),
    "RemoveCheckpoint": ("Checkpoint",),
    "Move": ("MigrateVM",),
    "Remove": ("Remove",),
}
# Of these, one is enough.
DEPLOY = ("Create", "CreateFromVHDOrTemplate")
CHANGE = ("Author", *DEPLOY)
RESTORE = ("Checkpoint", "CheckpointRestoreOnly")


@dataclass(frozen=True)
class Caller:
    """Who asks: an administrator, or somebody acting for a user role, or nobody in particular.

    With a role everything is done as that role, even when an administrator asks. `request_key` is
    the same when a request that began a job is sent again.
    """

    role: UserRole | None = None
    is_administrator: bool = False
    principal: str = ""
    request_key: str = ""

    @property
    def is_unbound(self) -> bool:
        """Tell whether no role narrows what this caller may do."""
        if self.role is None:
            return self.is_administrator
        return self.role.profile == "Administrator"

    @property
    def is_read_only(self) -> bool:
        """Tell whether the caller sees the fabric and may change nothing."""
        return self.role is not None and self.role.profile == "ReadOnlyAdmin"

    @property
    def tenant_role(self) -> UserRole | None:
        """Return the role that owns what the caller makes; None for the fabric's own people."""
        return None if self.is_fabric else self.role

    @property
    def is_fabric(self) -> bool:
        """Tell whether the caller runs (or reads) the fabric, rather than uses it."""
        return self.is_administrator if self.role is None else self.role.is_fabric


@dataclass(frozen=True)
class ScopeLimits:
    """A cloud to bring into a role's scope; a limit that is None is no limit."""

    cloud_id: UUID
    vm_count: int | None = None
    cpu_count: int | None = None
    memory_mb: int | None = None
    storage_gb: int | None = None
    points: int | None = None
    member_vm_count: int | None = None
    member_cpu_count: int | None = None
    member_memory_mb: int | None = None
    member_storage_gb: int | None = None
    member_points: int | None = None


@dataclass(frozen=True)
class Grant:
    """A resource to give to a role, by id: its kind is one of ResourceKind."""

    kind: str
    resource_id: UUID


def caller_of(email: str, *, is_operator: bool) -> Caller:
    """Return whom VMM knows a person of the portal as. One query.

    Operators administer VMM, unless their e-mail is a member of fabric roles with less: then they
    are what the greatest of those allows. Everybody else is nobody here.
    """
    from fabric.vmm.models import UserRole

    if not is_operator:
        return Caller(principal=email)
    folded = email.casefold()
    order = ("Administrator", "DelegatedAdmin", "ReadOnlyAdmin")
    roles = UserRole.objects.filter(profile__in=order).order_by("name")
    found = [role for role in roles if folded in map(str.casefold, role.members)]
    greatest = min(found, key=lambda role: order.index(role.profile), default=None)
    if greatest is None or greatest.profile == "Administrator":
        return Caller(is_administrator=True, principal=email)
    return Caller(role=greatest, principal=email)


def require_administrator(caller: Caller) -> None:
    """Raise Denied unless the caller administers VMM."""
    if not caller.is_unbound:
        raise Denied("Only an administrator of VMM can do that.")


def require_fabric(caller: Caller, groups: Iterable[UUID] | None = None) -> None:
    """Raise Denied unless the caller may change the fabric, and these host groups of it.

    An administrator may change all. A fabric administrator may change what belongs to host groups
    in its scope, and, with the whole fabric in scope, what belongs to none (`groups` None).
    """
    role = caller.role
    if role is None and caller.is_administrator:
        return
    if role is None or role.profile not in ("Administrator", "DelegatedAdmin"):
        raise Denied("Only an administrator of the fabric can change that.")
    if role.profile == "Administrator" or not role.host_groups.exists():
        return
    if groups is None:
        raise Denied(f"The role {role.name} may change only what is in its host groups.")
    if not set(groups) <= role.group_ids():
        raise Denied(f"The role {role.name} has not all of these host groups in its scope.")


def require_all(caller: Caller, *permissions: str, clouds: Any = None) -> None:
    """Raise Denied, naming the first permission that the caller's role lacks.

    One that it has in any of these clouds (ids, or a queryset) is enough; at most one query.
    """
    if _is_free(caller):
        return
    lacking = _lacking(caller.role, permissions, clouds)
    if lacking:
        raise _denied(lacking[0])


def require_any(caller: Caller, *permissions: str, clouds: Any = None) -> None:
    """Raise Denied unless the caller's role has one of the permissions, in one of these clouds."""
    if _is_free(caller):
        return
    if caller.role is not None and set(permissions) & set(caller.role.permissions):
        return
    if len(_lacking(caller.role, permissions, clouds)) == len(permissions):
        raise _denied(permissions[0])


def require_own(caller: Caller, machine: VirtualMachine) -> None:
    """Raise NotFound unless the machine is the caller's to change, Denied when only to look at."""
    if caller.is_unbound or (caller.role is not None and machine.role_id == caller.role.pk):
        return
    if caller.role is None or not _sees(caller, machine):
        raise NotFound(f"There is no virtual machine {machine.pk}.")
    _require_may_change(caller)


def require_may_give(caller: Caller, receiver: UserRole, *, clouds: Any = None) -> None:
    """Raise Denied unless the caller may give a thing of its own in these clouds to this role."""
    require_all(caller, "CanShare", clouds=clouds)
    if not caller.is_fabric and _lacking(receiver, ["CanReceive"], clouds):
        raise Denied(f"The user role {receiver.name} may receive nothing: it lacks CanReceive.")


def clean_permissions(names: list[str]) -> list[str]:
    """Return the names once each, sorted; Invalid names one that VMM does not know."""
    unknown = sorted(set(names) - PERMISSIONS)
    if unknown:
        raise Invalid(f"There is no permission {unknown[0]!r}.")
    return sorted(set(names))


def _is_free(caller: Caller) -> bool:
    """Tell whether no permission narrows the caller: the fabric's own people have all of them."""
    _require_may_change(caller)
    return caller.is_fabric


def _lacking(role: UserRole | None, permissions: Iterable[str], clouds: Any) -> list[str]:
    lacking = [name for name in permissions if role is None or name not in role.permissions]
    if not lacking or role is None or clouds is None:
        return lacking
    there = role.scopes.filter(cloud__in=clouds).values_list("permissions", flat=True)
    return sorted(set(lacking).difference(*there), key=lacking.index)


def _require_may_change(caller: Caller) -> None:
    if caller.is_read_only:
        raise Denied(f"The role {caller.role} may read everything and change nothing.")


def _sees(caller: Caller, machine: VirtualMachine) -> bool:
    rows = type(machine)._default_manager
    return bool(rows.visible_to(caller).filter(pk=machine.pk).exists())


def _denied(permission: str) -> Denied:
    return Denied(
        f"The user role does not permit {permission}.",
        advice="Ask your provider to add the action to your plan.",
    )
