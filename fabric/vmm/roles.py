"""Who may do what: the one place for permission and ownership, whoever calls.

Limits are counted in quota.py. Permission names are those on SPF's wire.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
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

# Each operation needs all of its permissions.
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
}
DEPLOY = ("Create", "CreateFromVHDOrTemplate")
CHANGE = ("Author", *DEPLOY)


@dataclass(frozen=True)
class Caller:
    """Who asks: an administrator, or somebody acting for a user role, or nobody in particular.

    With a role everything is done as that role, even when an administrator asks.
    """

    role: UserRole | None = None
    is_administrator: bool = False
    principal: str = ""

    @property
    def is_unbound(self) -> bool:
        """Tell whether no role narrows what this caller may do."""
        if self.role is None:
            return self.is_administrator
        return self.role.profile == "Administrator"

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
    member_vm_count: int | None = None
    member_cpu_count: int | None = None
    member_memory_mb: int | None = None
    member_storage_gb: int | None = None


@dataclass(frozen=True)
class Grant:
    """A resource to give to a role: VMTemplate, HardwareProfile or VMNetwork, by id."""

    kind: str
    resource_id: UUID


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


def require_all(caller: Caller, *permissions: str) -> None:
    """Raise Denied, naming the first permission that the caller's role lacks."""
    if caller.is_unbound:
        return
    for permission in permissions:
        if caller.role is None or permission not in caller.role.permissions:
            raise _denied(permission)


def require_any(caller: Caller, *permissions: str) -> None:
    """Raise Denied unless the caller's role has one of the permissions."""
    if caller.is_unbound:
        return
    if caller.role is None or not set(permissions) & set(caller.role.permissions):
        raise _denied(permissions[0])


def require_own(caller: Caller, machine: VirtualMachine) -> None:
    """Raise NotFound unless the machine is one the caller may see."""
    if caller.is_unbound or (caller.role is not None and machine.role_id == caller.role.pk):
        return
    raise NotFound(f"There is no virtual machine {machine.pk}.")


def clean_permissions(names: list[str]) -> list[str]:
    """Return the names once each, sorted; Invalid names one that VMM does not know."""
    unknown = sorted(set(names) - PERMISSIONS)
    if unknown:
        raise Invalid(f"There is no permission {unknown[0]!r}.")
    return sorted(set(names))


def _denied(permission: str) -> Denied:
    return Denied(
        f"The user role does not permit {permission}.",
        advice="Ask your provider to add the action to your plan.",
    )
