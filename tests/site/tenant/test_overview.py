"""The first page: machines by state, what is used, what goes on, what needs somebody."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import Job, Machine
from fabric.states import MachineState
from plans.models import Provisioning, Subscription, SubscriptionState
from tests.factories.fabric import make_machine
from tests.site.tenant.conftest import make_job


def look(client):
    return client.get(reverse("overview"))


def needs(page) -> list[tuple[str, str]]:
    return [(need.title, need.text) for need in page.context["needs"]]


def test_a_newcomer_is_told_how_to_begin(as_alice) -> None:
    assert "First steps" in look(as_alice).text


def test_machines_are_counted_by_state_with_a_way_to_just_these(as_alice, subscription) -> None:
    make_machine(subscription, "web-01")
    make_machine(subscription, "web-02")
    make_machine(subscription, "db-01", state=MachineState.STOPPED)
    page = look(as_alice)
    told = [(one.state, one.count, one.url) for one in page.context["states"]]
    list_url = reverse("machines")
    assert told == [
        ("running", 2, f"{list_url}?state=running"),
        ("stopped", 1, f"{list_url}?state=stopped"),
    ]


def test_what_is_reserved_used_and_left(as_alice, machine) -> None:
    page = look(as_alice)
    assert "1 of 10" in page.text
    assert "9 left" in page.text


def test_what_needs_somebody_stands_first(as_alice, machine, subscription) -> None:
    assert not needs(look(as_alice))
    broken = make_machine(subscription, "db-01", state=MachineState.MISSING)
    make_machine(
        subscription, "old-01", ends_at=timezone.now() + timedelta(days=2), end_action="delete"
    )
    make_job(machine, JobState.FAILED, fault={"message": "No answer."})
    Subscription.objects.update(provisioning=Provisioning.OUT_OF_SYNC, problem="SPF is away.")
    told = needs(look(as_alice))
    assert (broken.name, "Missing") in told
    assert ("old-01", "It will be deleted.") in told
    assert (f"Deploy {machine.name}", "No answer.") in told
    assert (subscription.name, "SPF is away.") in told
    make_job(machine, JobState.SUCCEEDED)
    assert "No answer." not in look(as_alice).text, "it was tried again since"


def test_limits_nearly_reached_and_suspension_are_told(as_alice, subscription) -> None:
    for n in range(9):
        make_machine(subscription, f"web-{n}")
    Subscription.objects.update(state=SubscriptionState.SUSPENDED)
    told = dict.fromkeys(text for _title, text in needs(look(as_alice)))
    assert "Suspended: its machines cannot be worked on." in told
    assert any(text.startswith("Nearly used up: Virtual machines") for text in told)


def test_work_on_machines_that_are_gone_is_nobodys_concern(as_alice, machine) -> None:
    make_job(machine, JobState.FAILED, fault={"message": "No answer."})
    Machine.objects.update(state=MachineState.DELETED)
    assert not needs(look(as_alice))


def test_running_work_is_shown_live(as_alice, machine) -> None:
    job = make_job(machine, percent=25)
    page = look(as_alice)
    assert reverse("job", args=[job.pk]) in page.text
    part = as_alice.get(reverse("overview"), headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith("<div")
    Job.objects.update(state=JobState.SUCCEEDED)
    assert "Nothing is under way." in look(as_alice).text
