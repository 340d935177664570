"""The jobs of the fabric: their list, and the page of one."""

from __future__ import annotations

import pytest
from django.urls import reverse

from fabric.durable.states import JobState
from fabric.hypervisors.simulated import plan_fault
from fabric.vmm.actions import machines
from fabric.vmm.models import Job, UserRole
from portal.templatetags.names import broken
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, finish, make_role, order

LIST = "fabric-job-list"


def page(job: Job) -> str:
    return reverse("fabric-job", args=[job.pk])


@pytest.fixture
def waiting(fabric) -> Job:
    return order(fabric, ADMINISTRATOR, "web-01")[1]


def test_the_list_shows_jobs_of_everybody(site, fabric, waiting) -> None:
    deploy(fabric, acting_for(make_role(fabric)), "db-01")
    shown = site.get(reverse(LIST)).content.decode()
    for word in ("Create virtual machine", "web-01", "db-01", "Waiting", "Succeeded", "alice@"):
        assert word in shown


def test_the_list_is_narrowed(site, fabric, waiting) -> None:
    deploy(fabric, ADMINISTRATOR, "db-01")
    for query in ("state=succeeded", "q=db-01", "title=Create virtual machine&state=succeeded"):
        shown = site.get(f"{reverse(LIST)}?{query}").content.decode()
        assert "db-01" in shown
        assert "web-01" not in shown


def test_the_list_costs_the_same_for_many(
    site, fabric, waiting, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(30) as first:
        site.get(reverse(LIST))
    for number in range(4):
        order(fabric, acting_for(make_role(fabric, f"person{number}@example.net")), f"a-{number}")
    with django_assert_max_num_queries(len(first)):
        site.get(reverse(LIST))


def test_a_waiting_job_says_its_place_in_line(site, waiting) -> None:
    shown = site.get(page(waiting)).content.decode()
    assert "Waiting: 1st in line" in shown
    assert "Check limits and choose a host" in shown
    assert 'hx-trigger="every 1s"' in shown


def test_a_job_that_ended_shows_steps_placement_and_no_polling(site, fabric, waiting) -> None:
    finish(waiting)
    shown = site.get(page(waiting)).content.decode()
    assert broken(fabric.hosts[0].name) in shown
    assert "of 5 stars" in shown
    assert "of memory free afterwards" in shown
    assert 'hx-trigger="every 1s"' not in shown


def test_watching_ends_with_the_job(site, waiting) -> None:
    fragment = {"headers": {"HX-Request": "true"}}
    during = site.get(f"{page(waiting)}?seen=waiting", **fragment)
    assert "<html" not in during.content.decode()
    finish(waiting)
    assert site.get(f"{page(waiting)}?seen=waiting", **fragment).headers["HX-Refresh"] == "true"


def test_history_says_how_long_it_takes(site, fabric, waiting) -> None:
    deploy(fabric, ADMINISTRATOR, "db-01")
    assert "usually takes" in site.get(page(waiting)).content.decode()


def test_a_job_is_cancelled(site, waiting) -> None:
    shown = site.post(
        reverse("fabric-job-do", args=[waiting.pk]), {"verb": "cancel"}, follow=True
    ).content.decode()
    assert "it is being cancelled" in shown
    finish(waiting)
    assert waiting.state == JobState.CANCELLED


def test_a_failed_job_says_the_cause_and_is_resumed(site, fabric, settings) -> None:
    machine = deploy(fabric, ADMINISTRATOR, "web-01", start=False)
    job = machines.operate(ADMINISTRATOR, machine, "Start")
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_power", "fail")
    finish(job)
    assert job.state == JobState.FAILED
    shown = site.get(page(job)).content.decode()
    assert "Failed" in shown
    assert job.fault["message"] in shown.replace("&#x27;", "'")
    site.post(reverse("fabric-job-do", args=[job.pk]), {"verb": "resume"})
    finish(job)
    assert job.state == JobState.SUCCEEDED


def test_readers_look_and_do_nothing(site, waiting, olga) -> None:
    UserRole.objects.create(name="Auditors", profile="ReadOnlyAdmin", members=[olga.email])
    assert 'class="commands"' not in site.get(page(waiting)).content.decode()
    url = reverse("fabric-job-do", args=[waiting.pk])
    assert site.post(url, {"verb": "cancel"}).status_code == 403
