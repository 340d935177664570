"""Affinity sets: whose they are, and what they refuse, naming both machines and where they are."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, placement
from fabric.vmm.errors import Conflict, Invalid, NotFound
from fabric.vmm.models import AffinityKind, VirtualMachine
from tests.factories.placement import unplaced
from tests.factories.vmm import ADMINISTRATOR


@pytest.fixture
def pair(fabric, alice) -> list[VirtualMachine]:
    """Return alice's web-01 and web-02, both on the first host."""
    machines = [unplaced(fabric, name, role=alice.role) for name in ("web-01", "web-02")]
    for machine in machines:
        placement.place(machine, among=[fabric.hosts[0]])
    return machines


def add(caller, fabric, **values):
    return actions.affinity.add(caller, fabric.server, **{"name": "web"} | values)


def members(affinity) -> set[str]:
    return set(affinity.machines.values_list("name", flat=True))


def test_machines_that_break_a_strict_set_are_named_with_their_host(fabric, pair):
    words = f"web-01 and web-02 are both on {fabric.hosts[0]}: the set web is to keep them apart"
    with pytest.raises(Conflict, match=words):
        add(ADMINISTRATOR, fabric, machines=pair)
    loose = add(ADMINISTRATOR, fabric, machines=pair, is_strict=False)
    assert members(loose) == {"web-01", "web-02"}
    with pytest.raises(Conflict, match=words):
        actions.affinity.change(ADMINISTRATOR, loose, is_strict=True)
    actions.affinity.take_out(ADMINISTRATOR, loose, machines=pair[:1])
    strict = actions.affinity.change(ADMINISTRATOR, loose, is_strict=True, name="front")
    assert (strict.name, members(strict)) == ("front", {"web-02"})


def test_machines_that_belong_together_must_be(fabric, pair):
    together = add(ADMINISTRATOR, fabric, kind=AffinityKind.TOGETHER, machines=pair)
    far = unplaced(fabric, "web-03")
    placement.place(far, among=[fabric.hosts[1]])
    with pytest.raises(Conflict, match=f"web-02 is on {fabric.hosts[0]} and web-03 on"):
        actions.affinity.put_in(ADMINISTRATOR, together, machines=[far])
    assert members(together) == {"web-01", "web-02"}


def test_a_tenant_has_sets_of_its_own_and_is_told_no_host(fabric, alice, charlie, pair):
    with pytest.raises(Conflict, match="web-01 and web-02 are both on one host"):
        add(alice, fabric, machines=pair)
    mine = add(alice, fabric, machines=pair[:1])
    assert mine.role == alice.role
    assert add(charlie, fabric).role == charlie.role
    with pytest.raises(Conflict, match="affinity set called 'web'"):
        add(alice, fabric)
    with pytest.raises(NotFound):
        actions.affinity.remove(charlie, mine)
    with pytest.raises(NotFound):
        actions.affinity.put_in(charlie, mine, machines=[])
    with pytest.raises(NotFound):
        add(charlie, fabric, name="db", machines=pair)


def test_a_tenants_set_takes_only_its_machines(fabric, alice, pair):
    mine = add(alice, fabric)
    with pytest.raises(Invalid, match="other-01 is not of the user role that owns the set web"):
        actions.affinity.put_in(ADMINISTRATOR, mine, machines=[unplaced(fabric, "other-01")])


def test_a_set_that_is_removed_lets_its_machines_go(fabric, pair):
    made = add(ADMINISTRATOR, fabric, machines=pair[:1])
    actions.affinity.remove(ADMINISTRATOR, made)
    pair[0].refresh_from_db()
    assert pair[0].affinity is None


def test_a_kind_must_be_one(fabric):
    with pytest.raises(Invalid, match="'near'"):
        add(ADMINISTRATOR, fabric, kind="near")
