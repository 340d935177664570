"""Templates in whose devices somebody is interested: what machines have is told of them as well."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from fabric.spf.schema import Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids
from fabric.vmm.models import VMTemplate


def wanted_templates(scope: Scope, wanted: Wanted) -> QuerySet[Any]:
    """The templates whose devices may be wanted; none when a machine's are."""
    assert scope.caller is not None
    if "VMId" in wanted:
        return VMTemplate.objects.none()
    rows = VMTemplate.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    ids = guids(wanted, "TemplateId")
    return rows if ids is None else rows.filter(pk__in=ids)
