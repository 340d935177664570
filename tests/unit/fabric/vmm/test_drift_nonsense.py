"""Hosts that tell nonsense: it is listed or refused in words, and stops nothing else."""

from __future__ import annotations

import sys
import uuid
from dataclasses import replace

import pytest
from django.conf import settings
from django.utils import timezone

from fabric.hypervisors.simulated import meddling
from fabric.vmm import drift
from fabric.vmm.actions import drift as decisions
from fabric.vmm.errors import VMMError
from fabric.vmm.models import Drift, NetworkAdapter, VirtualMachine
from tests.factories.vmm import ADMINISTRATOR, deploy
from tests.unit.fabric.vmm import books


class Retelling:
    """A host that calls its guests something else."""

    def __init__(self, driver, **told) -> None:
        self.driver, self.told = driver, told

    def __getattr__(self, name):
        return getattr(self.driver, name)

    def guests(self):
        return tuple(replace(guest, **self.told) for guest in self.driver.guests())


def test_names_that_no_row_can_keep_stop_no_comparison(fabric, monkeypatch):
    odd, well = fabric.hosts
    for host in fabric.hosts:
        meddling.add_guest(settings.SIMULATED_RACK, host.name, "old-mail")
    sweeping = sys.modules["fabric.vmm.drift.sweep"]
    ask = sweeping.open_driver

    def retell(kind, name):
        told = {"name": "x\0" * 300} if name == odd.name else {}
        return Retelling(ask(kind, name), **told)

    monkeypatch.setattr(sweeping, "open_driver", retell)
    for _ in range(2):
        assert drift.sweep() == 2
    assert Drift.objects.filter(host=well, object_name="old-mail").exists()
    assert Drift.objects.get(host=odd).object_name.startswith("x\ufffdx")


def adapter(**told) -> dict:
    usual = {"id": str(uuid.uuid4()), "mac": "02-4B-00-00-00-01", "network": "front"}
    return {**usual, "addresses": [], **told}


def stranger(fabric, **told) -> Drift:
    """Return an unknown machine that its host tells this of."""
    host = fabric.hosts[0].name
    meddling.add_guest(settings.SIMULATED_RACK, host, "old-mail", disk_gb=30)
    drift.sweep()
    found = Drift.objects.get(kind="unknown_machine")
    found.theirs = {**found.theirs, **told}
    found.save()
    return found


def refused(found: Drift, fabric, words: str) -> None:
    with pytest.raises(VMMError, match=words):
        decisions.adopt(ADMINISTRATOR, found, cloud=fabric.cloud)
    assert not VirtualMachine.objects.filter(pk=found.object_id).exists()
    books.assert_counted()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"cores": 100_000}, "number of processors of old-mail on host01"),
        ({"cores": -1}, "number of processors"),
        ({"memory_mb": 10**12}, "memory of old-mail"),
        ({"storage_gb": -4}, "storage of old-mail"),
        ({"adapters": [adapter(mac="zz" * 20)]}, "no MAC address"),
        ({"adapters": [adapter(addresses=["10.20.0.999"])]}, "no IP address"),
        ({"adapters": [adapter(id="1" * 32), adapter(id="1" * 32)]}, "twice"),
    ],
)
def test_a_machine_our_books_cannot_say_is_not_adopted(fabric, told, words):
    refused(stranger(fabric, **told), fabric, words)


def test_a_machine_with_parts_of_another_is_not_adopted(fabric, alice):
    machine = deploy(fabric, alice)
    found = stranger(fabric)
    disk, theirs = found.theirs["disks"][0], found.theirs
    for told, words in (
        ({"disks": [{**disk, "id": str(machine.disks.get().pk)}]}, "disk .* is web-01's"),
        ({"disks": [{**disk, "size_gb": -5}]}, "size of a disk"),
        ({"adapters": [adapter(id=str(machine.adapters.get().pk))]}, "adapter .* is web-01's"),
    ):
        Drift.objects.filter(pk=found.pk).update(theirs={**theirs, **told})
        refused(found, fabric, words)


def test_a_mac_is_written_the_way_all_are(fabric):
    decisions.adopt(ADMINISTRATOR, stranger(fabric, adapters=[adapter()]), cloud=fabric.cloud)
    assert NetworkAdapter.objects.get().mac == "02:4B:00:00:00:01"


@pytest.mark.parametrize(
    ("kind", "told", "words"),
    [
        ("renamed", {"name": "a/b"}, "characters that are not allowed"),
        ("renamed", {"name": ""}, "needs a name"),
        ("resized", {"cores": 100_000, "memory_mb": 1024}, "processors of web-01 on host01"),
        ("resized", {"cores": 1, "memory_mb": -1}, "memory of web-01"),
    ],
)
def test_what_our_books_cannot_say_is_not_followed(fabric, alice, kind, told, words):
    machine = deploy(fabric, alice)
    found = Drift.objects.create(
        server=fabric.server,
        host=machine.host,
        machine=machine,
        kind=kind,
        object_id=machine.pk,
        object_name=machine.name,
        theirs=told,
        seen_at=timezone.now(),
    )
    with pytest.raises(VMMError, match=words):
        decisions.adopt(ADMINISTRATOR, found)
    books.assert_counted()
