"""One machine: commands and reasons, work while it goes on, failure, charts, deletion, connect."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import Job, Load, Machine
from fabric.providers.abilities import ALL, JOB_STEPS, LOAD, Description
from fabric.states import MachineState
from tests.site.tenant.conftest import make_job

HTML_BUDGET = 60_000
FRAGMENT = {"HX-Request": "true"}
STEPS = [
    {"title": "Place on a host", "state": "done", "percent": 100},
    {"title": "Clone the disk", "state": "running", "percent": 40},
]


def url(machine, name: str = "machine") -> str:
    return reverse(name, args=[machine.pk])


def disabled(page) -> dict[str, str]:
    return {c.title: c.reason for c in page.context["commands"] if c.reason}


def test_impossible_commands_say_why(as_alice, machine) -> None:
    page = as_alice.get(url(machine))
    assert set(disabled(page)) == {"Start", "Resume"}
    assert "It is running already." in page.text
    Machine.objects.update(state=MachineState.STOPPED)
    page = as_alice.get(url(machine))
    assert set(disabled(page)) == {"Connect", "Shut down", "Stop", "Pause", "Resume"}


def test_what_the_plan_does_not_allow_says_so(as_alice, machine) -> None:
    offering = machine.subscription.plan.offering
    offering.permissions = ["Start"]
    offering.save()
    assert "Your plan does not allow this." in disabled(as_alice.get(url(machine)))["Stop"]


def test_a_command_is_one_act(as_alice, machine) -> None:
    answer = as_alice.post(url(machine, "machine-operate"), {"verb": "shutdown"})
    assert answer.url == url(machine)
    assert Job.objects.get().title == "Shut down web-01"
    assert "Shut down web-01" in as_alice.get(answer.url).text


def test_a_command_that_came_too_late_is_told(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.STOPPED)
    answer = as_alice.post(url(machine, "machine-operate"), {"verb": "stop"}, follow=True)
    assert "It is not running." in answer.text
    assert not Job.objects.exists()


@pytest.fixture
def creating(machine):
    machine.state = MachineState.CREATING
    machine.save()
    make_job(machine, remote={"percent": 37, "steps": STEPS}, message="Copying.")
    return machine


def test_a_deployment_shows_the_clouds_own_percent_and_steps(as_alice, creating) -> None:
    page = as_alice.get(url(creating))
    for told in ("37 %", "Place on a host", "Clone the disk", "Copying.", 'aria-live="polite"'):
        assert told in page.text


def test_the_fragment_is_asked_for_until_the_end(as_alice, creating) -> None:
    asked = f"{url(creating)}?seen={as_alice.get(url(creating)).context['mark']}"
    fragment = as_alice.get(asked, headers=FRAGMENT)
    assert "every 1s" in fragment.text
    assert "<html" not in fragment.text
    Job.objects.update(state=JobState.SUCCEEDED)
    Machine.objects.update(state=MachineState.RUNNING)
    assert as_alice.get(asked, headers=FRAGMENT).headers["HX-Refresh"] == "true"
    assert "every 1s" not in as_alice.get(url(creating)).text


def test_a_quiet_page_is_left_alone(as_alice, machine) -> None:
    asked = f"{url(machine)}?seen={as_alice.get(url(machine)).context['mark']}"
    assert as_alice.get(asked, headers=FRAGMENT).status_code == 204


def test_a_deleted_machine_leads_back_to_the_list(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.DELETED)
    assert as_alice.get(url(machine)).status_code == 404
    fragment = as_alice.get(url(machine), headers=FRAGMENT)
    assert fragment.headers["HX-Redirect"] == reverse("machines")


def test_a_failure_says_what_went_wrong_and_what_to_do(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.FAILED)
    fault = {"code": "full", "message": "The host is full.", "advice": "Wait for room."}
    make_job(machine, JobState.FAILED, fault=fault, step="wait_until_deployed", steps=[])
    page = as_alice.get(url(machine))
    for told in ("The deployment failed", "The host is full.", "Wait for room."):
        assert told in page.text
    for way in ("machine-resume", "machine-delete"):
        assert url(machine, way) in page.text


def test_resume_goes_on_with_it(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.FAILED)
    steps = [
        {"name": name, "title": name, "state": "failed"}
        for name in ("ensure_ordered", "wait_until_deployed", "ensure_read_back")
    ]
    make_job(machine, JobState.FAILED, steps=steps)
    assert as_alice.post(url(machine, "machine-resume")).url == url(machine)
    assert Job.objects.get().state == JobState.WAITING
    assert Machine.objects.get().state == MachineState.CREATING


def test_nothing_to_resume_is_told(as_alice, machine) -> None:
    answer = as_alice.post(url(machine, "machine-resume"), follow=True)
    assert "There is nothing to go on with." in answer.text


@pytest.mark.parametrize("typed", ["", "web", "WEB-01"])
def test_deleting_wants_the_name(as_alice, machine, typed) -> None:
    page = as_alice.post(url(machine, "machine-delete"), {"confirm": typed})
    assert page.status_code == 200
    assert page.context["form"].errors["confirm"]
    assert Machine.objects.get().state == MachineState.RUNNING


def test_deleting_begins_with_the_name_typed(as_alice, machine) -> None:
    assert "for good" in as_alice.get(url(machine, "machine-delete")).text
    as_alice.post(url(machine, "machine-delete"), {"confirm": "web-01"})
    assert Machine.objects.get().state == MachineState.DELETING


def test_connecting_gives_a_file(as_alice, machine) -> None:
    answer = as_alice.get(url(machine, "machine-connect"))
    assert answer.headers["Content-Type"] == "application/x-rdp"
    assert 'filename="web-01.rdp"' in answer.headers["Content-Disposition"]
    assert "10.20.0.4" in answer.content.decode("utf-16")


def test_connecting_to_a_stopped_machine_says_why_not(as_alice, machine) -> None:
    Machine.objects.update(state=MachineState.STOPPED)
    answer = as_alice.get(url(machine, "machine-connect"), follow=True)
    assert "The machine must be running." in answer.text


@pytest.fixture
def measured(machine):
    now = timezone.now()
    times = [(now - timezone.timedelta(minutes=60 - n)).isoformat() for n in range(60)]
    for counter in Load.Counter.values:
        Load.objects.create(
            machine=machine,
            frame="hour",
            counter=counter,
            samples=[n * 7 for n in range(60)],
            times=times,
            synced_at=now,
        )
    return machine


def test_four_charts_with_axis_unit_and_hover(as_alice, measured) -> None:
    page = as_alice.get(url(measured))
    assert page.text.count('class="curve"') == 4
    for told in ("CPU", "MB", "IOPS", "kB/s", "</title></rect>"):
        assert told in page.text
    assert len(page.content) <= HTML_BUDGET


def test_the_same_as_a_table(as_alice, measured) -> None:
    page = as_alice.get(f"{url(measured)}?view=table")
    assert 'class="curve"' not in page.text
    assert "413 kB/s" in page.text


def test_where_nothing_was_measured_it_says_so(as_alice, measured) -> None:
    assert "Nothing measured yet" in as_alice.get(f"{url(measured)}?frame=month").text


def test_its_own_activity(as_alice, machine) -> None:
    as_alice.post(url(machine, "machine-operate"), {"verb": "stop"})
    page = as_alice.get(url(machine, "machine-activity"))
    assert "Stop" in page.text
    assert "alice@example.net" in page.text


def test_the_host_is_not_told(as_alice, machine) -> None:
    Machine.objects.update(host_name="host-17.fabric.example")
    assert "host-17" not in as_alice.get(url(machine)).text


def lacking(machine, *abilities: str) -> None:
    """Have the endpoint of the machine say that it cannot do this."""
    described = Description(ALL - set(abilities))
    type(machine.stamp.provider).objects.update(
        capabilities=described.as_json(), abilities_read_at=timezone.now()
    )


def test_an_endpoint_that_tells_no_load_gives_the_reason_for_the_charts(as_alice, machine) -> None:
    lacking(machine)
    assert "This VMM does not tell load." not in as_alice.get(url(machine)).text
    lacking(machine, LOAD)
    page = as_alice.get(url(machine)).text
    assert "This VMM does not tell load." in page
    assert "part=charts" not in page, "nothing there is worth asking for again"


def test_an_endpoint_that_tells_no_steps_says_so_while_it_works(as_alice, machine) -> None:
    lacking(machine, JOB_STEPS)
    Machine.objects.update(state=MachineState.UPDATING)
    make_job(machine)
    assert "but not its steps" in as_alice.get(url(machine)).text
