"""Whatever a row shows under a column, the database finds the row by it and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from fabric.odata.filter import Compare, Condition, Literal, Property
from fabric.spf.models import Account
from fabric.spf.narrowing import filtered
from fabric.spf.schema import Table
from fabric.spf.scope import Scope, load_stamps
from fabric.spf.services import ADMIN_SERVICE, VMM_SERVICE
from fabric.vmm.roles import Caller as VMMCaller
from tests.factories.vmm import acting_for, deploy, make_iso, make_role, make_share

# Without these the test would prove little; the others are looked at where they have rows.
SEEN = {
    "Clouds",
    "ISOs",
    "Jobs",
    "LibraryShares",
    "LogicalNetworks",
    "Stamps",
    "UserRoles",
    "VirtualDiskDrives",
    "VirtualHardDisks",
    "VirtualMachines",
    "VirtualNetworkAdapters",
    "VMNetworks",
    "VMTemplates",
}


@pytest.fixture
def scope(fabric, role, stamp) -> Scope:
    """Return an administrator's scope over a fabric with a bit of everything."""
    deploy(fabric, acting_for(role), "web-01")
    deploy(fabric, acting_for(make_role(fabric, "bob@example.net")), "db-01", tag="blue")
    make_iso(fabric, make_share(fabric))
    return Scope(
        account=Account(username="olga"),
        caller=VMMCaller(is_administrator=True, principal="olga"),
        stamps=load_stamps(),
    )


def tables() -> list[Any]:
    return [
        (entity_set, source)
        for service in (VMM_SERVICE, ADMIN_SERVICE)
        for entity_set in service.model.sets.values()
        for source in service.resource(entity_set).sources
        if isinstance(source, Table)
    ]


def test_a_row_is_found_by_all_that_it_shows(scope):
    seen = set()
    for entity_set, table in tables():
        rows = [(each.pk, table.row(scope, told)) for each, told in _both(scope, table)]
        seen |= {entity_set.name} if rows else set()
        for name in table.columns:
            for _, shown in rows[:3]:
                for op in ("eq", "ne"):
                    tree = Compare(op, Property((name,)), Literal(shown.get(name)))
                    found, is_exact = filtered(
                        scope, table, entity_set.type, table.objects(scope), tree
                    )
                    kept = set(found.values_list("pk", flat=True))
                    passing = {pk for pk, row in rows if Condition(tree).passes(row)}
                    where = (entity_set.name, name, op, shown.get(name))
                    assert passing == kept if is_exact else passing <= kept, where
    assert seen >= SEEN


def _both(scope: Scope, table: Table) -> list[Any]:
    """The objects of a table, each with what its row is told from."""
    objects = list(table.objects(scope).order_by("pk"))
    told = list(table.told(table.objects(scope).order_by("pk")))
    return list(zip(objects, told, strict=True))
