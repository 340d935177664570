"""The user roles of the fake cloud: tenants' own, and those inside them for members."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

from fabric.providers.base import MemberRole, TenantOrder
from fabric.providers.errors import Missing
from fabric.providers.fake.world import FakeMachine


class Roles(dict[uuid.UUID, TenantOrder]):
    """Tenants' roles by id; `role` and what follows know those inside them as well."""

    def role(self, id: uuid.UUID) -> TenantOrder:
        """Return what a role has: one inside a tenant's has no more than that; raises Missing."""
        found = self.get(id)
        if found is not None:
            return found
        parent, member = self._inside(id)
        permissions = tuple(name for name in member.permissions if name in parent.permissions)
        return replace(parent, id=id, permissions=permissions, limits=member.limits, members=())

    def counted(self, id: uuid.UUID) -> Iterator[tuple[TenantOrder, frozenset[uuid.UUID]]]:
        """Yield the roles whose limits hold for a role, each with those that count in it."""
        yield self.role(id), self.family(id)
        if id not in self:
            parent, _ = self._inside(id)
            yield parent, self.family(parent.id)

    def family(self, id: uuid.UUID) -> frozenset[uuid.UUID]:
        """Return a role's id and those of the roles inside it."""
        inside = self[id].members if id in self else ()
        return frozenset({id, *(member.id for member in inside)})

    def sees(self, id: uuid.UUID, machine: FakeMachine) -> bool:
        """Tell whether a role sees a machine: its own, and those given to it."""
        if machine.tenant in self.family(id):
            return True
        if id in self:
            return False
        try:
            parent, member = self._inside(id)
        except Missing:
            return False
        if machine.tenant not in self.family(parent.id):
            return False
        return member.machines is None or machine.id in member.machines

    def _inside(self, id: uuid.UUID) -> tuple[TenantOrder, MemberRole]:
        for parent in self.values():
            for member in parent.members:
                if member.id == id:
                    return parent, member
        raise Missing("There is no user role for this subscription.")
