"""The drift desk: what hosts and books say, and what operators decide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from fabric.durable import nudge
from fabric.hypervisors.simulated import meddling
from fabric.vmm import drift as comparing
from fabric.vmm.models import Drift, Job, UserRole, VirtualMachine
from tenants.models import Operation
from tests.factories.vmm import ADMINISTRATOR, deploy, finish, make_role, make_share

LIST = "fabric-drift-list"


@pytest.fixture
def machine(fabric) -> VirtualMachine:
    return deploy(fabric, ADMINISTRATOR, "web-01")


def compare() -> None:
    """Compare some time later: what a job has just ended on is left alone."""
    comparing.sweep(timezone.now() + timedelta(minutes=1))


def compared(**kind: str) -> Drift:
    compare()
    return Drift.objects.get(state="open", **kind)


def act(drift: Drift, verb: str) -> str:
    return reverse("fabric-drift-act", args=[drift.pk, verb])


def renamed(machine: VirtualMachine, name: str = "web-one") -> Drift:
    meddling.rename_guest(settings.SIMULATED_RACK, machine.host.name, machine.pk, name)
    return compared(kind="renamed")


def test_nothing_differs(site, machine) -> None:
    assert "Nothing differs" in site.get(reverse(LIST)).content.decode()


def test_a_difference_is_said_in_words_and_counted_in_the_menu(site, machine) -> None:
    drift = renamed(machine)
    shown = site.get(reverse(LIST)).content.decode()
    assert "“web-01”" in shown
    assert "“web-one”" in shown
    assert "Accept its new name" in shown
    assert 'Drift</span><span class="count">1</span>' in shown
    assert "web-one" in site.get(reverse("fabric-drift", args=[drift.pk])).content.decode()


def test_the_list_is_narrowed(site, machine) -> None:
    renamed(machine)
    for query in ("state=settled", "kind=moved", "q=other"):
        assert "web-one" not in site.get(f"{reverse(LIST)}?{query}").content.decode()
    assert "web-one" in site.get(f"{reverse(LIST)}?state=&kind=renamed").content.decode()


def test_the_list_costs_the_same_for_many(
    site, fabric, machine, django_assert_max_num_queries
) -> None:
    renamed(machine)
    with django_assert_max_num_queries(30) as first:
        site.get(reverse(LIST))
    for number in range(3):
        meddling.add_guest(settings.SIMULATED_RACK, fabric.hosts[1].name, f"stranger-{number}")
    compare()
    with django_assert_max_num_queries(len(first)):
        shown = site.get(reverse(LIST)).content.decode()
    assert "stranger-2" in shown


def test_a_difference_is_adopted(site, machine) -> None:
    drift = renamed(machine)
    shown = site.post(act(drift, "adopt"), follow=True).content.decode()
    assert "is settled" in shown
    machine.refresh_from_db()
    assert machine.name == "web-one"
    assert Operation.objects.filter(action="fabric.drift.adopt", phase="succeeded").exists()
    again = site.post(act(drift, "adopt"), follow=True).content.decode()
    assert "settled already" in again


def test_a_repair_leads_to_its_job(site, machine) -> None:
    drift = renamed(machine)
    answer = site.post(act(drift, "repair"))
    job = Job.objects.filter(subject=machine.pk).latest("created_at")
    assert answer.url == reverse("fabric-job", args=[job.pk])
    finish(job)
    drift.refresh_from_db()
    assert drift.state == "settled"


def test_a_difference_is_ignored(site, machine) -> None:
    drift = renamed(machine)
    site.post(act(drift, "ignore"))
    drift.refresh_from_db()
    assert drift.state == "ignored"
    assert "web-one" not in site.get(reverse(LIST)).content.decode()
    assert "web-one" in site.get(f"{reverse(LIST)}?state=ignored").content.decode()


def test_an_ignored_difference_is_opened_again(site, machine) -> None:
    drift = renamed(machine)
    site.post(act(drift, "ignore"))
    assert "Open again" in site.get(f"{reverse(LIST)}?state=ignored").content.decode()
    site.post(act(drift, "reopen"))
    assert "web-one" in site.get(reverse(LIST)).content.decode()


def test_the_desk_says_when_hosts_were_compared_last(site, machine) -> None:
    assert "Not compared yet" in site.get(reverse(LIST)).content.decode()
    compare()
    assert "Last compared" in site.get(reverse(LIST)).content.decode()


def test_an_unknown_machine_is_adopted_into_a_cloud(site, fabric) -> None:
    meddling.add_guest(settings.SIMULATED_RACK, fabric.hosts[0].name, "old-mail", cores=2)
    drift = compared(kind="unknown_machine")
    role = make_role(fabric)
    assert "Library share" not in site.get(act(drift, "adopt")).content.decode()
    assert "This field is required" in site.post(act(drift, "adopt")).content.decode()
    words = {"cloud": fabric.cloud.pk, "role": role.pk, "owner_name": "alice@example.net"}
    assert site.post(act(drift, "adopt"), words).status_code == 302
    adopted = VirtualMachine.objects.get(name="old-mail")
    assert adopted.role == role


def test_what_loses_data_needs_the_name(site, fabric) -> None:
    meddling.add_guest(settings.SIMULATED_RACK, fabric.hosts[0].name, "old-mail")
    drift = compared(kind="unknown_machine")
    assert "Nobody can bring it back" in site.get(act(drift, "repair")).content.decode()
    refused = site.post(act(drift, "repair"), {"confirm": "old"}).content.decode()
    assert "This is not the name" in refused
    assert not Job.objects.exists()
    site.post(act(drift, "repair"), {"confirm": "old-mail"})
    assert Job.objects.get().target_name == fabric.hosts[0].name


def test_an_orphan_disk_goes_to_a_share(site, fabric) -> None:
    meddling.add_disk(settings.SIMULATED_RACK, fabric.hosts[0].name, size_gb=7)
    drift = compared(kind="orphan_disk")
    share = make_share(fabric)
    answer = site.post(act(drift, "adopt"), {"share": share.pk})
    assert answer.url == reverse("fabric-job", args=[Job.objects.get().pk])


def test_comparing_is_a_workers_task(
    site, fabric, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    sent = []
    monkeypatch.setattr(nudge, "nudge", lambda task, *args: sent.append(task.task))
    with django_capture_on_commit_callbacks(execute=True):
        shown = site.post(reverse("fabric-drift-compare"), follow=True).content.decode()
    assert sent == ["fabric.vmm.tasks.compare"]
    assert "being compared" in shown


def test_readers_decide_nothing(site, machine, olga) -> None:
    drift = renamed(machine)
    UserRole.objects.create(name="Auditors", profile="ReadOnlyAdmin", members=[olga.email])
    shown = site.get(reverse(LIST)).content.decode()
    assert "web-one" in shown
    assert "Accept its new name" not in shown
    assert "Compare now" not in shown
    for url in (act(drift, "adopt"), reverse("fabric-drift-compare")):
        assert site.post(url).status_code == 403
