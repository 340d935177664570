"""What somebody may give to others: never more than they have themselves.

A Tenant Admin may give everything. Who has the Team right without being one may give rights and
machines they have, and change only people who may no more than they.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tenants import rights
from tenants.errors import NotPermitted, Refused
from tenants.models import Membership, Role, Tenant, TenantRole, User


@dataclass(frozen=True)
class Place:
    """What a membership is to say. `rights` None is as the role."""

    role: str
    custom_role: TenantRole | None = None
    rights: tuple[str, ...] | None = None
    all_machines: bool = True

    @property
    def effective(self) -> frozenset[str]:
        """Return the rights this comes to."""
        all_of_role = rights.of_role(self.role, self.custom_role)
        return all_of_role if self.rights is None else all_of_role & frozenset(self.rights)

    def cleaned(self, tenant: Tenant) -> Place:
        """Return it without what its role does not know, a composed one read anew; raises Refused
        when it makes no sense. The tenant is locked.
        """
        if self.role not in Role.values:
            raise Refused(_("Choose a role."), field="role")
        if self.role == Role.ADMIN:
            return Place(Role.ADMIN)
        custom = None
        if self.role == Role.CUSTOM:
            named = self.custom_role.pk if self.custom_role else None
            custom = tenant.roles.filter(pk=named).first()
            if custom is None:
                raise Refused(_("Choose a role of this tenant."), field="role")
        narrowed = None
        if self.rights is not None:
            wanted = frozenset(self.rights) & rights.of_role(self.role, custom)
            if wanted != rights.of_role(self.role, custom):
                narrowed = tuple(right for right in rights.Right.values if right in wanted)
        return Place(self.role, custom, narrowed, self.all_machines)


@dataclass(frozen=True)
class Authority:
    """What a person with the Team right may give in a tenant."""

    user: User
    rights: frozenset[str]
    all_machines: bool
    is_admin: bool

    def check_gives(self, place: Place) -> None:
        """Raise NotPermitted when the place is worth more than the giver's."""
        if self.is_admin:
            return
        if place.role == Role.ADMIN:
            raise NotPermitted(_("Only a Tenant Admin makes Tenant Admins."), field="role")
        self.check_rights(place.effective)
        if place.all_machines and not self.all_machines:
            raise NotPermitted(
                _("You do not have all machines: choose from yours."), field="all_machines"
            )

    def check_rights(self, given: Collection[str], field: str = "role") -> None:
        """Raise NotPermitted, naming them, when there are rights the giver lacks."""
        lacking = [right for right in rights.Right.values if right in set(given) - self.rights]
        if lacking and not self.is_admin:
            words = ", ".join(str(rights.Right(right).label) for right in lacking)
            raise NotPermitted(_("You lack these rights yourself: %s.") % words, field=field)

    def check_changes(self, member: Membership) -> None:
        """Raise NotPermitted when the member may more than who wants to change them."""
        if self.is_admin:
            return
        if member.user_id == self.user.pk:
            raise NotPermitted(_("Somebody else has to change your own place."))
        above = member.role == Role.ADMIN or not rights.of_member(member) <= self.rights
        if above or (member.all_machines and not self.all_machines):
            raise NotPermitted(
                _("%(who)s may more than you: ask a Tenant Admin.") % {"who": member.user}
            )


def authority_of(by: User, tenant: Tenant) -> Authority:
    """Return what a person may give; raises NotPermitted without the Team right. One query."""
    own = rights.memberships_of([by], [tenant]).first()
    held = rights.through_key(by, tenant.pk, rights.of_member(own)) if own else frozenset()
    if own is None or rights.Right.TEAM not in held:
        raise NotPermitted(_("Your role does not allow changing the team."))
    is_admin = own.role == Role.ADMIN and held == rights.ALL
    return Authority(by, held, own.all_machines, is_admin)
