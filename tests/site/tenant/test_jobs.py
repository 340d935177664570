"""Long work has a page: steps, what to expect, what went wrong, and whose turn it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import Job
from fabric.states import MachineState
from portal.tenant_site import job_page
from portal.tenant_site.expected import expected
from tenants.models import Membership
from tests.factories.fabric import make_machine
from tests.site.tenant.conftest import make_job

STEPS = [
    {"name": "ensure_ordered", "title": "Order the machine from the cloud", "state": "done",
     "started_at": "2026-11-20T10:00:00+00:00", "ended_at": "2026-11-20T10:00:02+00:00"},
    {"name": "wait_until_deployed", "title": "Deploy", "state": "failed",
     "started_at": "2026-11-20T10:00:02+00:00", "ended_at": "2026-11-20T10:00:09+00:00",
     "message": "The host is full."},
]  # fmt: skip


def page_of(job: Job) -> str:
    return reverse("job", args=[job.pk])


def failed(machine, **fields) -> Job:
    fault = {"code": "full", "message": "The host is full.", "advice": "Ask for another host."}
    machine.state = MachineState.FAILED
    machine.save()
    return make_job(machine, JobState.FAILED, steps=STEPS, fault=fault, **fields)


def test_a_job_in_line_says_its_place(as_alice, machine, subscription) -> None:
    make_job(make_machine(subscription, "db-01"), JobState.WAITING)
    page = as_alice.get(page_of(make_job(machine, JobState.WAITING)))
    assert "place 2 in line" in page.text


def test_a_running_job_is_drawn_anew_until_it_ends(as_alice, machine) -> None:
    job = make_job(machine, percent=40, message="Copying the disk.")
    page = as_alice.get(page_of(job))
    assert "40 %" in page.text
    assert "Copying the disk." in page.text
    assert 'hx-trigger="katal:changed from:body"' in page.text
    assert "data-pulse=" in page.text
    Job.objects.update(state=JobState.SUCCEEDED, ended_at=timezone.now())
    part = as_alice.get(page_of(job), headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "data-live" not in part.text, "nothing moves any more, so nothing is asked"
    assert part.context["said"].endswith(": Succeeded")
    assert f'hx-swap-oob="innerHTML">{part.context["said"]}</p>' in part.text


def test_what_went_wrong_and_whose_turn_it_is(as_alice, machine) -> None:
    page = as_alice.get(page_of(failed(machine)))
    assert "The host is full." in page.text
    assert "Ask for another host." in page.text
    assert reverse("machine-delete", args=[machine.pk]) in page.text
    assert "Order the machine from the cloud: done" in page.text
    assert "Deploy: failed" in page.text


def test_resume_goes_on_and_only_the_last_work_can(as_alice, machine) -> None:
    old = failed(machine, created_at=timezone.now())
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=1))
    newer = make_job(machine, JobState.SUCCEEDED)
    assert not job_page.can_resume(Job.objects.select_related("machine").get(pk=old.pk))
    newer.delete()
    answer = as_alice.post(reverse("job-resume", args=[old.pk]), follow=True)
    assert Job.objects.get(pk=old.pk).state == JobState.WAITING
    assert answer.redirect_chain[-1][0] == page_of(old)


def test_what_to_expect_comes_from_the_same_template(as_alice, machine, subscription) -> None:
    now = timezone.now()
    for seconds in (10, 20, 30, 40, 50):
        done = make_job(make_machine(subscription, f"old-{seconds}"), JobState.SUCCEEDED)
        Job.objects.filter(pk=done.pk).update(
            created_at=now - timedelta(seconds=seconds), ended_at=now
        )
    told = expected(make_job(machine))
    assert told is not None
    assert round(told.median) == 30
    assert "30 seconds" in as_alice.get(page_of(Job.objects.latest("created_at"))).text


def test_a_stranger_finds_no_job(charlie, sign_in, machine) -> None:
    job = failed(machine)
    assert sign_in(charlie).get(page_of(job)).status_code == 404
    assert sign_in(charlie).post(reverse("job-resume", args=[job.pk])).status_code == 404


def test_the_list_filters_and_links(as_alice, machine, subscription) -> None:
    mine = failed(machine)
    make_job(make_machine(subscription, "db-01"))
    url = reverse("jobs")
    assert page_of(mine) in as_alice.get(url).text
    shown = as_alice.get(f"{url}?state=running").context["listed"].page.rows
    assert [job.machine.name for job in shown] == ["db-01"]
    assert "No job matches" in as_alice.get(f"{url}?q=zzz").text


@pytest.mark.parametrize("name", ["jobs", "overview", "activity"])
def test_a_page_costs_the_same_however_much_there_is(
    as_alice, alice, subscription, name, django_assert_max_num_queries
) -> None:
    for n in range(8):
        make_job(make_machine(subscription, f"web-{n}"))
    with django_assert_max_num_queries(12):
        as_alice.get(reverse(name))


def test_the_page_of_a_job_asks_little(as_alice, machine, django_assert_max_num_queries) -> None:
    job = failed(machine)
    with django_assert_max_num_queries(12):
        as_alice.get(page_of(job))


def test_what_waits_in_line_can_be_cancelled(as_alice, alice, machine) -> None:
    job = make_job(machine, JobState.WAITING, actor_email=alice.email)
    assert reverse("job-cancel", args=[job.pk]) in as_alice.get(page_of(job)).text
    answer = as_alice.post(reverse("job-cancel", args=[job.pk]), follow=True)
    assert "nothing was asked of the cloud" in answer.text
    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED


def test_what_has_begun_offers_no_cancel_and_refuses_it(as_alice, machine) -> None:
    job = make_job(machine, started_at=timezone.now())
    assert reverse("job-cancel", args=[job.pk]) not in as_alice.get(page_of(job)).text
    answer = as_alice.post(reverse("job-cancel", args=[job.pk]), follow=True)
    assert "It has begun: it goes on to its end." in answer.text


def test_what_a_job_began_on_hidden_machines_is_not_told(sign_in, bob, machine, subscription):
    parent = make_job(machine, recipe="subscription.leave", title="Leave", subject=subscription.pk)
    Job.objects.filter(pk=parent.pk).update(machine=None)
    child = {"recipe": "machine.remove", "title": "Delete web-01"}
    make_job(machine, parent=parent, **child)
    page = reverse("job", args=[parent.pk])
    assert "web-01" in sign_in(bob).get(page).text
    Membership.objects.filter(user=bob).update(all_machines=False)
    assert "web-01" not in sign_in(bob).get(page).text
