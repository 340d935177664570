"""MAC pools: ranges that make sense and do not meet."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, addresses
from fabric.vmm.addresses.macs import serving
from fabric.vmm.errors import Conflict, Denied, Invalid
from fabric.vmm.models import MACPool, Server
from tests.factories.vmm import ADMINISTRATOR, make_fabric

macs = actions.macs


def add(fabric, name="first", first="02-00-00-00-00-01", last="0200000000ff", **values) -> MACPool:
    return macs.add(ADMINISTRATOR, fabric.server, name=name, first=first, last=last, **values)


def test_a_pool_is_added_changed_and_removed(fabric):
    pool = add(fabric, host_groups=[fabric.group])
    assert (addresses.text(pool.first), pool.cursor) == ("02:00:00:00:00:01", pool.first)
    assert addresses.new_mac(serving(fabric.server, fabric.hosts[0])) == "02:00:00:00:00:01"
    changed = macs.change(ADMINISTRATOR, pool, first="02:00:00:00:00:80", name="second")
    assert (changed.name, changed.cursor) == ("second", changed.first)
    assert list(pool.host_groups.all()) == [fabric.group]
    macs.change(ADMINISTRATOR, pool, host_groups=[])
    assert not pool.host_groups.exists()
    macs.remove(ADMINISTRATOR, pool)
    assert not MACPool.objects.exists()


@pytest.mark.parametrize(
    ("values", "says", "field"),
    [
        ({"first": "02:00"}, "'02:00' of MAC pool first is no MAC", "first"),
        ({"last": "GG:00:00:00:00:00"}, "no MAC", "last"),
        ({"first": "03:00:00:00:00:01"}, "multicast", "first"),
        ({"first": "02:00:00:00:01:00"}, "02:00:00:00:01:00 .* 02:00:00:00:00:FF", "first"),
        ({"last": "02:00:01:00:00:01"}, "at most 16,777,216 MACs", "last"),
    ],
)
def test_what_makes_no_sense_is_refused(fabric, values, says, field):
    with pytest.raises(Invalid, match=says) as refusal:
        add(fabric, **values)
    assert refusal.value.field == field


def test_ranges_of_a_server_do_not_meet(fabric):
    add(fabric)
    with pytest.raises(Conflict, match="pool second, .* overlaps the one of first") as refusal:
        add(fabric, "second", "02:00:00:00:00:FF", "02:00:00:00:01:00")
    assert refusal.value.field == "first"
    other = Server.objects.create(name="other.example.net")
    macs.add(
        ADMINISTRATOR, other, name="first", first="02:00:00:00:00:01", last="02:00:00:00:00:FF"
    )


def test_tenants_and_other_servers_have_no_part_in_it(fabric, alice):
    pool = add(fabric)
    with pytest.raises(Denied):
        macs.add(alice, fabric.server, name="mine", first="0A:00:00:00:00:01", last="0A0000000009")
    with pytest.raises(Denied):
        macs.change(alice, pool, name="mine")
    with pytest.raises(Denied):
        macs.remove(alice, pool)
    with pytest.raises(Invalid, match="another VMM server"):
        macs.change(ADMINISTRATOR, pool, host_groups=[make_fabric().group])
