"""Who asks, and what they may see: with an API key only what belongs to the key's tenant."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from fabric.models import Job, Machine
from fabric.states import missing_for
from plans.models import Subscription
from portal.problems import Problem
from tenants.models import ApiKey, Tenant, User
from tenants.rights import Right

Rows = TypeVar("Rows", bound=QuerySet[Any])


class Caller:
    """A person, and the key they came with, if any."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.key: ApiKey | None = user.key

    @property
    def name(self) -> str:
        """Return what requests are counted by."""
        return f"key:{self.key.pk}" if self.key else f"user:{self.user.pk}"

    def tenants(self) -> QuerySet[Tenant]:
        return self.within(Tenant.objects.visible_to(self.user), "pk")

    def subscriptions(self) -> QuerySet[Subscription]:
        return self.within(Subscription.objects.visible_to(self.user), "tenant")

    def machines(self) -> QuerySet[Machine]:
        return self.within(Machine.objects.visible_to(self.user), "subscription__tenant")

    def jobs(self) -> QuerySet[Job]:
        return self.within(Job.objects.visible_to(self.user), "subscription__tenant")

    def within(self, rows: Rows, path: str) -> Rows:
        """Return the rows of the key's tenant, to which `path` leads; all of them without a key."""
        return rows.filter(**{path: self.key.tenant_id}) if self.key else rows

    def require_scope(self, right: str) -> None:
        """Raise the problem that names the scope which the key lacks."""
        if self.key is not None and right not in self.key.scopes:
            self._lacks(right)

    def require_verb(self, verb: str) -> None:
        """Raise the problem that names the first scope the key lacks for a machine's command."""
        missing = missing_for(verb, self.key.scopes) if self.key else None
        if missing:
            self._lacks(missing)

    def _lacks(self, right: str) -> NoReturn:
        raise Problem(
            "missing_scope",
            _("This API key lacks the scope “%(scope)s” (%(words)s).")
            % {"scope": right, "words": Right(right).label},
            extra={"missing_scope": right},
        )
