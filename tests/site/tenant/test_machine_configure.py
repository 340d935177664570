"""Configure: name, description, size, tags, protection, end date; each refused at its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from fabric.models import HardwareProfile, Job, Machine, Template
from fabric.states import MachineState


def url(machine, name: str = "machine-configure") -> str:
    return reverse(name, args=[machine.pk])


@pytest.fixture
def stopped(machine) -> Machine:
    machine.state = MachineState.STOPPED
    machine.save()
    return machine


def test_name_and_description_are_changed(as_alice, machine) -> None:  # A065
    sent = {"name": "shop-01", "description": "The shop"}
    assert as_alice.post(url(machine, "machine-words"), sent).url == url(machine)
    machine.refresh_from_db()
    assert (machine.name, machine.description) == ("shop-01", "The shop")
    assert Job.objects.get().inputs["values"] == sent, "the cloud is told"


@pytest.mark.parametrize("name", ["", "-x", "a b", "12345", "x" * 64])
def test_a_name_that_will_not_do_is_refused_at_its_field(as_alice, machine, name) -> None:
    page = as_alice.post(url(machine, "machine-words"), {"name": name, "description": ""})
    assert page.context["words"].errors["name"]
    assert page.context["tags"].errors == {}, "the other forms are as they were"
    assert not Job.objects.exists()


def test_saving_what_is_there_already_does_nothing(as_alice, machine) -> None:
    as_alice.post(url(machine, "machine-words"), {"name": "web-01", "description": ""})
    assert not Job.objects.exists()


def test_own_values_change_the_size(as_alice, stopped) -> None:  # A066
    sent = {"hardware_profile": "", "cores": "4", "memory_gb": "1.5"}
    assert as_alice.post(url(stopped, "machine-size"), sent).status_code == 302
    assert Job.objects.get().inputs["values"] == {"cores": 4, "memory_mb": 1536}


def test_a_size_of_the_plan_goes_before_own_values(as_alice, stopped) -> None:
    small = HardwareProfile.objects.get()
    sent = {"hardware_profile": small.pk, "cores": "9", "memory_gb": "9"}
    as_alice.post(url(stopped, "machine-size"), sent)
    assert Job.objects.get().inputs["values"] == {"cores": 2, "memory_mb": 2048}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"cores": "", "memory_gb": "1"}, "cores"),
        ({"cores": "5", "memory_gb": "1"}, "cores"),
        ({"cores": "1", "memory_gb": "0.3"}, "memory_gb"),
        ({"cores": "1", "memory_gb": "NaN"}, "memory_gb"),
        ({"cores": "19", "memory_gb": "1"}, "cores"),
    ],
)
def test_a_size_the_template_does_not_allow_is_refused(as_alice, stopped, sent, field) -> None:
    Template.objects.update(max_cores=4, min_memory_mb=512)
    page = as_alice.post(url(stopped, "machine-size"), sent)
    assert page.context["size"].errors[field]
    assert not Job.objects.exists()


def test_what_the_quota_has_no_room_for_is_refused(as_alice, stopped) -> None:
    page = as_alice.post(url(stopped, "machine-size"), {"cores": "21", "memory_gb": "1"})
    assert page.context["size"].errors
    assert not Job.objects.exists()


def test_a_size_that_comes_as_it_is_stays(as_alice, stopped) -> None:  # A066
    stopped.subscription.plan.offering.fixed_templates.add(stopped.template)
    page = as_alice.get(url(stopped))
    assert page.context["size"].fields["cores"].disabled
    assert "come in one size in your plan" in page.text
    page = as_alice.post(url(stopped, "machine-size"), {"cores": "2", "memory_gb": "1"})
    assert page.status_code == 200
    assert not Job.objects.exists()


def test_a_running_machine_is_offered_to_be_shut_down(as_alice, machine) -> None:
    page = as_alice.get(url(machine))
    assert "Shut it down first" in page.text
    sent = {"verb": "shutdown", "next": "machine-configure"}
    assert as_alice.post(url(machine, "machine-operate"), sent).url == url(machine)
    assert Job.objects.get().inputs["verb"] == "shutdown"


def test_once_it_is_off_the_card_opens_and_nothing_else_moves(as_alice, machine) -> None:
    seen = as_alice.get(url(machine)).context["mark"]
    Machine.objects.update(state=MachineState.STOPPED)
    asked = {"seen": seen, "size": "closed"}
    told = as_alice.get(url(machine), asked, headers={"HX-Request": "true"}).text
    assert 'id="size"' in told
    assert 'id="tab"' not in told, "somebody may be typing in the other forms"
    told = as_alice.get(url(machine), {"seen": seen}, headers={"HX-Request": "true"}).text
    assert 'id="size"' not in told


def test_tags_are_cleaned_and_kept(as_alice, machine) -> None:
    as_alice.post(url(machine, "machine-tags"), {"tags": " Web ,production,web, "})
    assert Machine.objects.get().tags == ["production", "web"]
    assert 'value="production, web"' in as_alice.get(url(machine)).text
    as_alice.post(url(machine, "machine-tags"), {"tags": ""})
    assert Machine.objects.get().tags == []


def test_a_tag_that_will_not_do_is_refused_at_its_field(as_alice, machine) -> None:
    page = as_alice.post(url(machine, "machine-tags"), {"tags": "<script>"})
    assert page.context["tags"].errors["tags"]


def test_a_protected_machine_is_not_deleted(as_alice, machine) -> None:
    as_alice.post(url(machine, "machine-protect"), {"on": "1"})
    page = as_alice.get(url(machine, "machine"))
    reasons = {one.title: one.reason for one in page.context["commands"]}
    assert reasons["Delete"] == "It is protected: take the protection off first."
    as_alice.post(url(machine, "machine-delete"), {"confirm": "web-01"})
    assert Machine.objects.get().state == MachineState.RUNNING
    as_alice.post(url(machine, "machine-protect"), {"on": "0"})
    assert not Machine.objects.get().is_protected


def test_an_end_date_is_by_the_viewers_clock(as_alice, alice, machine) -> None:
    alice.time_zone = "Europe/Amsterdam"
    alice.save()
    as_alice.post(
        url(machine, "machine-end"), {"ends_at": "2099-07-01T18:00", "end_action": "stop"}
    )
    assert Machine.objects.get().ends_at == datetime(2099, 7, 1, 16, 0, tzinfo=UTC)
    page = as_alice.get(url(machine))
    assert 'value="2099-07-01T18:00"' in page.text
    assert "Europe/Amsterdam" in page.text
    as_alice.post(url(machine, "machine-end"), {"none": "1"})
    assert Machine.objects.get().ends_at is None


@pytest.mark.parametrize("text", ["", "soon", "2020-01-01T00:00", "9999-12-31T23:59"])
def test_an_end_that_makes_no_sense_is_refused_at_its_field(as_alice, machine, text) -> None:
    page = as_alice.post(url(machine, "machine-end"), {"ends_at": text, "end_action": "stop"})
    assert page.context["end"].errors["ends_at"]
    assert Machine.objects.get().ends_at is None


def test_an_end_stands_out_wherever_the_machine_is_shown(as_alice, machine) -> None:
    ends = timezone.now() + timedelta(days=3, hours=1)
    Machine.objects.update(ends_at=ends, is_protected=True)
    for page in (as_alice.get(url(machine, "machine")), as_alice.get(reverse("machines"))):
        assert "ends in 3 days" in page.text
        assert "protected" in page.text
