"""Clones, the library, rebuilding and rescue: asked first, done once, refused with the reason."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from fabric.models import Job, Machine
from fabric.states import MachineState
from portal.models import SshKey
from tests.factories.devices import make_checkpoint, make_media

KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5AqCtNoPlLEpvQGgW+1ZbXmYtZ8kN4ycwbvXgrM3aH alice@laptop"
)


def url(machine, name: str = "machine") -> str:
    return reverse(name, args=[machine.pk])


@pytest.fixture
def stopped(machine) -> Machine:
    machine.state = MachineState.STOPPED
    machine.save()
    offering = machine.subscription.plan.offering
    offering.permissions = [*offering.permissions, "Store"]
    offering.save()
    return machine


def test_a_clone_is_made_once(as_alice, stopped) -> None:
    sent = {"name": "web-02", "request_key": str(uuid.uuid4())}
    first = as_alice.post(url(stopped, "machine-clone"), sent)
    assert as_alice.post(url(stopped, "machine-clone"), sent).url == first.url
    made = Machine.objects.get(name="web-02")
    assert first.url == url(made)
    assert made.state == MachineState.CREATING


@pytest.mark.parametrize("name", ["", "web-01", "a b"])
def test_a_clone_needs_a_name_of_its_own(as_alice, stopped, name) -> None:
    sent = {"name": name, "request_key": str(uuid.uuid4())}
    page = as_alice.post(url(stopped, "machine-clone"), sent)
    assert page.context["form"].errors["name"]
    assert Machine.objects.count() == 1


def test_a_running_machine_says_why_it_is_not_cloned(as_alice, machine) -> None:
    page = as_alice.get(url(machine, "machine-clone"))
    assert "Shut it down first." in page.text
    assert 'aria-disabled="true"' in page.text


def test_into_the_library_and_back(as_alice, stopped) -> None:
    assert "counts for your quota as before" in as_alice.get(url(stopped, "machine-store")).text
    as_alice.post(url(stopped, "machine-store"), {"sure": "1"})
    assert Job.objects.get().inputs["change"] == "Store"
    Job.objects.update(state="succeeded")
    Machine.objects.update(state=MachineState.STORED)
    as_alice.post(url(stopped, "machine-bring-back"), {"sure": "1"})
    assert Job.objects.filter(inputs__change="DeployStored").exists()


def rebuild(browser, machine, **sent):
    values = {
        "template": machine.template_id,
        "password": "Correct-Horse-7",
        "ssh_keys": "",
        "confirm": machine.name,
        "request_key": str(uuid.uuid4()),
    }
    return browser.post(url(machine, "machine-rebuild"), values | sent)


def test_rebuilding_begins_with_the_name_typed(as_alice, stopped) -> None:
    page = as_alice.get(url(stopped, "machine-rebuild")).text
    assert "Everything on its disks is deleted for good." in page
    assert rebuild(as_alice, stopped).url == url(stopped)
    job = Job.objects.get()
    assert job.recipe == "machine.rebuild"
    assert "Correct-Horse-7" not in str(job.inputs)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"confirm": "web"}, "confirm"),
        ({"password": "", "ssh_keys": ""}, "password"),
        ({"password": "short"}, "password"),
        ({"password": "", "ssh_keys": "not a key"}, "ssh_keys"),
        ({"template": str(uuid.uuid4())}, "template"),
    ],
)
def test_a_rebuilding_that_cannot_be_is_refused_at_its_field(
    as_alice, stopped, sent, field
) -> None:
    page = rebuild(as_alice, stopped, **sent)
    assert page.context["form"].errors[field]
    assert not Job.objects.exists()
    assert "Correct-Horse-7" not in page.text, "passwords are not sent back"


def test_my_keys_are_offered_and_do_without_a_password(as_alice, alice, stopped) -> None:
    SshKey.objects.create(user=alice, name="laptop", text=KEY, kind="ssh-ed25519", fingerprint="x")
    assert "alice@laptop" in as_alice.get(url(stopped, "machine-rebuild")).text
    assert rebuild(as_alice, stopped, password="", ssh_keys=KEY).status_code == 302
    assert Job.objects.get().inputs["guest"]["ssh_keys"] == [KEY]


def test_what_stands_in_the_way_is_told_above_the_form(as_alice, stopped) -> None:
    make_checkpoint(stopped)
    page = rebuild(as_alice, stopped)
    assert "Delete its checkpoints first" in page.text


def test_rescue_starts_from_an_image_and_ends(as_alice, machine) -> None:
    assert "Your plan holds no image" in as_alice.get(url(machine, "machine-rescue")).text
    image = make_media(machine)
    as_alice.post(url(machine, "machine-rescue"), {"media": image.pk})
    assert Job.objects.get().inputs["media"] == str(image.pk)
    Job.objects.update(state="succeeded")
    Machine.objects.update(state=MachineState.RUNNING, rescued_at=machine.created_at, media=image)
    page = as_alice.get(url(machine))
    assert "in rescue" in page.text
    assert url(machine, "machine-rescue-end") in page.text
    assert url(machine, "machine-rescue") not in page.text.replace("rescue/end", "")
    as_alice.post(url(machine, "machine-rescue-end"))
    assert Job.objects.filter(inputs__verb="end_rescue").exists()
