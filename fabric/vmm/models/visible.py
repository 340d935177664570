"""Who sees which rows, once for all models: administrators all, a user role its own."""

from __future__ import annotations

from typing import Any, Self

from django.db import models

from fabric.vmm.roles import Caller


class ScopedQuerySet(models.QuerySet):
    """A queryset that knows `visible_to(caller)`. What a role sees is said by `of_role`."""

    def visible_to(self, caller: Caller) -> Self:
        """Return what the caller may see; acting for a role narrows even an administrator."""
        role = caller.role
        if role is None:
            return self.all() if caller.is_administrator else self.none()
        return self.of_fabric(role) if role.is_fabric else self.of_role(role)

    def of_role(self, role: Any) -> Self:
        """Return what a user role sees; nothing unless a model says otherwise."""
        return self.none()

    def of_fabric(self, role: Any) -> Self:
        """Return what a fabric or read-only administrator sees; all unless a model narrows it."""
        return self.all()

    def granted_to(self, role: Any, kind: str, also: Any = None) -> Self:
        """Return the rows that were granted to a role one by one, and others."""
        from fabric.vmm.models.userrole import RoleResource

        granted = models.Q(
            pk__in=RoleResource.objects.filter(role=role, kind=kind).values("resource_id")
        )
        return self.filter(granted if also is None else granted | also)
