"""Roles inside a tenant's: who may less than all, how much of the quota, and which machines.

One that sees chosen machines has the profile SelfServiceUser, one that sees all TenantAdmin; made
anew when that changes, its machines are the tenant's, and among the chosen ones if ordered so. A
machine's GrantedToList names whom it was given; to give it to nobody, it names its tenant's role.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fabric.odata import filter
from fabric.odata.uri import entity_url
from fabric.providers.base import MemberRole, TenantOrder
from fabric.providers.errors import Missing, Throttled
from fabric.providers.spf import orders, reading
from fabric.providers.spf.faults import Conflict
from fabric.providers.spf.orders import Body
from fabric.providers.spf.reading import Row
from fabric.providers.spf.session import Session, query

CHOSEN: Final = "SelfServiceUser"
ALL: Final = "TenantAdmin"
_GRANTED: Final = "GrantedToList"


@dataclass(frozen=True)
class _Machine:
    id: uuid.UUID
    owner: uuid.UUID | None
    granted: frozenset[uuid.UUID]


def ensure(session: Session, order: TenantOrder, without: Collection[str] = frozenset()) -> None:
    """Bring the roles inside the tenant's to what is ordered; two queries if nothing is to be done,
    one where there are none and shall be none."""
    known = _known(session, order)
    if not known and not order.members:
        return
    machines = _machines(session, order)
    wanted = {member.id: member for member in order.members}
    profiles = {id: _profile(member) for id, member in wanted.items()}
    removed = [
        id
        for id, row in known.items()
        if reading.text(row, "UserRoleProfile", "Profile") != profiles.get(id)
    ]
    _remove(session, order, removed, machines)
    for id, member in wanted.items():
        row = known.get(id, {})
        is_kept = reading.text(row, "UserRoleProfile", "Profile") == profiles[id]
        _ensure_role(session, order, member, row if is_kept else {}, without)
    _ensure_grants(session, order, machines)


def remove_all(session: Session, order: TenantOrder) -> None:
    """Remove every role inside the tenant's; what they own is the tenant's then."""
    known = _known(session, order)
    if known:
        _remove(session, order, list(known), _machines(session, order))


def _profile(member: MemberRole) -> str:
    return ALL if member.machines is None else CHOSEN


def _known(session: Session, order: TenantOrder) -> Mapping[uuid.UUID, Row]:
    condition = filter.eq("ParentUserRoleId", order.id)
    rows = session.rows(session.vmm("UserRoles") + query(filter=condition))
    return {id: row for row in rows if (id := reading.guid(row, "ID"))}


def _machines(session: Session, order: TenantOrder) -> list[_Machine]:
    """The machines of the tenant's role and of those inside it."""
    condition = filter.eq("StampId", order.stamp_id)
    rows = session.rows(session.vmm("VirtualMachines", order.id) + query(filter=condition))
    return [
        _Machine(
            id,
            reading.guid(reading.inside(row, "Owner"), "RoleID"),
            frozenset(
                role
                for each in reading.several(row, _GRANTED)
                if (role := reading.guid(each, "RoleID")) and role != order.id
            ),
        )
        for row in rows
        if (id := reading.guid(row, "ID"))
    ]


def _ensure_role(
    session: Session,
    order: TenantOrder,
    member: MemberRole,
    known: Row,
    without: Collection[str],
) -> None:
    """Make the role, or change it; it has what it may of the tenant's own, and no more."""
    body = orders.fit(orders.member_role(order, member, known), "UserRoles", without)
    if known:
        session.merge(session.vmm(entity_url("UserRoles", {"ID": member.id})), body)
        return
    profile = {"UserRoleProfile": _profile(member), "ParentUserRoleId": str(order.id)}
    session.create(session.vmm("UserRoles"), {**body, **profile})


def _remove(
    session: Session,
    order: TenantOrder,
    roles: Collection[uuid.UUID],
    machines: Iterable[_Machine],
) -> None:
    """Remove roles, after what they own was given to the tenant's; raises Throttled until then."""
    owned = [machine for machine in machines if machine.owner in roles]
    owner = {"odata.type": "VMM.UserAndRole", "RoleID": str(order.id)}
    for machine in owned:
        try:
            _merge(session, order, machine, {"Owner": owner})
        except (Conflict, Missing):
            # Something is under way on it, maybe this, or it is gone: that is seen the next time.
            continue
    if owned:
        raise Throttled("The machines of a role that goes are being given to the tenant's.")
    for id in roles:
        try:
            session.send("DELETE", session.vmm(entity_url("UserRoles", {"ID": id})))
        except Missing:
            continue


def _ensure_grants(session: Session, order: TenantOrder, machines: Collection[_Machine]) -> None:
    """Have every machine be given to those who shall see it, as far as that differs."""
    for machine in machines:
        wanted = {
            member.id
            for member in order.members
            if machine.id in (member.machines or ()) and member.id != machine.owner
        }
        if wanted == machine.granted:
            continue
        items = [
            {"odata.type": "VMM.UserAndRole", "RoleID": str(id)}
            for id in sorted(wanted or {order.id})
        ]
        listed: dict[str, Any] = {f"{_GRANTED}@odata.type": "Collection(VMM.UserAndRole)"}
        try:
            _merge(session, order, machine, {**listed, _GRANTED: items})
        except Missing:
            # Removed since it was read: nobody sees it any more.
            continue


def _merge(session: Session, order: TenantOrder, machine: _Machine, body: Body) -> None:
    at = entity_url("VirtualMachines", {"ID": machine.id, "StampId": order.stamp_id})
    session.merge(session.vmm(at), {"odata.type": "VMM.VirtualMachine", **body})
