"""The page of a host: its machines, its jobs, its load, its drain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from fabric.hypervisors.base import Counters
from fabric.vmm import performance
from fabric.vmm.models import Host, Job, UserRole, VirtualMachine
from tests.factories.vmm import ADMINISTRATOR, deploy, finish

FRAGMENT = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def machine(fabric) -> VirtualMachine:
    return deploy(fabric, ADMINISTRATOR, "web-01")


def page(host: Host, tab: str = "") -> str:
    return reverse("fabric-host", args=[host.pk]) + (f"?tab={tab}" if tab else "")


def do(host: Host) -> str:
    return reverse("fabric-host-do", args=[host.pk])


def measured(*machines: VirtualMachine, cpu: int = 50) -> None:
    """Tell two samples of each machine, a minute apart."""
    now = timezone.now()
    for at in (now - timedelta(minutes=1), now):
        performance.record([Counters(each.pk, cpu, 512, 10, 800) for each in machines], at)


def test_machines_and_jobs_of_the_host(site, machine) -> None:
    assert "web-01" in site.get(page(machine.host, "machine")).content.decode()
    assert "Create virtual machine" in site.get(page(machine.host, "job")).content.decode()


def test_the_load_is_the_sum_of_the_machines(
    site, fabric, machine, django_assert_num_queries
) -> None:
    host = machine.host
    others = [deploy(fabric, ADMINISTRATOR, f"app-{number}") for number in range(3)]
    here = [each for each in (machine, *others) if each.host_id == host.pk]
    measured(machine, *others)
    with django_assert_num_queries(1):
        curves = {name: values for name, values, _times in performance.host_curves(host, "hour")}
    assert curves["MemoryUsage"][-1] == 512 * len(here)
    assert curves["CPUUsage"][-1] == round(50 * sum(each.cores for each in here) / host.cores)
    shown = site.get(page(host)).content.decode()
    assert "Memory: now" in shown
    assert "kB/s" in site.get(f"{page(host)}?view=table").content.decode()


def test_the_page_costs_the_same_for_many(
    site, fabric, machine, django_assert_max_num_queries
) -> None:
    host = machine.host
    for tab in ("", "machine", "job"):
        with django_assert_max_num_queries(40) as first:
            site.get(page(host, tab))
        for number in range(4):
            deploy(fabric, ADMINISTRATOR, f"app-{tab}{number}")
        with django_assert_max_num_queries(len(first)):
            site.get(page(host, tab))


def test_a_host_is_drained(site, fabric, machine) -> None:
    host = machine.host
    shown = site.post(do(host), {"verb": "drain"}, follow=True).content.decode()
    assert "Being drained" in shown
    assert "0 of 1 machines are gone" in shown
    finish(Job.objects.filter(subject=machine.pk).latest("created_at"))
    fragment = site.get(reverse("fabric-host-live", args=[host.pk]), **FRAGMENT).content.decode()
    assert "the host is empty" in fragment
    assert "every 2s" not in fragment
    site.post(do(host), {"verb": "stop-drain"})
    host.refresh_from_db()
    assert host.drain_started_at is None
    assert host.is_in_maintenance


def test_a_machine_that_stays_is_named_with_the_reason(site, fabric, machine) -> None:
    VirtualMachine.objects.filter(pk=machine.pk).update(status="HostNotResponding")
    shown = site.post(do(machine.host), {"verb": "drain"}, follow=True).content.decode()
    assert "1 machine stays" in shown
    assert "it cannot be moved" in shown


def test_maintenance_begins_and_ends(site, fabric) -> None:
    host = fabric.hosts[0]
    for verb, expected in (("maintain", True), ("release", False)):
        site.post(do(host), {"verb": verb})
        host.refresh_from_db()
        assert host.is_in_maintenance is expected


def test_readers_drain_nothing(site, fabric, olga) -> None:
    UserRole.objects.create(name="Auditors", profile="ReadOnlyAdmin", members=[olga.email])
    host = fabric.hosts[0]
    assert "Drain" not in site.get(page(host)).content.decode()
    assert site.post(do(host), {"verb": "drain"}).status_code == 403
